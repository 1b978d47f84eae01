"""What a Terraform provider's schema says of one attribute, as far as Pulumi's bridge acts on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any

from lab.providers.protocol import UNKNOWN
from lab.providers.values import changed_paths


class Kind(StrEnum):
    """Terraform's attribute types that our resources use."""

    STRING = "string"
    INT = "int"
    FLOAT = "float"
    BOOL = "bool"
    LIST = "list"
    SET = "set"
    MAP = "map"


COLLECTIONS = frozenset({Kind.LIST, Kind.SET, Kind.MAP})
_ZERO: Mapping[Kind, Any] = {Kind.STRING: "", Kind.INT: 0, Kind.FLOAT: 0, Kind.BOOL: False}
_TRUTH = {"true": True, "1": True, "false": False, "0": False}

Suppress = Callable[[Any, Any], bool]
"""Whether a difference between the recorded and the wanted value is none (Terraform's DiffSuppressFunc)."""


@dataclass(frozen=True)
class Attribute:
    """One attribute; the flags are Terraform's, `replaces` is its ForceNew, `secret` its Sensitive."""

    kind: Kind = Kind.STRING
    required: bool = False
    computed: bool = False
    output_only: bool = False
    replaces: bool = False
    secret: bool = False
    write_only: bool = False
    auto_name: bool = False
    default: Any = None
    conflicts: tuple[str, ...] = ()
    together: tuple[str, ...] = ()
    """Inputs that must be given with this one (RequiredWith)."""

    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    valid: Callable[[Any], str] | None = None
    """Says what is wrong with a value; empty when nothing is."""

    suppress: Suppress | None = None
    terraform_name: str = ""
    """Only where it is not the snake-case form of the Pulumi name."""

    number_as_text: bool = False
    """The outputs hold the number as a string."""

    elements: Mapping[str, Attribute] = field(default_factory=dict)
    """For a list or set of objects: the attributes of an object."""

    single: bool = False
    """There is one object at most (MaxItems 1), and Pulumi has it without the list around it."""

    @property
    def is_block(self) -> bool:
        """Whether it stands in Terraform's configuration as a nested block, of which there may be none but never null."""
        return bool(self.elements) and not self.output_only

    def coerce(self, value: Any) -> Any:
        """The value in the attribute's own type, where the bridge converts: "20" to 20, 5 to "5"."""
        match self.kind, value:
            case (Kind.INT, str()):
                return _integer(value)
            case (Kind.FLOAT, str()):
                return float(value)
            case (Kind.INT, float()) if value.is_integer():
                return int(value)
            case (Kind.BOOL, str()) if value.lower() in _TRUTH:
                return _TRUTH[value.lower()]
            case (Kind.STRING, bool()):
                return str(value).lower()
            case (Kind.STRING, int() | float()):
                return f"{value:.15g}"
            case (Kind.LIST | Kind.SET, str() | int() | float() | Mapping()):
                return value if self.single else [value]
            case _:
                return value

    def is_zero(self, value: Any) -> bool:
        """Whether Terraform does not tell the value from an absent one."""
        if value is None:
            return True
        if self.kind in COLLECTIONS:
            return value is not UNKNOWN and not value
        return bool(value == _ZERO[self.kind])

    def changed(self, old: Any, new: Any, path: str) -> list[str]:
        """Paths that differ between the recorded value and the wanted one."""
        if self.number_as_text:
            old, new = self.coerce(old), self.coerce(new)
        if new is not UNKNOWN and self.is_zero(old) and self.is_zero(new):
            return []
        if self.suppress is not None and UNKNOWN not in (old, new) and self.suppress(old, new):
            return []
        if self.single:
            both = isinstance(old, Mapping) and isinstance(new, Mapping)
            return self._changed_object(old, new, path) if both else [path]
        if self.elements and self.kind is Kind.SET:
            return self._changed_members(old, new, path)
        if self.elements:
            return self._changed_objects(old, new, path)
        if self.kind in (Kind.SET, Kind.LIST) and old and new and new is not UNKNOWN:
            return _changed_items(old, new, path, ordered=self.kind is Kind.LIST)
        if self.kind in COLLECTIONS:
            old, new = old or None, new or None
        return list(changed_paths(old, new, path))

    def _changed_objects(self, old: Any, new: Any, path: str) -> list[str]:
        if not isinstance(new, list) or not isinstance(old, list):
            return [path]
        paths = []
        for index in range(max(len(old), len(new))):
            here = f"{path}[{index}]"
            if index >= len(old) or index >= len(new):
                paths.append(here)
            else:
                paths += self._changed_object(old[index], new[index], here)
        return paths

    def _changed_object(self, old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> list[str]:
        paths = []
        for key, attribute in self.elements.items():
            wanted = new.get(key, attribute.default)
            if wanted is not None or not attribute.computed:
                paths += attribute.changed(old.get(key), wanted, f"{path}.{key}")
        return paths

    def _changed_members(self, old: Any, new: Any, path: str) -> list[str]:
        """Objects of a set have no order; what the server adds to them (computed) is no difference."""
        if new is UNKNOWN:
            return [path]
        was, now = ([self._given(item) for item in value or ()] for value in (old, new))
        return _changed_items(was, now, path, ordered=False)

    def _given(self, item: Any) -> Any:
        if not isinstance(item, Mapping):
            return item
        given = {key: item.get(key, each.default) for key, each in self.elements.items() if not each.computed}
        return {key: None if self.elements[key].is_zero(value) else value for key, value in given.items()}


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None


def _changed_items(old: list[Any], new: list[Any], path: str, *, ordered: bool) -> list[str]:
    """Paths of items that go (by their old place) or come (by their new one)."""
    if not ordered:
        gone = {index for index, item in enumerate(old) if item not in new}
        come = {index for index, item in enumerate(new) if item not in old}
        return [f"{path}[{index}]" for index in sorted(gone | come)]
    matcher = SequenceMatcher(
        None, [repr(item) for item in old], [repr(item) for item in new], autojunk=False
    )
    places: set[int] = set()
    for tag, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        if tag != "equal":
            places |= {*range(old_start, old_end), *range(new_start, new_end)}
    return [f"{path}[{index}]" for index in sorted(places)]


def snake(name: str) -> str:
    """`searchPaths` as `search_paths`: how the bridge names an attribute that no override renames."""
    return re.sub(r"([A-Z])", lambda match: "_" + match.group(1).lower(), name)
