"""Steps: the smallest things an operation does, named as in Pulumi."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from lab.engine import urn as urns
from lab.engine.goal import Goal
from lab.engine.resource import Resource

SAME: Final = "same"
CREATE: Final = "create"
UPDATE: Final = "update"
DELETE: Final = "delete"
REPLACE: Final = "replace"
CREATE_REPLACEMENT: Final = "create-replacement"
DELETE_REPLACED: Final = "delete-replaced"
READ: Final = "read"
READ_REPLACEMENT: Final = "read-replacement"
REFRESH: Final = "refresh"
DISCARD: Final = "discard"
DISCARD_REPLACED: Final = "discard-replaced"
REMOVE_PENDING_REPLACE: Final = "remove-pending-replace"

ORDER: Final = (
    SAME,
    CREATE,
    UPDATE,
    DELETE,
    REPLACE,
    CREATE_REPLACEMENT,
    DELETE_REPLACED,
    READ,
    READ_REPLACEMENT,
    REFRESH,
    DISCARD,
    DISCARD_REPLACED,
    REMOVE_PENDING_REPLACE,
)
"""Operations in the order in which summaries list them."""

REPLACEMENT_OPS: Final = frozenset(
    {REPLACE, CREATE_REPLACEMENT, DELETE_REPLACED, READ_REPLACEMENT, DISCARD_REPLACED, REMOVE_PENDING_REPLACE}
)


@dataclass(slots=True, eq=False)
class Step:
    """One thing to do to one resource: `old` is its state before, `new` after."""

    op: str
    old: Resource | None = None
    new: Resource | None = None
    goal: Goal | None = None
    """Set when the program waits for this step."""
    reasons: tuple[str, ...] = ()
    """Inputs that force the replacement."""
    changes: tuple[str, ...] = ()
    """Paths of inputs that differ."""
    pending_delete: bool = False
    """The old resource is deleted at the end of the run (create before delete)."""
    pending_replacement: bool = False
    """The old resource is deleted now, to be created anew (delete before create)."""
    skipped_create: bool = False
    """The resource is not created, because it is not targeted."""
    untargeted: bool = False
    deletions: Collection[str] = field(default=())
    """URNs that are deleted in this run; what is `deleted_with` them needs no deletion of its own."""
    result_op: str = ""
    """What a refresh found: same, update or delete."""

    @property
    def res(self) -> Resource:
        """The resource that the step is about."""
        resource = self.new if self.new is not None and self.op != REFRESH else self.old
        if resource is None:
            raise ValueError(f"step {self.op} without a resource")
        return resource

    @property
    def urn(self) -> str:
        """The URN of the resource."""
        return self.res.urn

    @property
    def logical(self) -> bool:
        """Whether the step counts by itself, and is not a part of a replacement."""
        return self.op not in REPLACEMENT_OPS - {REPLACE} and self.op != REFRESH

    @property
    def internal(self) -> bool:
        """Whether users don't see the step."""
        return self.op == REMOVE_PENDING_REPLACE or urns.is_default_provider(self.urn)
