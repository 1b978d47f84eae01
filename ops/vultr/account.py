"""The account as the API lists it: everything that can carry the stack's mark, and what is part of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from codeb.fleet import KINDS, Account, Kind, State, Thing, Whose, whose
from codeb.fleet.kinds import FIREWALL, RECORD, RULE, SERVER, SHARE
from codeb.fleet.values import mapping, mappings, text
from ops.vultr.client import Client, NotThere, VultrError

_AT_ONCE = 6

_Things = tuple[Thing, ...]
_Call = Callable[[], _Things]


def read_account(client: Client, state: State, owner: str, zones: Collection[str]) -> Account:
    """What there is. A kind that was not answered whole is `unasked`, with the reason.

    Raises:
        VultrError: nothing at all was answered.
    """
    found = _Reading()
    found.read((kind, partial(_listed, client, kind)) for kind in KINDS if not kind.within)
    if not found.things:
        raise VultrError(next(iter(found.unasked.values())))
    ours = _Ours(state, owner)
    if FIREWALL in found.unasked:
        found.unasked[RULE] = found.unasked[FIREWALL]
    groups = sorted({each.id for each in found.things.get(FIREWALL, ()) if ours(each)})
    details: list[tuple[Kind, _Call]] = [
        *((RULE, partial(_listed, client, RULE, group)) for group in groups),
        *((RECORD, partial(_listed, client, RECORD, zone)) for zone in sorted(zones)),
    ]
    for kind, more in ((SERVER, _with_networks), (SHARE, _with_attachments)):
        listed = found.things.pop(kind, ())
        details += ((kind, partial(more, client, each)) for each in listed if ours(each))
        found.things[kind] = tuple(each for each in listed if not ours(each))
    found.read(details)
    return Account(
        {kind: each for kind, each in found.things.items() if kind not in found.unasked}, found.unasked
    )


class _Reading:
    """What was read so far, several calls at a time."""

    def __init__(self) -> None:
        self.things: dict[Kind, _Things] = {}
        self.unasked: dict[Kind, str] = {}

    def read(self, calls: Iterable[tuple[Kind, _Call]]) -> None:
        """Add what the calls find. A key may lack the right to see one kind: that says nothing of the others."""
        with ThreadPoolExecutor(_AT_ONCE) as workers:
            started = [(kind, workers.submit(call)) for kind, call in calls]
        for kind, future in started:
            try:
                self.things[kind] = self.things.get(kind, ()) + future.result()
            except VultrError as error:
                self.unasked[kind] = str(error)


class _Ours:
    """Whether a resource is worth a closer look: this stack's by mark, or known to its state."""

    def __init__(self, state: State, owner: str) -> None:
        self._known, self._owner = state.by_key(), owner

    def __call__(self, thing: Thing) -> bool:
        return (thing.kind, thing.key) in self._known or whose(thing, self._owner) in (
            Whose.OURS,
            Whose.UNSURE,
        )


def read_one(client: Client, kind: Kind, key: str) -> Thing | None:
    """One resource by what commands call it; None when the API says that there is none. Raises VultrError."""
    within, _, id_ = key.rpartition(",")
    try:
        document = client.get(path(kind, within, id_))
    except NotThere:
        return None
    found = mapping(document.get(kind.item)) if kind.item else document
    if text(found, "id") != id_:
        raise VultrError(f"Vultr answered for {kind.name} {key} with something else")
    return Thing(kind, id_, found, within)


def path(kind: Kind, within: str, id_: str) -> str:
    """The API's path of one resource."""
    return f"{kind.path.format(within=within)}/{id_}"


def _listed(client: Client, kind: Kind, within: str = "") -> _Things:
    try:
        found = client.pages(kind.path.format(within=within), kind.items)
    except NotThere:
        if not within:
            raise
        return ()  # no zone, no records
    return tuple(Thing(kind, text(each, "id"), each, within) for each in found if text(each, "id"))


def _with_networks(client: Client, server: Thing) -> _Things:
    return _with(server, "vpcs", lambda: client.pages(f"{path(SERVER, '', server.id)}/vpcs", "vpcs"))


def _with_attachments(client: Client, share: Thing) -> _Things:
    where = f"{path(SHARE, '', share.id)}/attachments"
    return _with(share, "attachments", lambda: list(mappings(client.get(where).get("attachments"))))


def _with(thing: Thing, key: str, read: Callable[[], object]) -> _Things:
    """The same with more about it; nothing when it went meanwhile."""
    try:
        return (Thing(thing.kind, thing.id, {**thing.data, key: read()}, thing.within),)
    except NotThere:
        return ()
