"""Time and memory of one run of the Pulumi CLI: all processes of its session."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SAMPLE_SECONDS: Final = 0.25
KINDS: Final[Mapping[str, re.Pattern[str]]] = {
    "cli": re.compile(r"^(\S*/)?pulumi "),
    "program": re.compile(r"pulumi-language-python-exec"),
}
"""What the command line of a process has, by what it is: the CLI, and the Python program that it runs."""
_COUNT: Final = re.compile(
    r"^\s+(?:[+~-]+ ?)?(\d+) (?:to )?(created?|updated?|deleted?|replaced?|unchanged)$", re.MULTILINE
)


@dataclass(frozen=True)
class Measurement:
    """Wall-clock seconds, peak memory, and what the CLI counted: `{"create": 7, "unchanged": 3}`.

    `rss_mb` is the most that each of `KINDS` was resident with, by itself (`VmHWM` of proc(5)). `cpu_seconds` is the
    processor time of all processes, but for the last quarter of a second of each.
    """

    seconds: float
    peak_mb: float
    counts: Mapping[str, int]
    rss_mb: Mapping[str, float] = field(default_factory=dict)
    cpu_seconds: float = 0

    @property
    def resources(self) -> int:
        return sum(self.counts.values())


def measure(argv: Sequence[str], cwd: Path, environment: Mapping[str, str], log: Path) -> Measurement:
    """Run the CLI in a session of its own; its output goes to `log`.

    Raises:
        SystemExit: it failed; the end of its output is in the message.
    """
    started, peak = time.monotonic(), 0
    resident: dict[str, int] = {}
    used: dict[Path, float] = {}
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
        try:
            while _runs(child):
                processes = list(_session(child.pid))
                peak = max(peak, sum(map(_memory, processes)))
                for process in processes:
                    used[process] = max(used.get(process, 0), cpu_seconds(process))
                    if kind := _kind(process):
                        resident[kind] = max(resident.get(kind, 0), most_resident(process))
        except BaseException:  # Ctrl-C doesn't reach a session of its own
            _end(child)
            raise
    seconds, text = time.monotonic() - started, log.read_text(errors="replace")
    if child.returncode != 0:
        raise SystemExit(f"{' '.join(argv)} failed:\n{text[-4000:]}")
    most = {kind: size / 1e6 for kind, size in resident.items()}
    return Measurement(seconds, peak / 1e6, counted(text), most, sum(used.values()))


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


def cpu_seconds(process: Path) -> float:
    """Processor time of one process (a folder of /proc) so far, without its children's; 0 of one that has ended."""
    try:
        after_name = (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def _session(leader: int) -> Iterator[Path]:
    """The processes of a session, as folders of /proc."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            after_name = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        if int(after_name[3]) == leader:
            yield process


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the whole session."""
    for process in _session(child.pid):
        with suppress(OSError):
            os.kill(int(process.name), signal.SIGTERM)
    child.wait()


def _kind(process: Path) -> str | None:
    try:
        words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:  # it has ended
        return None
    return next((kind for kind, pattern in KINDS.items() if pattern.search(words)), None)


def _memory(process: Path) -> int:
    """Its proportional set size in bytes: what several processes share counts once."""
    return _said(process / "smaps_rollup", "Pss:")


def most_resident(process: Path) -> int:
    """The most bytes that it has been resident with so far."""
    return _said(process / "status", "VmHWM:")


def _said(file: Path, key: str) -> int:
    """Bytes that a file of proc(5) says in kB; 0 of a process that has ended."""
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(key)), 0)
