"""Reads a JSON document strictly: unknown keys, wrong types and ambiguous values are refused."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from agent.documents.errors import BadDocument

PROJECT: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{1,38})[a-z0-9]")
UNIT_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,200}\.[a-z]+")
IMAGE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,400}")
DIGEST: Final = re.compile(r"(?:sha256:[0-9a-f]{64})?")
HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
SITE_NAME: Final = re.compile(r"(?:\*\.)?" + HOST.pattern)
ADDRESS: Final = re.compile(r"[0-9A-Fa-f.:]{2,45}")
USER: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,62}")
VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,200}")
SLUG: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
ACL_RULE: Final = re.compile(r"resetchannels|~\*|&(?:[a-z0-9_:]*\*)|[+-]@?[a-z_]+(?:\|[a-z0-9]+)?")
URL_PATH: Final = re.compile(r"/[!-~]{0,1000}")
MODE: Final = re.compile(r"0[0-7]{3}")
OWNER: Final = re.compile(r"[a-z0-9_][a-z0-9_-]{0,31}:[a-z0-9_][a-z0-9_-]{0,31}")
ABSOLUTE: Final = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9@%_+=:,. -]+)+")
PACKAGE: Final = re.compile(r"[a-z0-9][a-z0-9+.-]{1,100}")
WHY: Final = re.compile(r"[^\x00-\x1f\x7f]{0,500}")
"""What a person says of an act, in one line."""
ANY: Final = re.compile(r"[^\0]*", re.DOTALL)

_REQUIRED: Final = object()


class Reader:
    """A JSON object at a place (`where`) in a document; each getter says what is wrong and where.

    After the last getter, `end()` refuses what nobody asked for.
    """

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise BadDocument(where, "must be a JSON object")
        self._value: Mapping[str, object] = value
        self._where = where
        self._seen: set[str] = set()

    def _at(self, key: str) -> str:
        return f"{self._where}.{key}" if self._where else key

    def _get(self, key: str, default: object) -> object:
        self._seen.add(key)
        value = self._value.get(key, default)
        if value is _REQUIRED:
            raise BadDocument(self._at(key), "is missing")
        return value

    def text(self, key: str, pattern: re.Pattern[str] = ANY, default: str | None = None) -> str:
        """A string that matches as a whole."""
        value = self._get(key, _REQUIRED if default is None else default)
        if not isinstance(value, str):
            raise BadDocument(self._at(key), "must be a string")
        if not pattern.fullmatch(value):
            raise BadDocument(self._at(key), f"{value[:80]!r} doesn't match {pattern.pattern}")
        return value

    def maybe_text(self, key: str) -> str | None:
        """A string, or None when it is null or missing."""
        return None if self._get(key, None) is None else self.text(key)

    def secret(self, key: str, default: str | None = None) -> str:
        """A string of one line that no error may show."""
        value = self._get(key, _REQUIRED if default is None else default)
        if not isinstance(value, str) or not re.fullmatch(r"[^\0\r\n]*", value):
            raise BadDocument(self._at(key), "must be a string of one line")
        return value

    def content(self, key: str) -> bytes:
        """The content of a file, which no error may show."""
        value = self._get(key, _REQUIRED)
        if not isinstance(value, str):
            raise BadDocument(self._at(key), "must be a string")
        return value.encode()

    def choice(self, key: str, *choices: str, default: str | None = None) -> str:
        """One of a few words."""
        value = self.text(key, default=default)
        if value not in choices:
            raise BadDocument(self._at(key), f"{value[:80]!r} is none of {', '.join(choices)}")
        return value

    def whole(self, key: str, least: int, most: int, default: int | None = None) -> int:
        """A whole number in a range; 3.0 counts as 3, as Pulumi sends numbers that way."""
        value = self._get(key, _REQUIRED if default is None else default)
        if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
            raise BadDocument(self._at(key), "must be a whole number")
        if not least <= value <= most:
            raise BadDocument(self._at(key), f"{int(value)} is not within {least} to {most}")
        return int(value)

    def wholes(self, key: str, least: int, most: int) -> tuple[int, ...]:
        """A list of whole numbers in a range; empty when missing."""
        items = {str(n): item for n, item in enumerate(self._list(key))}
        inner = Reader(items, self._at(key))
        return tuple(inner.whole(n, least, most) for n in items)

    def number(self, key: str) -> float:
        """Any number."""
        value = self._get(key, _REQUIRED)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadDocument(self._at(key), "must be a number")
        return float(value)

    def flag(self, key: str, default: bool | None = None) -> bool:
        """True or false."""
        value = self._get(key, _REQUIRED if default is None else default)
        if not isinstance(value, bool):
            raise BadDocument(self._at(key), "must be true or false")
        return value

    def child(self, key: str) -> Reader:
        """An object that must be there."""
        return Reader(self._get(key, _REQUIRED), self._at(key))

    def document(self, key: str) -> Mapping[str, object]:
        """An object as it is."""
        value = self._get(key, _REQUIRED)
        if not isinstance(value, dict):
            raise BadDocument(self._at(key), "must be a JSON object")
        return value

    def maybe(self, key: str) -> Reader | None:
        """An object, or None when it is null or missing."""
        value = self._get(key, None)
        return None if value is None else Reader(value, self._at(key))

    def children(self, key: str) -> list[Reader]:
        """A list of objects; empty when missing."""
        return [Reader(item, f"{self._at(key)}[{n}]") for n, item in enumerate(self._list(key))]

    def texts(self, key: str, pattern: re.Pattern[str]) -> tuple[str, ...]:
        """A list of strings that match as a whole; empty when missing."""
        items = self._list(key)
        for n, item in enumerate(items):
            if not isinstance(item, str) or not pattern.fullmatch(item):
                raise BadDocument(f"{self._at(key)}[{n}]", f"must be a string matching {pattern.pattern}")
        return tuple(str(item) for item in items)

    def secrets(self, key: str, names: re.Pattern[str], longest: int) -> dict[str, str]:
        """An object of strings that no error may show; `longest` in bytes."""
        values = self._get(key, _REQUIRED)
        if not isinstance(values, dict):
            raise BadDocument(self._at(key), "must be a JSON object")
        for name, value in values.items():
            if not names.fullmatch(name):
                raise BadDocument(self._at(key), f"{name[:80]!r} is no name for a variable")
            if not isinstance(value, str) or "\0" in value:
                raise BadDocument(f"{self._at(key)}.{name}", "must be a string without NUL characters")
            if len(value.encode()) > longest:
                raise BadDocument(f"{self._at(key)}.{name}", f"is longer than {longest} bytes")
        return dict(values)

    def version(self) -> None:
        """Documents of version 1 only; a missing one counts as 1."""
        self.whole("version", 1, 1, default=1)

    def has(self, key: str) -> bool:
        """Whether a key is there at all."""
        return key in self._value

    def given(self, key: str) -> bool:
        """Whether a key is there and not null."""
        return self._get(key, None) is not None

    def end(self) -> None:
        """Refuse the keys that no getter took."""
        unknown = sorted(set(self._value) - self._seen)
        if unknown:
            raise BadDocument(self._where, f"unknown key {', '.join(map(repr, unknown))}")

    def _list(self, key: str) -> list[object]:
        value = self._get(key, [])
        if not isinstance(value, list):
            raise BadDocument(self._at(key), "must be a list")
        return value


def parse(text: str) -> Reader:
    """The document on standard input. Raises BadDocument without showing its content."""
    try:
        return Reader(json.loads(text or "{}"), "")
    except ValueError as error:
        # the message of json names a position, never the text
        raise BadDocument("", f"standard input is not JSON: {error}") from None
