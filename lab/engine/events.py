"""What an operation tells its display."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from typing import Protocol

from lab.engine.steps import READ, REFRESH, Step
from lab.engine.values import PropertyMap, equal


@dataclass(frozen=True)
class Summary:
    """The end of an operation."""

    preview: bool
    failed: bool
    seconds: float
    changes: dict[str, int]
    outputs: PropertyMap
    old_outputs: PropertyMap


class Display(Protocol):
    """Shows an operation; called from many threads, one call at a time."""

    def started(self, step: Step) -> None:
        """The step begins."""

    def finished(self, step: Step, op: str) -> None:
        """The step is done; `op` is what it turned out to be (a refresh may be an update)."""

    def failed(self, step: Step) -> None:
        """The step failed; the reason has come as a diagnostic."""

    def diagnostic(self, severity: str, urn: str, message: str) -> None:
        """A message, `error`, `warning` or `info`, about a resource or (`urn` empty) the whole stack."""

    def program_output(self, line: str) -> None:
        """The program printed a line."""

    def summary(self, summary: Summary) -> None:
        """The operation is over."""


class Events:
    """Counts what happens and passes it to the display, free of secrets."""

    def __init__(self, display: Display, scrub: Scrub, *, refreshing: bool = False) -> None:
        self._display, self._scrub, self._refreshing = display, scrub, refreshing
        self._lock = threading.RLock()
        self.changes: Counter[str] = Counter()
        self.failed_urns: list[str] = []
        self.steps: list[tuple[str, str]] = []
        self._printed: list[str] = []

    def started(self, step: Step) -> None:
        """The step begins."""
        with self._lock:
            self.steps.append((step.op, step.urn))
            self._display.started(step)

    def finished(self, step: Step) -> None:
        """The step is done."""
        op, counts = step.op, step.logical
        if op == REFRESH and self._refreshing:
            op, counts = step.result_op, True
        elif op == READ:
            counts = _read_changed(step)
        with self._lock:
            if counts and not step.internal:
                self.changes[op] += 1
            self._display.finished(step, op)

    def failed(self, step: Step, message: str) -> None:
        """The step failed."""
        with self._lock:
            self.failed_urns.append(step.urn)
            self.error(message, "" if step.internal else step.urn)
            self._display.failed(step)

    def error(self, message: str, urn: str = "") -> None:
        """Something is wrong."""
        self._diagnostic("error", urn, message)

    def warning(self, message: str, urn: str = "") -> None:
        """Something may be wrong."""
        self._diagnostic("warning", urn, message)

    def info(self, message: str, urn: str = "") -> None:
        """Something worth knowing."""
        self._diagnostic("info", urn, message)

    def program_output(self, line: str) -> None:
        """The program printed a line; it is shown at the end, when all secrets are known."""
        with self._lock:
            self._printed.append(line)

    def summary(self, summary: Summary) -> None:
        """The operation is over."""
        with self._lock:
            for line in self._printed:
                self._display.program_output(self._scrub(line))
            self._display.summary(summary)

    def _diagnostic(self, severity: str, urn: str, message: str) -> None:
        with self._lock:
            self._display.diagnostic(severity, urn, self._scrub(message))


class Scrub(Protocol):
    """Takes known secrets out of a text."""

    def __call__(self, text: str) -> str: ...


def _read_changed(step: Step) -> bool:
    """A read counts only when it found something else than before."""
    if step.old is None or step.new is None:
        return False
    return not equal(step.old.outputs, step.new.outputs)
