"""Markdown for run summaries, comments and issues. What others wrote is in code, where nothing has a meaning: no Markdown,
no HTML, no mention of anybody, no link; and the whole fits into what GitHub takes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ops.words import clean, count

LARGEST: Final = 65_536
"""Characters of a comment or an issue (GitHub's answer to more: "body is too long (maximum is 65536 characters)")."""
_ROOM: Final = LARGEST - 500
"""Without what finds it again (`ops.ci.notices.marker`)."""
_LONGEST_LINE: Final = 500
_TICKS: Final = re.compile(r"`+")
_SMALLEST_FENCE: Final = 3


@dataclass(frozen=True)
class Block:
    """Lines that somebody else wrote, under a title of ours; `folded` ones are shown when they are asked for."""

    title: str
    lines: Sequence[str]
    folded: bool = False


Part = str | Block


def code(text: str) -> str:
    """Foreign text within a line, as code. Not for tables."""
    shown = _short(clean(text).strip()) or "-"
    fence = "`" * (_longest_run(shown) + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def document(parts: Sequence[Part], largest: int = _ROOM) -> str:
    """Our own paragraphs as they are, blocks of others' lines in their order until there is no more room; what was left out
    is said."""
    room = largest - sum(len(each) + 2 for each in parts if isinstance(each, str))
    written = []
    for each in parts:
        if isinstance(each, str):
            written.append(each)
            continue
        block = _block(each, room - 2)
        room -= len(block) + 2
        written.append(block)
    return "\n\n".join(each for each in written if each)


def _block(block: Block, room: int) -> str:
    """As many of its lines as there is room for."""
    lines = [_short(clean(line)) for line in block.lines]
    kept = len(lines)
    while True:
        made = _made(block, lines[:kept], len(lines) - kept)
        if len(made) <= room:
            return made
        if kept == 0:
            return ""
        too_many = len(made) - room
        while kept and too_many > 0:
            kept -= 1
            too_many -= len(lines[kept]) + 1


def _made(block: Block, lines: Sequence[str], left_out: int) -> str:
    text = "\n".join(lines)
    fence = "`" * max(_SMALLEST_FENCE, _longest_run(text) + 1)
    fenced = f"{fence}text\n{text}\n{fence}" if lines else ""
    rest = f"… {count(left_out, 'more line')} left out: the run's log has all" if left_out else ""
    body = "\n\n".join(each for each in (fenced, rest) if each)
    if block.folded:
        return f"<details><summary>{block.title}</summary>\n\n{body}\n\n</details>"
    return f"{block.title}\n\n{body}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in _TICKS.findall(text)), default=0)


def _short(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…"
