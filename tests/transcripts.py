"""Transcripts in the documentation, ```` ```console ```` blocks: read, and compared with what commands say.

`$ …` is a command, what follows is what it prints. `…` alone stands for any lines, at a line's end for the rest of it.
Times, release ids, digests, durations, people and widths of columns may be others.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_OPENS, _CLOSES, _PROMPT, _ANY = "```console", "```", "$ ", "…"
_SHAPES = (
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?( UTC)?", "<time>"),
    (r"\bsha256:[0-9a-f]{6,64}\b|\b(?=[0-9a-f]*\d)[0-9a-f]{12}\b", "<digest>"),
    (r"\br\d+\b", "<id>"),
    (r"\b\d+(\.\d+)? (ms|s|min|h|days?)\b", "<duration>"),
    (r"\bjust now\b|<duration> ago", "<ago>"),
    (r"\b[A-Za-z0-9_-]+@[A-Za-z0-9_.-]+", "<who>"),
    (r"\b\d+(\.\d+)? k?B\b", "<size>"),
    (r"[ \t]+", " "),
)


@dataclass(frozen=True)
class Step:
    """A command of a page, by the line it stands on, and what the page says that it prints."""

    page: str
    line: int
    command: str
    prints: tuple[str, ...]


def steps(page: Path) -> list[Step]:
    """All commands of a page, in order. A command goes on while its line ends in a backslash."""
    found: list[Step] = []
    inside, open_command = False, False
    for number, text in enumerate(page.read_text().splitlines(), 1):
        if not inside:
            inside = text.strip() == _OPENS
        elif text.strip() == _CLOSES:
            inside = False
        elif open_command or text.startswith(_PROMPT):
            before = found.pop() if open_command else Step(page.name, number, "", ())
            command = f"{before.command}\n{text}" if open_command else text.removeprefix(_PROMPT)
            found.append(Step(before.page, before.line, command, ()))
            open_command = text.endswith("\\")
        else:
            assert found, f"{page.name}:{number}: a transcript starts with a command"
            last = found.pop()
            found.append(Step(last.page, last.line, last.command, (*last.prints, text)))
    return found


def difference(step: Step, printed: str) -> str:
    """How what was printed differs from the page, "" when it doesn't."""
    expected, actual = [_shape(line) for line in step.prints], [_shape(line) for line in printed.splitlines()]
    if _matches(expected, actual):
        return ""
    lines = difflib.unified_diff(expected, actual, f"{step.page}:{step.line}", "printed", lineterm="")
    return "\n".join([f"$ {step.command}", *lines])


def _shape(line: str) -> str:
    for pattern, name in _SHAPES:
        line = re.sub(pattern, name, line)
    return line.strip()


def _matches(expected: Sequence[str], actual: Sequence[str]) -> bool:
    if not expected:
        return not actual
    first, rest = expected[0], expected[1:]
    if first == _ANY:
        return any(_matches(rest, actual[start:]) for start in range(len(actual) + 1))
    return bool(actual) and _same(first, actual[0]) and _matches(rest, actual[1:])


def _same(expected: str, actual: str) -> bool:
    if expected.endswith(_ANY):
        return actual.startswith(expected.removesuffix(_ANY).rstrip())
    return expected == actual
