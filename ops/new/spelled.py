"""A template's two words, replaced in the text of a file by those of an app.

An id is small letters, digits and hyphens, and stands anywhere. A name is free text in any language, which reaches source
code: it is written as each kind of file needs it, and only in those kinds where one way of writing is right everywhere.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final


class Misplaced(ValueError):
    """The template's name stands where no other name could; the text says what the place would have to be."""


@dataclass(frozen=True)
class Called:
    """The two words that something calls itself by."""

    id: str
    name: str


def respelled(path: str, text: str, old: Called, new: Called) -> str:
    """The text of a file with the new words in place of the old ones, which nothing of the new is taken for.

    Raises:
        Misplaced: the file has the old name in a place that can't hold any name.
    """
    write = _WAYS.get(PurePosixPath(path).suffix)
    if old.name in text and write is None:
        raise Misplaced(f"has the name; names may stand in {', '.join(sorted(_WAYS))} only")
    pieces = text.split(old.name)
    ids = [piece.replace(old.id, new.id) for piece in pieces]
    if write is None or len(pieces) == 1:
        return ids[0]
    if write is _script:
        _check_constants(text, old.name)
    return write(new.name).join(ids)


def _json(name: str) -> str:
    """What stands between the quotes of a JSON string."""
    return json.dumps(name, ensure_ascii=False)[1:-1]


def _script(name: str) -> str:
    """What stands between the double quotes of a JavaScript string; with none in it, or formatters change the quotes."""
    return _json(name).replace('\\"', "\\u0022").replace("${", "$\\u007b")


def _markup(name: str) -> str:
    """Text, or an attribute's value; in a comment it doesn't end it."""
    return html.escape(name).replace("--", "-&#45;")


def _markdown(name: str) -> str:
    """Text of a paragraph or title: whatever Markdown or HTML give a meaning is written as itself."""
    return re.sub(r"([!-&(-+./:-@\[-`{-~]|^-)", r"\\\1", name)


_WAYS: Final[Mapping[str, Callable[[str], str]]] = {
    ".json": _json,
    ".md": _markdown,
    ".mjs": _script,
    ".svg": _markup,
    ".ts": _script,
}


def _check_constants(text: str, name: str) -> None:
    """In a script a name is a constant on its own line: elsewhere it could be in a comment, a pattern or a tag's value."""
    constant = re.compile(rf'(?:export )?const \w+(?:: string)? = "{re.escape(name)}";?')
    for line in text.splitlines():
        if name in line and not constant.fullmatch(line):
            raise Misplaced(f'has the name elsewhere than in a line like `export const APP_NAME = "{name}";`')
