"""A log as GitHub keeps it → lines as a person reads them: no colours, no time stamps, nothing that doesn't show."""

from __future__ import annotations

import re
from typing import Final

_ESCAPES: Final = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, cursor
    r"|\x1b\][^\x07\x1b\n]{0,2000}(?:\x07|\x1b\\)"  # titles, links
    r"|\x1b[ -/]*[0-~]"
)
_HIDDEN: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f]"
)
_STAMP: Final = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?Z ?")


def lines(log: str) -> list[str]:
    """The lines of a log. What would hide a part of a word (colours, invisible letters) is gone, so that it can be seen."""
    return [_line(line) for line in log.replace("\r\n", "\n").split("\n")]


def since(log: str, moment: str) -> str:
    """A log from a moment like `2026-11-27T18:00:00Z` on; all of it where it bears no later time stamp."""
    if not moment.endswith("Z"):
        return log
    start = 0
    for line in log.splitlines(keepends=True):
        found = _STAMP.match(line.removeprefix("\ufeff"))
        if found and found[1] >= moment[:-1]:
            return log[start:]
        start += len(line)
    return log


def _line(line: str) -> str:
    text = _HIDDEN.sub("", _ESCAPES.sub("", _shown(line)).removeprefix("\ufeff").replace("\t", "    "))
    return _STAMP.sub("", text).rstrip()


def _shown(line: str) -> str:
    """What a terminal shows of a line that was written over: its last state, with the stamp of its first."""
    if "\r" not in line:
        return line
    states = [state for state in line.split("\r") if state.strip()]
    if not states:
        return ""
    stamp = _STAMP.match(states[0].removeprefix("\ufeff"))
    return states[-1] if len(states) == 1 or not stamp else stamp[0] + states[-1]
