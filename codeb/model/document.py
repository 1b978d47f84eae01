"""YAML text to plain values, with the line and column of each.

Manifests are data, so the reader takes less than YAML offers: one document, a mapping at its root, the plain
types of YAML 1.2 (`yes` and `12:30` are text), and no anchors, aliases, tags or repeated keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from codeb.model.problems import Location, ManifestErrors, Problem, path_text, shown

LARGEST_BYTES = 1 << 20
_DEEPEST = 20
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_NULL = {"", "~", "null", "Null", "NULL"}
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)

Position = tuple[int, int]
"""Line and column, from 1."""


@dataclass(frozen=True)
class Document:
    """Values of one file, and where each of them and its key stands; without positions what no file has as it is."""

    file: str
    value: dict[str, Any]
    values: dict[Location, Position] = field(repr=False)
    keys: dict[Location, Position] = field(repr=False)

    def problem(self, path: Location, cause: str, remedy: str, *, on_key: bool = False) -> Problem:
        """A problem at `path`; where the document has no such path, at the nearest one above."""
        line, column = self._position(path, on_key)
        return Problem(self.file, line, column, path_text(path), cause, remedy)

    def place(self, path: Location) -> str:
        """File and line of `path`, for messages about another file."""
        line = self._position(path, on_key=False)[0]
        return f"{self.file}:{line}" if line else self.file

    def _position(self, path: Location, on_key: bool) -> Position:
        places = self.keys if on_key else self.values
        for length in range(len(path), 0, -1):
            if position := places.get(path[:length]):
                return position
            places = self.keys
        return (1, 1) if self.values else (0, 0)


def read_document(file: str, text: str | bytes) -> Document:
    """The document in `text`; `file` is its name for messages.

    Raises:
        ManifestErrors: the text is too large, not UTF-8, not YAML, or YAML that manifests can't use.
    """
    try:
        data = text.encode() if isinstance(text, str) else text
        if len(data) > LARGEST_BYTES:
            raise _whole(
                file, f"is larger than {LARGEST_BYTES >> 20} MiB", "Split it or remove what does not belong."
            )
        decoded = data.decode("utf-8-sig")
    except UnicodeError:
        raise _whole(file, "is not UTF-8 text", "Save it with the encoding UTF-8.") from None
    try:
        return _Reader(file, decoded).read()
    except yaml.MarkedYAMLError as error:
        raise ManifestErrors([_syntax_problem(file, decoded, error)]) from None
    except yaml.YAMLError:
        raise _whole(file, "has a character that YAML does not allow", "Remove control characters.") from None


def _syntax_problem(file: str, text: str, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    found = " ".join(filter(None, (error.context, error.problem)))
    culprit = "".join(text.split("\n")[line : line + 1])[: column + 1]
    remedy = "Indent with spaces, not tabs." if "\t" in culprit else "Check indentation, colons and quotes."
    return Problem(file, line + 1, column + 1, "", f"is not YAML: {found}", remedy)


def _whole(file: str, cause: str, remedy: str) -> ManifestErrors:
    return ManifestErrors([Problem(file, 0, 0, "", cause, remedy)])


class _Reader:
    """Builds values from the parser's events: nothing is expanded, and depth is limited before recursion."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
        self._values: dict[Location, Position] = {}
        self._keys: dict[Location, Position] = {}
        self._problems: list[Problem] = []

    def read(self) -> Document:
        next(self._events)
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            raise _whole(self._file, "is empty", "Write a manifest, or delete the file.")
        event = next(self._events)
        value = self._value(event, ())
        if not isinstance(value, dict):
            self._refuse(event, (), "is not a mapping", "Start with the key project.")
        next(self._events)
        event = next(self._events)
        if not isinstance(event, yaml.StreamEndEvent):
            self._refuse(event, (), "has a second document", "Write one project a file, without --- between.")
        if self._problems:
            raise ManifestErrors(self._problems)
        return Document(self._file, value, self._values, self._keys)

    def _refuse(self, event: Any, path: Location, cause: str, remedy: str) -> None:
        line, column = _position(event)
        self._problems.append(Problem(self._file, line, column, path_text(path), cause, remedy))

    def _value(self, event: Any, path: Location) -> Any:
        self._values[path] = _position(event)
        if len(path) > _DEEPEST:
            self._refuse(
                event, path[:3], "is nested too deeply", "Write at most the levels that the manifest has."
            )
            raise ManifestErrors(self._problems)
        if isinstance(event, yaml.AliasEvent) or event.anchor:
            remedy = "Write the value out where it is needed."
            self._refuse(event, path, "anchors and aliases are not allowed", remedy)
            raise ManifestErrors(self._problems)
        if event.tag is not None:
            self._refuse(
                event, path, f"the tag {shown(event.tag)} is not allowed", "Write the value without tag."
            )
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        return _scalar(event.value) if event.implicit[0] else event.value

    def _mapping(self, path: Location) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                self._refuse(event, path, "a key is not plain text", "Write name: value.")
                raise ManifestErrors(self._problems)
            key, inner = event.value, (*path, event.value)
            if key in mapping:
                first = self._keys[inner][0]
                self._refuse(
                    event, inner, f"the key is there already, on line {first}", "Keep one of the two."
                )
            self._keys[inner] = _position(event)
            mapping[key] = self._value(next(self._events), inner)
        return mapping

    def _sequence(self, path: Location) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, (*path, len(items))))
        return items


def _position(event: Any) -> Position:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _scalar(text: str) -> str | int | float | bool | None:
    """A plain (unquoted) scalar by the core schema of YAML 1.2, decimal numbers only."""
    if text in _NULL:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
