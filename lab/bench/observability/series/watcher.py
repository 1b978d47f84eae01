"""Prometheus as a process of the benchmark: what it holds, what it has used, and what it says of itself."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lab.bench.observability.series.door import HTTP
from lab.bench.releases.ways import BenchError

_LOOPBACK: Final = "127.0.0.1"
_START_SECONDS: Final = 60
_END_SECONDS: Final = 60
_PART_OF_LIMIT: Final = 0.9
"""Prometheus tells Go to stay below so much of its container's limit (`--auto-gomemlimit.ratio`)."""


@dataclass(frozen=True)
class Held:
    """Bytes in memory: what has no file behind it, which a limit counts for good, and all of it."""

    anonymous: int
    resident: int

    @classmethod
    def of(cls, status: str) -> Held:
        """From the text of /proc/<pid>/status; that of a process that just ended says nothing of memory: 0 of each."""
        found = {name: int(size) * 1024 for name, size in re.findall(r"^(\w+):\s+(\d+) kB$", status, re.M)}
        return cls(found.get("RssAnon", 0), found.get("VmRSS", 0))


@dataclass(frozen=True)
class Watcher:
    """A Prometheus that runs. All methods raise BenchError when it doesn't any more."""

    process: subprocess.Popen[bytes]
    address: str
    log: Path

    def held(self) -> Held:
        return Held.of(self._read("status"))

    def cpu_seconds(self) -> float:
        """Processor time since it began."""
        return cpu_seconds(self._read("stat"))

    def figures(self) -> dict[str, float]:
        """Its own series, by their text: `prometheus_tsdb_head_series`."""
        return parsed(self._asked("/metrics").decode())

    def query(self, expression: str) -> float:
        """The value of what has one series; 0 when there is none."""
        answer = self._asked("/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
        found: list[dict[str, Any]] = json.loads(answer)["data"]["result"]
        return float(found[0]["value"][1]) if found else 0.0

    def written(self) -> None:
        """Have it write what it holds to a block, as it does every two hours."""
        self._asked("/api/v1/admin/tsdb/snapshot", b"")

    def _asked(self, path: str, body: bytes | None = None) -> bytes:
        try:
            with HTTP.open(f"http://{self.address}{path}", body, timeout=300) as answer:
                return bytes(answer.read())
        except OSError as error:
            raise self._gone(str(error)) from error

    def _read(self, name: str) -> str:
        if self.process.poll() is not None:
            raise self._gone(f"it ended with {self.process.returncode}")
        return Path(f"/proc/{self.process.pid}/{name}").read_text()

    def _gone(self, what: str) -> BenchError:
        return BenchError(f"Prometheus: {what}\n{self.log.read_text(errors='replace')[-2000:]}")


def cpu_seconds(stat: str) -> float:
    """Processor time of a process, from the text of /proc/<pid>/stat."""
    after_name = stat.rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def parsed(exposition: str) -> dict[str, float]:
    """Values by the text before them."""
    rows = (line.rpartition(" ") for line in exposition.splitlines() if line and not line.startswith("#"))
    return {text: float(value) for text, _, value in rows}


def free_address() -> str:
    """A loopback address that nobody listens at."""
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        return f"{_LOOPBACK}:{probe.getsockname()[1]}"


def line(program: Path, folder: Path, address: str) -> Sequence[str]:
    """How it is started, with its files in `folder`."""
    return (
        str(program),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--web.enable-admin-api",
        "--log.level=warn",
    )


@contextmanager
def watching(program: Path, folder: Path, address: str, limit_mib: int) -> Iterator[Watcher]:
    """It runs while the context lasts, as if its container had this limit of memory. Raises BenchError."""
    log = folder / "prometheus.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            line(program, folder, address),
            stdout=sink,
            stderr=sink,
            env={"PATH": os.defpath, "GOMEMLIMIT": f"{round(limit_mib * _PART_OF_LIMIT)}MiB"},
            start_new_session=True,
        )
    try:
        found = Watcher(process, address, log)
        _ready(found)
        yield found
    finally:
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ready(found: Watcher) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        found.held()
        try:
            with HTTP.open(f"http://{found.address}/-/ready", timeout=5):
                return
        except OSError as error:
            if time.monotonic() > deadline:
                raise BenchError(f"Prometheus does not answer:\n{found.log.read_text()[-2000:]}") from error
            time.sleep(0.1)
