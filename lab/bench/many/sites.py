"""Caddy with so many sites: how long it takes to read them by the list and by a pattern, and a reload of one that changed.

`python -m lab.bench.many.sites SIZE RELOADS GLOB` prints the figures as JSON. It is run in a network namespace of its own,
where all ports are free.
"""

from __future__ import annotations

import json
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from agent.host import paths
from lab.bench.edges import CADDY, UPSTREAM, await_caddy, lay_out, plan_of, running
from lab.bench.measure import cpu_seconds, most_resident

_LISTED: Final = "\nimport sites.list\n"
_GLOBBED: Final = "\nimport sites/*.caddy\n"


class SitesError(Exception):
    """Caddy did not do it; the message has its words."""


@dataclass(frozen=True)
class Sites:
    """Processor seconds of `caddy adapt`, by the list and by a pattern (None where that was left out). `reloads` are those
    in which one site had changed, in seconds; `reload_cpu` is the processor time of one, with the server's. Megabytes that
    Caddy was resident with at most, before and after them."""

    sites: int
    listed: float
    globbed: float | None
    reloads: tuple[float, ...]
    reload_cpu: float
    before_mb: float
    after_mb: float

    @property
    def reload(self) -> float:
        return statistics.median(self.reloads)


def sites(size: int, reloads: int, *, glob: bool) -> Sites:
    """Measure in a namespace of its own; root. Raises SitesError."""
    argv = [sys.executable, "-m", "lab.bench.many.sites", str(size), str(reloads), str(int(glob))]
    done = subprocess.run(["unshare", "--net", *argv], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SitesError((done.stderr or done.stdout or "it said nothing")[-2000:])
    found = json.loads(done.stdout)
    return Sites(**{**found, "reloads": tuple(found["reloads"])})


def _measured(size: int, reloads: int, *, glob: bool, root: Path) -> Sites:
    plan = plan_of(size)
    caddyfile = lay_out(plan, root)
    text = caddyfile.read_text()
    listed, configuration = _adapted(caddyfile)
    globbed = None
    if glob:
        caddyfile.write_text(text.replace(_LISTED, _GLOBBED))
        globbed, other = _adapted(caddyfile)
        caddyfile.write_text(text)
        if other != configuration:
            raise SystemExit("Caddy makes something else of the list than of the pattern")
    config = ("--config", str(caddyfile), "--adapter", "caddyfile")
    changing = Path(f"{root}{paths.site(plan.projects[-1].id)}")
    app = running(CADDY, "respond", "--listen", UPSTREAM, "--body", "ok")
    with app, running(CADDY, "run", *config) as caddy:
        await_caddy()
        process = Path("/proc") / str(caddy.pid)
        before, used, seconds = most_resident(process), cpu_seconds(process), []
        children = _children()
        for turn in range(reloads):
            changing.write_text(re.sub(r"max_size \d+", f"max_size {turn + 1}", changing.read_text()))
            start = time.monotonic()
            _said(CADDY, "reload", *config)
            seconds.append(time.monotonic() - start)
        cpu = (_children() - children + cpu_seconds(process) - used) / reloads
        after = most_resident(process)
        return Sites(size, listed, globbed, tuple(seconds), cpu, before / 1e6, after / 1e6)


def _adapted(caddyfile: Path) -> tuple[float, str]:
    before = _children()
    said = _said(CADDY, "adapt", "--config", str(caddyfile), "--adapter", "caddyfile")
    return _children() - before, said


def _said(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(argv)}: {done.stderr[-1000:]}")
    return done.stdout


def _children() -> float:
    """Processor time of all programs that were run and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(argv: list[str]) -> None:
    size, reloads, glob = map(int, argv)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory(prefix="codeb-sites-") as folder:
        print(json.dumps(asdict(_measured(size, reloads, glob=bool(glob), root=Path(folder)))))


if __name__ == "__main__":
    main(sys.argv[1:])
