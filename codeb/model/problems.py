"""What is wrong with a document, where, and what to write instead."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic_core import PydanticCustomError

Location = tuple[str | int, ...]
"""Path in a document: keys and list indexes, e.g. `("features", "cron", 0, "schedule")`."""

_SHOWN_CHARACTERS = 60


@dataclass(frozen=True, order=True)
class Problem:
    """One thing to put right. `cause` is a clause without a full stop, `remedy` a sentence.

    `line` and `column` count from 1; 0 means no place in the text (stack settings, whole files).
    """

    file: str
    line: int
    column: int
    path: str
    cause: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        subject = f"{place}: {self.path}" if self.path else place
        return f"{subject}: {self.cause}. {self.remedy}"


class DocumentErrors(ValueError):
    """Every problem found, in the order of files and lines; its text has one problem a line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ManifestErrors(DocumentErrors):
    """Problems of project manifests."""


class SettingsErrors(DocumentErrors):
    """Problems of the stack's settings (`Pulumi.<stack>.yaml`)."""


def refusal(cause: str, remedy: str, at: Location = ()) -> PydanticCustomError:
    """The error that validators raise. `at` is the path of the culprit below the value that was validated."""
    return PydanticCustomError("refused", "{cause}. {remedy}", {"cause": cause, "remedy": remedy, "at": at})


def shown(value: object) -> str:
    """`value` as it may appear in a message: quoted, one line, shortened, invisible characters escaped."""
    text = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    if len(text) > _SHOWN_CHARACTERS:
        text = text[: _SHOWN_CHARACTERS - 1] + "…"
    return json.dumps(text, ensure_ascii=not text.isprintable())


def path_text(location: Location) -> str:
    """`("features", "cron", 0, "schedule")` as `features.cron[0].schedule`."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            plain = len(part) <= _SHOWN_CHARACTERS and part.isprintable() and part.isascii() and part != ""
            text += ("." if text else "") + (part if plain else shown(part))
    return text
