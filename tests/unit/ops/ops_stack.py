"""A stack in memory, in place of the Pulumi CLI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Stack:
    """A stack in memory that notes what it was told, in order."""

    name: str = "prod"
    fails: bool = False
    document: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    told: list[tuple[str, ...]] = field(default_factory=list)

    def export(self) -> dict[str, Any]:
        return self.document

    def restore(self, document: Mapping[str, Any]) -> None:
        self.told.append(("restore",))

    def config(self, key: str) -> str:
        return self.settings.get(key, "")

    def preview(self) -> dict[str, Any]:
        return {}

    def adopt(self, document: Mapping[str, Any]) -> None:
        self.told.append(("adopt",))

    def unprotect(self, urn: str) -> None:
        self.told.append(("unprotect", urn))

    def run(self, verb: str, arguments: Sequence[str], more: Mapping[str, str] | None = None) -> int:
        self.told.append((verb, *arguments, *(f"{key}={value}" for key, value in (more or {}).items())))
        return 1 if self.fails else 0
