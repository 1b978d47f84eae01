"""What pydantic found wrong, in the words of a manifest's author."""

from __future__ import annotations

import difflib
import json
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Union, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from codeb.model.problems import Location, path_text, shown

_QUIET_KEYS = {"variables", "secrets", "protect"}
"""Keys whose values are never repeated in a message, should somebody have put a secret there."""


@dataclass(frozen=True)
class Finding:
    """One error below the root of a document; `on_key` when the key is the culprit, not its value."""

    path: Location
    cause: str
    remedy: str
    on_key: bool = False


def findings(error: ValidationError, model: type[BaseModel]) -> Iterator[Finding]:
    """Each error of a validation of `model`, as path, cause and remedy."""
    for details in error.errors(include_url=False):
        if details["type"] == "default_factory_not_called":
            continue  # the field that the default follows from has its own error
        yield _finding(details, model)


def _finding(details: ErrorDetails, model: type[BaseModel]) -> Finding:
    path: Location = tuple(details["loc"])
    kind = details["type"]
    # Pydantic's mark of a key that is wrong; a document may also have a key of this name, which is unknown.
    on_key = bool(path) and path[-1] == "[key]" and kind != "extra_forbidden"
    if on_key:
        path = path[:-1]
    context: Mapping[str, Any] = details.get("ctx", {})
    if kind == "refused":
        at = cast(Location, tuple(context["at"]))
        return Finding(path + at, context["cause"], context["remedy"], on_key)
    if kind == "extra_forbidden":
        return Finding(path, "unknown key", _known_keys(path, model), on_key=True)
    if kind == "missing":
        example = _example(path, model)
        return Finding(path, "is missing", f"Add {path[-1]}{example}.")
    if details["input"] is None:
        return Finding(path, "has no value", "Write one, or remove the key.", on_key)
    value = "" if _QUIET_KEYS & set(path) else _described(details["input"])
    words = _WORDS.get(kind)
    cause, remedy = words(value, context) if words else (details["msg"], "See docs/manifest.md.")
    if kind == "string_type" and isinstance(details["input"], bool | int | float):
        remedy = f'Put it in quotes: "{value}".' if value else "Put it in quotes."
    return Finding(path, cause.strip(), remedy, on_key)


def _described(value: object) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    return shown(value) if isinstance(value, str) else json.dumps(value)


_Words = Callable[[str, Mapping[str, Any]], tuple[str, str]]


def _wrong_type(wanted: str, remedy: str) -> _Words:
    return lambda value, _: (f"{value} is not {wanted}", remedy)


def _limit(words: str, key: str) -> _Words:
    return lambda value, context: (f"{value} is out of range", f"Write {words.format(context[key])}.")


def _choice(value: str, context: Mapping[str, Any]) -> tuple[str, str]:
    expected = str(context["expected"]).replace("'", "")
    close = difflib.get_close_matches(value.strip('"'), expected.replace(" or ", ", ").split(", "), n=1)
    hint = f"Did you mean {close[0]}? " if close else ""
    return f"{value} is not one of the choices", f"{hint}Write {expected}."


_MAPPING = _wrong_type("a mapping", "Write keys below it, indented, or leave it out.")
_LIST = _wrong_type("a list", "Write [a, b] or one '- item' a line.")
_WHOLE = _wrong_type("a whole number", "Write digits without quotes.")
_NUMBER = _wrong_type("a number", "Write digits without quotes, for example 0.5.")
_WORDS: dict[str, _Words] = {
    "string_type": _wrong_type("text", "Write text."),
    "bool_type": _wrong_type("true or false", "Write true or false, without quotes."),
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "finite_number": _NUMBER,
    "tuple_type": _LIST,
    "list_type": _LIST,
    "dict_type": _MAPPING,
    "mapping_type": _MAPPING,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "literal_error": _choice,
    "greater_than": _limit("more than {:g}", "gt"),
    "greater_than_equal": _limit("{:g} or more", "ge"),
    "less_than_equal": _limit("{:g} or less", "le"),
    "too_short": lambda value, c: ("has too few entries", f"Write at least {c['min_length']}."),
    "too_long": lambda value, c: ("has too many entries", f"Write at most {c['max_length']}."),
    "string_too_short": lambda value, c: ("is empty", "Write some text, or remove the line."),
    "string_too_long": lambda value, c: (
        f"{value} is too long",
        f"Write at most {c['max_length']} characters.",
    ),
}


@cache
def fields(model: type[BaseModel]) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Every mapping of a document and its keys; lists add no part: `("features", "cron")` has `schedule`."""
    found: dict[tuple[str, ...], tuple[str, ...]] = {}

    def visit(current: type[BaseModel], path: tuple[str, ...]) -> None:
        keys = {field.alias or name: field for name, field in current.model_fields.items()}
        found[path] = tuple(keys)
        for key, field in keys.items():
            for inner in _models(field.annotation):
                visit(inner, (*path, key))

    visit(model, ())
    return found


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a field's type holds: `Ports | None`, `tuple[Bucket, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in {Annotated, Union, types.UnionType, tuple}:
        for inner in get_args(annotation):
            yield from _models(inner)


def _known_keys(path: Location, model: type[BaseModel]) -> str:
    parents = tuple(part for part in path[:-1] if isinstance(part, str))
    key = str(path[-1])
    siblings = fields(model).get(parents, ())
    if close := difflib.get_close_matches(key, siblings, n=1):
        return f"Did you mean {close[0]}?"
    elsewhere = [".".join((*place, key)) for place, keys in fields(model).items() if key in keys]
    if elsewhere:
        return f"It belongs at {' or '.join(elsewhere[:3])}."
    return f"Known keys here: {', '.join(siblings)}." if siblings else "Remove it."


_EXAMPLES = {
    "project": "{id: blog}",
    "id": "blog",
    "domain": "blog.example.com",
    "image": "ghcr.io/leocompany/blog:1.4.0",
}


def _example(path: Location, model: type[BaseModel]) -> str:
    example = _EXAMPLES.get(str(path[-1])) if model.__name__ == "Manifest" else None
    return f", for example {path_text(path[-1:])}: {example}" if example else ""
