"""Text like that of Pulumi's own non-interactive display: a line as a step starts and as it ends."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Final, TextIO

from lab.engine import steps as ops
from lab.engine import urn as urns
from lab.engine.display.values import difference, listing, outputs_text
from lab.engine.events import Summary
from lab.engine.steps import Step

PREFIXES: Final = {
    ops.SAME: "  ",
    ops.CREATE: "+ ",
    ops.UPDATE: "~ ",
    ops.DELETE: "- ",
    ops.REPLACE: "+-",
    ops.CREATE_REPLACEMENT: "++",
    ops.DELETE_REPLACED: "--",
    ops.READ: "> ",
    ops.READ_REPLACEMENT: ">>",
    ops.REFRESH: "~ ",
    ops.DISCARD: "< ",
    ops.DISCARD_REPLACED: "<<",
    ops.REMOVE_PENDING_REPLACE: "~ ",
}
_DOING: Final = {
    ops.CREATE: "creating",
    ops.UPDATE: "updating",
    ops.DELETE: "deleting",
    ops.REPLACE: "replacing",
    ops.CREATE_REPLACEMENT: "creating replacement",
    ops.DELETE_REPLACED: "deleting original",
    ops.READ: "reading",
    ops.READ_REPLACEMENT: "reading for replacement",
    ops.REFRESH: "refreshing",
    ops.DISCARD: "discarding",
    ops.DISCARD_REPLACED: "discarding original",
    ops.SAME: "checking",
}
_DONE: Final = {
    ops.CREATE: "created",
    ops.UPDATE: "updated",
    ops.DELETE: "deleted",
    ops.REPLACE: "replaced",
    ops.CREATE_REPLACEMENT: "created replacement",
    ops.DELETE_REPLACED: "deleted original",
    ops.READ: "read",
    ops.READ_REPLACEMENT: "read for replacement",
    ops.REFRESH: "refreshed",
    ops.DISCARD: "discarded",
    ops.DISCARD_REPLACED: "discarded original",
    ops.SAME: "unchanged",
}
_UNCOUNTED: Final = frozenset({ops.SAME, ops.READ, ops.DISCARD, ops.READ_REPLACEMENT})
_PATIENCE: Final = 0.2
"""Seconds that a line of a preview may wait to be written."""
_COLORS: Final = {"+": "32", "-": "31", "~": "33"}


class TextDisplay:
    """Writes to a stream; colors only on a terminal."""

    def __init__(self, stream: TextIO, title: str, *, preview: bool, diff: bool = False) -> None:
        self._stream, self._preview, self._diff = stream, preview, diff
        self._colored = stream.isatty()
        self._started: dict[int, float] = {}
        self._problems: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self._printed: list[str] = []
        self._errors = 0
        self._lines: list[str] = []
        self._flushed = 0.0
        self._write(f"{title}:")

    def _write(self, line: str = "") -> None:
        self._lines.append(line)
        if not self._preview or time.monotonic() - self._flushed > _PATIENCE:
            self._flush()

    def _flush(self) -> None:
        """Previews write now and then: a system call a line would cost as much as the preview itself."""
        self._stream.write("".join(f"{line}\n" for line in self._lines))
        self._stream.flush()
        self._lines.clear()
        self._flushed = time.monotonic()

    def _line(self, op: str, urn: str, rest: str) -> None:
        prefix = PREFIXES[op]
        if self._colored and prefix[0] in _COLORS:
            prefix = f"\033[{_COLORS[prefix[0]]}m{prefix}\033[0m"
        self._write(f" {prefix} {urns.type_of(urn)} {urns.name_of(urn)} {rest}".rstrip())

    def _hidden(self, step: Step, op: str) -> bool:
        if step.internal or (op in (ops.SAME, ops.REPLACE) and not self._preview):
            return True
        if op == ops.SAME:
            return step.old is None or step.new is None or step.old.protect == step.new.protect
        return self._preview and op in ops.REPLACEMENT_OPS - {ops.REPLACE}

    def started(self, step: Step) -> None:
        """A line for a step that begins; previews say only what would be done."""
        self._started[id(step)] = time.monotonic()
        if not self._preview and not self._hidden(step, step.op):
            self._line(step.op, step.urn, f"{_DOING.get(step.op, step.op)} (0s)")

    def finished(self, step: Step, op: str) -> None:
        """A line for a step that is done."""
        seconds = time.monotonic() - self._started.pop(id(step), time.monotonic())
        if self._hidden(step, op):
            return
        if self._preview:
            self._line(op, step.urn, op)
        else:
            self._line(op, step.urn, f"{_DONE.get(op, op)} ({seconds:.2g}s)")
        if self._diff or (self._preview and op in (ops.UPDATE, ops.REPLACE)):
            self._write_difference(step, op)

    def _write_difference(self, step: Step, op: str) -> None:
        indent = " " * 8
        old, new = step.old, step.new
        if op in (ops.UPDATE, ops.REPLACE) and old is not None and new is not None:
            for line in difference(old.inputs, new.inputs, indent):
                self._write(line)
            if step.reasons:
                self._write(f"{indent}(replaced because of {', '.join(step.reasons)})")
        elif op == ops.CREATE and new is not None:
            for line in listing(new.inputs, indent):
                self._write(line)

    def failed(self, step: Step) -> None:
        """A line for a step that failed; why, stands under Diagnostics."""
        self._errors += 1
        doing = "failed" if self._preview else f"**{_DOING.get(step.op, step.op)} failed**"
        reasons = [text for severity, text in self._problems[step.urn] if severity == "error"]
        first = reasons[-1].splitlines()[0] if reasons and reasons[-1] else ""
        self._line(step.op, step.urn, f"{doing} error: {first}")

    def diagnostic(self, severity: str, urn: str, message: str) -> None:
        """Kept for the end; warnings are shown at once, too."""
        self._problems[urn].append((severity, message))
        if severity == "warning":
            self._write(f"warning: {message}")

    def program_output(self, line: str) -> None:
        """Kept for the end."""
        self._printed.append(line)

    def summary(self, summary: Summary) -> None:
        """Diagnostics, outputs, counts and duration."""
        self._write_diagnostics()
        outputs = list(outputs_text(summary.old_outputs, summary.outputs)) if not summary.failed else []
        if outputs:
            self._write("Outputs:")
            for line in outputs:
                self._write(line)
            self._write()
        self._write("Resources:")
        for line in _counts(summary, self._errors):
            self._write(f"    {line}")
        if not summary.preview:
            self._write()
            self._write(f"Duration: {_duration(summary.seconds)}")
        self._flush()

    def _write_diagnostics(self) -> None:
        if not self._problems and not self._printed:
            return
        self._write()
        self._write("Diagnostics:")
        if self._printed:
            self._write("  program output:")
            for line in self._printed:
                self._write(f"    {line}")
            self._write()
        for urn, problems in self._problems.items():
            label = f"{urns.type_of(urn)} ({urns.name_of(urn)})" if urn else "stack"
            self._write(f"  {label}:")
            for severity, message in problems:
                for number, line in enumerate(message.splitlines() or [""]):
                    self._write(f"    {severity}: {line}" if number == 0 else f"    {line}")
            self._write()


def _counts(summary: Summary, errors: int) -> list[str]:
    lines = []
    counted = [op for op in ops.ORDER if op not in _UNCOUNTED and summary.changes.get(op)]
    for op in counted:
        what = f"to {op}" if summary.preview else _DONE[op]
        lines.append(f"{PREFIXES[op]}{summary.changes[op]} {what}")
    pieces = []
    if len(counted) > 1:
        pieces.append(f"{sum(summary.changes[op] for op in counted)} changes")
    if summary.changes.get(ops.SAME):
        pieces.append(f"{summary.changes[ops.SAME]} unchanged")
    if pieces:
        lines.append(". ".join(pieces))
    if errors:
        lines.append(f"{errors} errored")
    return lines


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
