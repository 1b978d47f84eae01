"""One resource of a stack, as it is kept in the checkpoint and as steps work on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from lab.engine import urn as urns
from lab.engine.values import PropertyMap, Value


@dataclass(slots=True, eq=False)
class Resource:
    """The names are those of Pulumi's checkpoint (`apitype.ResourceV3`), in snake case.

    Several resources of one URN may exist: one that lives, others that wait for their deletion (`delete`).
    """

    urn: str
    type: str
    custom: bool
    id: str = ""
    inputs: PropertyMap = field(default_factory=dict)
    outputs: PropertyMap = field(default_factory=dict)
    parent: str = ""
    provider: str = ""
    dependencies: list[str] = field(default_factory=list)
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    delete: bool = False
    """The replacement exists; this one is to be deleted."""
    pending_replacement: bool = False
    """Deleted before its replacement, which does not exist yet."""
    protect: bool = False
    taint: bool = False
    external: bool = False
    retain_on_delete: bool = False
    deleted_with: str = ""
    replace_with: list[str] = field(default_factory=list)
    init_errors: list[str] = field(default_factory=list)
    additional_secret_outputs: list[str] = field(default_factory=list)
    aliases: list[str] = field(default_factory=list)
    ignore_changes: list[str] = field(default_factory=list)
    replace_on_changes: list[str] = field(default_factory=list)
    replacement_trigger: Value = None
    import_id: str = ""
    created: str = ""
    modified: str = ""
    extra: dict[str, Any] = field(default_factory=dict)
    """Fields of the checkpoint that the engine only carries along (source positions)."""
    key: str = ""
    """Identity within the journal of this run."""

    @property
    def is_provider(self) -> bool:
        """Whether this resource is a provider."""
        return urns.is_provider_type(self.type)

    def copy(self, **changes: Any) -> Resource:
        """Another resource with the same, or the given, fields and no identity in the journal."""
        return replace(self, **{"key": "", **changes})

    def referenced(self) -> Iterator[str]:
        """URNs that this resource depends on in any way, but for its provider."""
        if self.parent:
            yield self.parent
        yield from self.depended_on()

    def depended_on(self) -> Iterator[str]:
        """URNs that this resource depends on, but for its parent and provider."""
        yield from self.dependencies
        for dependencies in self.property_dependencies.values():
            yield from dependencies
        if self.deleted_with:
            yield self.deleted_with
        yield from self.replace_with

    @property
    def provider_urn(self) -> str:
        """The URN of the provider, empty for a component or a provider."""
        return urns.provider_urn(self.provider) if self.provider else ""
