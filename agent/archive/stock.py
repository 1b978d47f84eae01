"""What a store has of a cluster: base backups, WAL, and to which moments they lead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from agent.archive import bases, chain, segments
from agent.archive.bases import SYSTEM, Base
from agent.archive.chain import Chain, Switch
from agent.archive.segments import Inventory, Segment
from agent.host.ports import Ports
from agent.host.s3 import Place
from agent.store.sealed import Damaged, opened


@dataclass(frozen=True)
class Stock:
    """All of it. `came` says when each whole segment was stored; `wrong` names base backups that can't be used, with why;
    `begun` tars without a document."""

    system: str
    place: Place
    bases: tuple[Base, ...]
    wal: Inventory
    histories: Mapping[int, tuple[Switch, ...]]
    came: Mapping[Segment, datetime]
    wrong: Mapping[str, str]
    begun: tuple[str, ...] = ()


@dataclass(frozen=True)
class Window:
    """A base backup and the WAL that follows it: any moment from the one to the end of the other can be recovered."""

    base: Base
    chain: Chain

    @property
    def consistent(self) -> bool:
        """Whether there is as much WAL as the base backup takes at the least."""
        return self.chain.end >= self.base.end

    @property
    def leads_to_now(self) -> bool:
        """Whether any moment up to now can be recovered from it."""
        return self.consistent and self.chain.missing is None


def systems(ports: Ports, place: Place) -> tuple[str, ...]:
    """The clusters that a store has base backups of. Raises StoreError."""
    found = {item.key.split("/")[1] for item in ports.s3.objects(place, "cluster/") if "/base/" in item.key}
    return tuple(sorted(name for name in found if SYSTEM.fullmatch(name)))


def stock(ports: Ports, place: Place, system: str) -> Stock:
    """What a store has of this cluster. Raises StoreError, Damaged when the history of a timeline can't be read."""
    listing = bases.listed(ports, place, system)
    objects = list(ports.s3.objects(place, segments.folder(system)))
    wal = segments.inventory(system, (item.key for item in objects))
    times = {item.key: item.at for item in objects}
    return Stock(
        system=system,
        place=place,
        bases=listing.bases,
        wal=wal,
        histories={
            timeline: history(ports, place, system, timeline)[0] for timeline in sorted(wal.histories)
        },
        came={whole: times[segments.key(system, whole)] for whole in wal.segments},
        wrong=listing.wrong,
        begun=listing.begun,
    )


def history(ports: Ports, place: Place, system: str, timeline: int) -> tuple[tuple[Switch, ...], bytes]:
    """A timeline's past, and the file that says so. Raises StoreError, Damaged."""
    key = segments.key(system, timeline)
    content = b"".join(opened(ports, place, key))
    try:
        return chain.parse_history(content.decode()), content
    except ValueError as error:
        raise Damaged(f"{key}: {error}") from None


def windows(found: Stock) -> tuple[Window, ...]:
    """What can be recovered, the oldest base backup first."""
    return tuple(Window(base, chain.follow(base.first, found.wal, found.histories)) for base in found.bases)


def point_in_time_from(found: Stock) -> datetime | None:
    """From when on any moment can be recovered, up to now; None when that is so of no moment."""
    return min((base.at for base in recoverable(found)), default=None)


def recoverable(found: Stock) -> tuple[Base, ...]:
    """The base backups from which any moment up to now can be recovered, the oldest first."""
    return tuple(each.base for each in windows(found) if each.leads_to_now)
