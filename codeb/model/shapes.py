"""Two kinds of checked values, for pydantic and for JSON Schema: text of a shape, numbers with a unit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from codeb.model.problems import refusal, shown

LINE = r"[^\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029]*"
"""Any text on one line: no control characters but the tab, no line or paragraph separators."""

TEXT = r"[^\u0000]*"
"""Any text, of several lines too: what a program can find in its environment."""
LONGEST_VALUE = 60_000
"""Bytes of a variable's value: Podman reads environment files by lines of at most 64 KiB."""

_MARKER = re.compile(r"@\{|@IMAGE@")


def refuse_markers(text: str) -> str:
    """Free text without markers: the program fills in `@{secret:…}`, the agent fills in `@IMAGE@`."""
    if found := _MARKER.search(text):
        raise refusal(f"{found.group()} has a meaning to the platform", "Write it in another way.")
    return text


def not_a_value(text: str, longest: int) -> str | None:
    """Why no environment can hold a text, None when it can; shows nothing of it."""
    if "\0" in text:
        return "has a NUL character, which no environment can hold"
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return "has half a character (a lone surrogate), which is no text"
    return f"is longer than {longest} bytes" if size > longest else None


@dataclass(frozen=True)
class Shape:
    """Text of a pattern and a length, for the whole value. `show=False` keeps values out of messages."""

    what: str
    remedy: str
    pattern: str
    longest: int
    shortest: int = 1
    show: bool = True

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(schema) | {
            "pattern": f"^(?:{self.pattern})$",
            "minLength": self.shortest,
            "maxLength": self.longest,
        }

    def check(self, text: str) -> str:
        """`text` itself; raises the refusal that names what it should be."""
        if self.shortest <= len(text) <= self.longest and re.fullmatch(self.pattern, text):
            return text
        subject = f"{shown(text)} " if self.show else ""
        if len(text) > self.longest:
            raise refusal(f"{subject}is longer than {self.longest} characters", self.remedy)
        raise refusal(f"{subject}is not {self.what}", self.remedy)


@dataclass(frozen=True)
class Quantity:
    """A whole number with a unit: text outside (`512Mi`, `30s`), an int of the smallest unit inside."""

    what: str
    remedy: str
    units: tuple[tuple[str, int], ...]
    lowest: int
    highest: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.parse,
            json_schema_input_schema=core_schema.str_schema(pattern=f"^{self.pattern}$"),
            serialization=core_schema.plain_serializer_function_ser_schema(self.text, when_used="json"),
        )

    @property
    def pattern(self) -> str:
        """Pattern of the text form."""
        return rf"[0-9]{{1,9}}({'|'.join(unit for unit, _ in self.units)})"

    def parse(self, value: object) -> int:
        """`"512Mi"` as 536870912; raises a refusal on other text, plain numbers and values out of range."""
        if not isinstance(value, str) or not re.fullmatch(self.pattern, value):
            raise refusal(f"{shown(value)} is not {self.what}", self.remedy)
        number = value.rstrip("".join(unit for unit, _ in self.units))
        amount = int(number) * dict(self.units)[value[len(number) :]]
        if not self.lowest <= amount <= self.highest:
            limits = f"between {self.text(self.lowest)} and {self.text(self.highest)}"
            raise refusal(f"{shown(value)} is out of range", f"Write a value {limits}.")
        return amount

    def text(self, amount: int) -> str:
        """The shortest text for `amount`: 536870912 as `512Mi`."""
        unit, factor = max(
            ((unit, factor) for unit, factor in self.units if amount % factor == 0), key=lambda pair: pair[1]
        )
        return f"{amount // factor}{unit}"
