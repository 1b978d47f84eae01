"""The deployment guide as it is run: its commands, section by section, and what it says that they print."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from lab.paths import REPO

GUIDE: Final = REPO / "docs" / "deployment-guide.md"
_SECTION: Final = re.compile(r"^##+ (.+)$", re.MULTILINE)
_BLOCK: Final = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Step:
    """Commands of one block, and the lines of the `text` block after it; `…` stands for anything."""

    section: str
    commands: tuple[str, ...]
    prints: tuple[str, ...] = ()


def steps(path: Path = GUIDE) -> list[Step]:
    """All of the guide's commands, in order."""
    return [step for section, text in _sections(path.read_text()) for step in _steps(section, text)]


def _sections(text: str) -> Iterator[tuple[str, str]]:
    titles = list(_SECTION.finditer(text))
    ends = [title.start() for title in titles[1:]] + [len(text)]
    for title, end in zip(titles, ends, strict=True):
        yield title[1], text[title.end() : end]


def _steps(section: str, text: str) -> Iterator[Step]:
    before: Step | None = None
    for kind, body in _BLOCK.findall(text):
        if kind == "text" and before:
            yield replace(before, prints=tuple(body.splitlines()))
            before = None
            continue
        if before:
            yield before
        before = Step(section, tuple(_commands(body)))
    if before:
        yield before


def _commands(block: str) -> Iterator[str]:
    """One a line, without its comment; what a heredoc brings belongs to its command."""
    lines = iter(block.splitlines())
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        end = re.search(r"<<'(\w+)'", line)
        if end is None:
            yield re.sub(r"\s{2,}#.*$", "", line)
            continue
        whole = [line]
        for more in lines:
            whole.append(more)
            if more == end[1]:
                break
        yield "\n".join(whole)


def printed(line: str, output: str) -> bool:
    """Whether the output has the line, whatever the blanks, colours and `…`."""
    parts = [re.escape(" ".join(part.split())) for part in line.split("…")]
    return re.search(".*?".join(parts), " ".join(output.split())) is not None
