"""Time and memory of one run of the Pulumi CLI: all processes of its session."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SAMPLE_SECONDS: Final = 0.25
_COUNT: Final = re.compile(
    r"^\s+(?:[+~-]+ ?)?(\d+) (?:to )?(created?|updated?|deleted?|replaced?|unchanged)$", re.MULTILINE
)


@dataclass(frozen=True)
class Measurement:
    """Wall-clock seconds, peak memory, and what the CLI counted: `{"create": 7, "unchanged": 3}`."""

    seconds: float
    peak_mb: float
    counts: Mapping[str, int]

    @property
    def resources(self) -> int:
        return sum(self.counts.values())


def measure(argv: Sequence[str], cwd: Path, environment: Mapping[str, str], log: Path) -> Measurement:
    """Run the CLI in a session of its own; its output goes to `log`.

    Raises:
        SystemExit: it failed; the end of its output is in the message.
    """
    started, peak = time.monotonic(), 0
    with log.open("wb") as output:
        child = subprocess.Popen(
            argv,
            cwd=cwd,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        while _runs(child):
            peak = max(peak, sum(_memory(process) for process in _session(child.pid)))
    seconds, text = time.monotonic() - started, log.read_text(errors="replace")
    if child.returncode != 0:
        raise SystemExit(f"{' '.join(argv)} failed:\n{text[-4000:]}")
    return Measurement(seconds, peak / 1e6, counted(text))


def counted(text: str) -> dict[str, int]:
    """The numbers of the CLI's summary, by verb."""
    return {_verb(verb): int(number) for number, verb in _COUNT.findall(text)}


def _verb(word: str) -> str:
    return word if word == "unchanged" else word.removesuffix("d")


def _runs(child: subprocess.Popen[bytes]) -> bool:
    try:
        child.wait(SAMPLE_SECONDS)
    except subprocess.TimeoutExpired:
        return True
    return False


def _session(leader: int) -> Iterator[Path]:
    """The processes of a session, as folders of /proc."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            after_name = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        if int(after_name[3]) == leader:
            yield process


def _memory(process: Path) -> int:
    """Its proportional set size in bytes: what several processes share counts once."""
    try:
        lines = (process / "smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
