"""How long `make lab` takes, by phase."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time

from lab import paths
from lab.host.paths import CACHE_VARIABLE

PHASE = re.compile(r"^lab: (?P<name>.+) done in (?P<seconds>[0-9.]+) s$")


def measure_lab(*, cold: bool) -> dict[str, float]:
    """Run `python -m lab up` and return seconds by phase, the whole as `all`.

    A cold run removes this clone's lab first and uses an empty cache in a temporary folder.

    Raises:
        SystemExit: the run failed; its output has been shown.
    """
    if not cold:
        return _run({})
    _lab("clean", {})
    with tempfile.TemporaryDirectory(prefix="codeb-bench-cache-", dir=paths.REPO / ".lab") as cache:
        environment = {CACHE_VARIABLE: cache}
        phases = _run(environment)
        _lab("clean", environment)
    return phases


def _run(environment: dict[str, str]) -> dict[str, float]:
    started = time.monotonic()
    lines = _lab("up", environment)
    phases = {match["name"]: float(match["seconds"]) for line in lines if (match := PHASE.match(line))}
    return {**phases, "all": time.monotonic() - started}


def _lab(verb: str, environment: dict[str, str]) -> list[str]:
    argv = [sys.executable, "-m", "lab", verb]
    child = subprocess.Popen(
        argv,
        cwd=paths.REPO,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert child.stdout is not None  # noqa: S101 narrows the type
    lines = []
    for line in child.stdout:
        sys.stderr.write(line)
        lines.append(line.rstrip("\n"))
    if child.wait() != 0:
        raise SystemExit(f"python -m lab {verb} failed")
    return lines
