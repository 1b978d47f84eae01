"""What the account has, as the API lists it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from codeb.fleet.kinds import ADDRESS, BALANCER, DISK, KINDS, RECORD, SERVER, SHARE, Kind, role_of
from codeb.fleet.values import mappings, text

_ADDRESSES: Final = {SERVER: ("main_ip", "v6_main_ip"), BALANCER: ("ipv4", "ipv6"), ADDRESS: ("subnet",)}


@dataclass(frozen=True)
class Thing:
    """A resource of the account. `within` is the firewall group or zone that it is part of, `data` the API's words."""

    kind: Kind
    id: str
    data: Mapping[str, Any] = field(repr=False)
    within: str = ""

    @property
    def key(self) -> str:
        """What commands and `pulumi import` call it: the id, after the group or zone where there is one."""
        return f"{self.within},{self.id}" if self.within else self.id

    @property
    def label(self) -> str:
        """Its label as the account shows it: the mark, or the name."""
        return text(self.data, self.kind.label)

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.label or '@'}.{self.within}" if self.kind is RECORD else self.role

    @property
    def role(self) -> str:
        """What a second one for the same purpose has, too."""
        return role_of(self.kind, self.label)

    @property
    def addresses(self) -> tuple[str, ...]:
        """The public addresses that it has."""
        found = (text(self.data, key) for key in _ADDRESSES.get(self.kind, ()))
        return tuple(each for each in found if each and each not in ("0.0.0.0", "::"))


@dataclass(frozen=True)
class Account:
    """The account's resources.

    Attributes:
        things: by kind. `vfs` carry their `attachments`, servers of ours their `vpcs`, as far as they were asked.
        unasked: why a kind could not be asked. Nothing is concluded from what was not answered.
    """

    things: Mapping[Kind, tuple[Thing, ...]] = field(default_factory=dict)
    unasked: Mapping[Kind, str] = field(default_factory=dict)

    def of(self, kind: Kind) -> tuple[Thing, ...]:
        """All of a kind that the API named."""
        return self.things.get(kind, ())

    def __iter__(self) -> Iterator[Thing]:
        for kind in KINDS:
            yield from self.of(kind)

    def with_data_of(self, server: str) -> tuple[Thing, ...]:
        """The disks and shares that are attached to a server."""
        disks = [each for each in self.of(DISK) if text(each.data, "attached_to_instance") == server]
        shares = [each for each in self.of(SHARE) if server in attached(each)]
        return (*disks, *shares)


def attached(share: Thing) -> tuple[str, ...]:
    """The servers that a shared storage is attached to."""
    found = (text(each, "target_id") for each in mappings(share.data.get("attachments")))
    return tuple(each for each in found if each)
