"""What a job's log takes for commands: problems as annotations, and everything else as nothing but text.

Source: docs.github.com, "Workflow commands for GitHub Actions"; how values are escaped: actions/toolkit,
`packages/core/src/command.ts`.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

_ESCAPES: Final = (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"))
_LONGEST: Final = 4000
_MOST: Final = 10
"""GitHub shows ten errors of a step."""


def inside(environ: Mapping[str, str]) -> bool:
    """Whether this is a step of a workflow, whose log is read for commands."""
    return environ.get("GITHUB_ACTIONS") == "true"


def error(text: str) -> str:
    """The line that makes an error on the run's page."""
    return f"::error title=codeb ci::{escaped(text[:_LONGEST])}"


def escaped(text: str) -> str:
    """A command's message: what would end the line is escaped."""
    for letter, escape in _ESCAPES:
        text = text.replace(letter, escape)
    return text


@contextmanager
def as_text(environ: Mapping[str, str]) -> Iterator[None]:
    """What is printed meanwhile is no command, whatever apps, hosts or manifests have written into it."""
    if not inside(environ):
        yield
        return
    mark = secrets.token_hex(16)
    _say(f"::stop-commands::{mark}")
    try:
        yield
    finally:
        _say(f"::{mark}::")


def annotate(environ: Mapping[str, str], problems: Sequence[str]) -> None:
    """Show what failed on the run's page."""
    if not inside(environ):
        return
    for problem in [each for each in problems if each.startswith("error:")][:_MOST]:
        _say(error(problem.removeprefix("error:").strip()))


def _say(line: str) -> None:
    # standard output is the result's; the runner reads both streams for commands
    sys.stdout.flush()
    print(line, file=sys.stderr, flush=True)
