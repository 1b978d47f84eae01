"""Others' words in Markdown that GitHub shows: as text and nothing else, no markup, link, mention or reference."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_BREAK: Final = "\u200b"
"""Shows as nothing, and parts what GitHub would make a mention, a reference or a link of, even behind a backslash."""
_LINKS: Final = re.compile(
    r"(?<=@)|(?<=#)(?=\d)|(?<=:)(?=//)|(?<=www)(?=\.)|(?<=mailto)(?=:)|(?<=xmpp)(?=:)|(?<=GH)(?=-\d)",
    re.IGNORECASE,
)
_MARKUP: Final = re.compile(r"([\\`*_\[\]()#|~$>])")
_COMMENT: Final = re.compile(r"<!(?=--)")
_TICKS: Final = re.compile(r"`+")


def words(text: str, longest: int) -> str:
    """One line of prose, at most `longest` characters of it."""
    line = bounded(" ".join(_printable(text).split()), longest)
    escaped = _MARKUP.sub(r"\\\1", _LINKS.sub(_BREAK, line).replace("&", "&amp;"))
    return escaped.replace("<", "&lt;").replace("\\>", "&gt;")


def title(text: str, longest: int) -> str:
    """One line where GitHub shows no markup, as in the title of an issue."""
    return bounded(_LINKS.sub(_BREAK, " ".join(_printable(text).split())), longest)


def code(text: str, longest: int = 200) -> str:
    """A name in a line of text, as code; `-` for none."""
    line = bounded(" ".join(_printable(text).split()), longest)
    if not line:
        return "-"
    ticks = "`" * (1 + max((len(found) for found in _TICKS.findall(line)), default=0))
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{space}{_COMMENT.sub(f'<!{_BREAK}', line)}{space}{ticks}"


def block(lines: Iterable[str]) -> str:
    """Lines as they are, in a block of code that none of them can end."""
    text = "\n".join(_COMMENT.sub(f"<!{_BREAK}", _printable(line)) for line in lines)
    fence = "`" * max(3, 1 + max((len(found) for found in _TICKS.findall(text)), default=0))
    return f"{fence}text\n{text}\n{fence}"


def bounded(text: str, longest: int) -> str:
    """A text cut to a length; `…` says that it was."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
