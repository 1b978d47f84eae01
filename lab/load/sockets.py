"""WebSockets that stay open, kept by a process of their own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.load.streams import Row, rows
from lab.load.target import Target
from lab.load.tools import Process

PROGRAM = Path(__file__).with_name("live.py")


@dataclass(frozen=True)
class Sockets:
    """A process that keeps WebSockets open; what happens to them are lines of a file."""

    process: Process
    samples: Path

    @classmethod
    def start(cls, to: Target, count: int, folder: Path, options: Sequence[str] = ()) -> Sockets:
        """Keep `count` open; files go to `folder`, `options` to the program."""
        samples, log = folder / "sockets.jsonl", folder / "sockets.log"
        # -P: the program's folder is no place to import from.
        line = [sys.executable, "-P", str(PROGRAM), f"--host={to.host}", f"--path={to.surface.sockets}"]
        line += [
            f"--address={to.address}",
            f"--port={to.port}",
            f"--ca={to.ca}",
            f"--count={count}",
            *options,
        ]
        return cls(Process.start("sockets", line, log, stdout=samples), samples)

    def rows(self) -> list[Row]:
        """What happened so far."""
        return rows(self.samples.read_text().splitlines())
