"""URNs: `urn:pulumi:<stack>::<project>::<parent types$type>::<name>`."""

from __future__ import annotations

from typing import Final

ROOT_STACK_TYPE: Final = "pulumi:pulumi:Stack"
_PREFIX: Final = "urn:pulumi:"


def make(stack: str, project: str, parent_type: str, type_: str, name: str) -> str:
    """A URN; `parent_type` is the parent's qualified type, empty for none."""
    if parent_type and parent_type != ROOT_STACK_TYPE:
        type_ = f"{parent_type}${type_}"
    return f"{_PREFIX}{stack}::{project}::{type_}::{name}"


def create(name: str, type_: str, parent: str, project: str, stack: str) -> str:
    """The URN of a resource below `parent` (a URN, or empty)."""
    return make(stack, project, qualified_type(parent) if parent else "", type_, name)


def is_valid(text: str) -> bool:
    """Whether a text is a URN."""
    return text.startswith(_PREFIX) and text.count("::") >= 3


def _part(urn: str, index: int) -> str:
    return urn.split("::", 3)[index]


def qualified_type(urn: str) -> str:
    """Types from the outermost parent to the resource, joined by `$`."""
    return _part(urn, 2)


def type_of(urn: str) -> str:
    """The resource's own type."""
    return _part(urn, 2).rpartition("$")[2]


def name_of(urn: str) -> str:
    """The resource's name, which may itself contain `::`."""
    return _part(urn, 3)


def is_provider_type(type_: str) -> bool:
    """Whether resources of this type are providers."""
    return type_.startswith("pulumi:providers:")


def is_root_stack(urn: str) -> bool:
    """Whether this is the stack itself."""
    return qualified_type(urn) == ROOT_STACK_TYPE


def is_default_provider(urn: str) -> bool:
    """Whether the engine made this provider by itself: those stay out of sight."""
    return is_provider_type(type_of(urn)) and name_of(urn).startswith("default")


def package_of(type_: str) -> str:
    """The package of a type token; of a provider type, the package it provides."""
    if is_provider_type(type_):
        return type_.split(":", 2)[2]
    return type_.split(":", 1)[0]


def provider_urn(reference: str) -> str:
    """The URN in a provider reference `<urn>::<id>`."""
    return reference.rpartition("::")[0]


def provider_id(reference: str) -> str:
    """The id in a provider reference `<urn>::<id>`."""
    return reference.rpartition("::")[2]
