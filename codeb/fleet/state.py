"""What the stack's state knows, from `pulumi stack export`. Secrets stay encrypted; nothing here needs one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from codeb.fleet.kinds import BY_TYPE, RECORD, SERVER, Kind, role_of
from codeb.fleet.values import mapping, mappings, text

_STACK_TYPE: Final = "pulumi:pulumi:Stack"


@dataclass(frozen=True)
class Known:
    """A Vultr resource of the state. `doomed`: the next update deletes it, another took its place.

    `unfinished`: a change of it failed half-way, and the next update finishes what the plugin takes it for.
    """

    kind: Kind
    urn: str
    id: str
    parent: str
    provider: str
    protect: bool
    doomed: bool
    unfinished: bool
    inputs: Mapping[str, Any] = field(repr=False)
    outputs: Mapping[str, Any] = field(repr=False)

    @property
    def resource_name(self) -> str:
        """The resource's name in the program."""
        return self.urn.rpartition("::")[2]

    @property
    def name(self) -> str:
        """What people call it."""
        if self.kind is RECORD:
            return f"{self.label or '@'}.{self.within}"
        return self.role or self.resource_name

    @property
    def role(self) -> str:
        """As `Thing.role`."""
        return role_of(self.kind, self.label)

    @property
    def within(self) -> str:
        """The firewall group or zone that it is part of."""
        within = self.kind.within
        return (text(self.outputs, within) or text(self.inputs, within)) if within else ""

    @property
    def key(self) -> str:
        """As `Thing.key`."""
        return f"{self.within},{self.id}" if self.kind.within else self.id

    @property
    def label(self) -> str:
        """What it is called in the account, as the program wants it."""
        return text(self.inputs, self.kind.label_input) or text(self.outputs, self.kind.label_input)


@dataclass(frozen=True)
class State:
    """A stack's state.

    Attributes:
        resources: all of Vultr, in the state's order.
        outputs: of the stack.
        creating: what an update was creating when it wrote this, by type: one that runs now, or was killed.
    """

    resources: tuple[Known, ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict, repr=False)
    creating: tuple[tuple[Kind, str], ...] = ()

    def of(self, kind: Kind) -> tuple[Known, ...]:
        """All of a kind."""
        return tuple(each for each in self.resources if each.kind is kind)

    def server_of(self, disk: Known) -> str:
        """The id of the server that a disk belongs to: its label has the beginning of it, which no refresh forgets."""
        start = disk.label.removeprefix(disk.role).removeprefix(".")
        labelled = (
            each.id for each in self.of(SERVER) if start and not each.doomed and each.id.startswith(start)
        )
        return next(labelled, "") or text(disk.inputs, "attachedToInstance")

    def by_key(self) -> dict[tuple[Kind, str], Known]:
        """By kind and key."""
        return {(each.kind, each.key): each for each in self.resources}


def read_state(document: Mapping[str, Any]) -> State:
    """The state from what `pulumi stack export` printed; what is not of Vultr is left out."""
    deployment = mapping(document.get("deployment"))
    resources = mappings(deployment.get("resources"))
    root = next((each for each in resources if each.get("type") == _STACK_TYPE), {})
    pending = [
        mapping(each.get("resource"))
        for each in mappings(deployment.get("pending_operations"))
        if each.get("type") == "creating"
    ]
    return State(
        resources=tuple(known_of(each, BY_TYPE[each["type"]]) for each in resources if _is_ours(each)),
        outputs=mapping(root.get("outputs")),
        creating=tuple(
            (BY_TYPE[each["type"]], known_of(each, BY_TYPE[each["type"]]).label)
            for each in pending
            if each.get("type") in BY_TYPE
        ),
    )


def _is_ours(resource: Mapping[str, Any]) -> bool:
    """What is read from Vultr only (`external`) is not the stack's; what waits for its successor has been deleted."""
    there = bool(text(resource, "id")) and not resource.get("pendingReplacement")
    return resource.get("type") in BY_TYPE and there and not resource.get("external")


def known_of(resource: Mapping[str, Any], kind: Kind) -> Known:
    """A resource as the state, or a preview's step, describes it."""
    return Known(
        kind=kind,
        urn=text(resource, "urn"),
        id=text(resource, "id"),
        parent=text(resource, "parent"),
        provider=text(resource, "provider"),
        protect=resource.get("protect") is True,
        doomed=resource.get("delete") is True,
        unfinished=bool(resource.get("initErrors")),
        inputs=mapping(resource.get("inputs")),
        outputs=mapping(resource.get("outputs")),
    )
