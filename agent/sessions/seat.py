"""Where somebody sits during a session; real in `agent.real.seat`, in memory in the tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from agent.host.ports import Argv


class Program(Protocol):
    """A program that has the terminal."""

    def ended(self, within_s: float) -> int | None:
        """Its exit status as shells say it, None when it still runs after that time."""

    def signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""


class Seat(Protocol):
    """Where somebody sits: this process's own standard input, outputs and terminal."""

    terminal: bool
    term: str
    """What kind of terminal, as programs name it."""

    def start(self, argv: Argv, environment: Mapping[str, str]) -> Program:
        """Run a program there. It is killed when this process ends, however that happens."""

    def quiet_s(self) -> float:
        """Seconds (to ten or so) since the terminal was last typed at or written to; 0 without one."""

    def say(self, text: str) -> None:
        """A line of our own on standard error."""

    def signal(self, processes: Sequence[int], number: int) -> None:
        """Send a signal to those of these processes that there are."""
