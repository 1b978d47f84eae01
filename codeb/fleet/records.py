"""DNS records carry no mark: whose one is follows from zone, name, type and where it points."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from codeb.fleet import remedies
from codeb.fleet.account import Account, Thing
from codeb.fleet.differences import same_data
from codeb.fleet.finding import Finding, Removal, Trouble
from codeb.fleet.kinds import RECORD
from codeb.fleet.marks import Whose, whose
from codeb.fleet.state import State
from codeb.fleet.values import is_id, shown, text


class Wanted(NamedTuple):
    """A record that the program declares; `name` is "" for the zone itself."""

    name: str
    type: str


def strays(
    unknown: Iterable[Thing],
    account: Account,
    state: State,
    owner: str,
    stack: str,
    wanted: Collection[Wanted] | None,
) -> list[Finding]:
    """Findings of records that the state does not know. A name that the program does not want is somebody else's."""
    ours, others = _addresses(account, state, owner)
    found = []
    for thing in unknown:
        role, data = _role(thing.data), text(thing.data, "data")
        twin = next(
            (each for each in state.of(RECORD) if each.within == thing.within and _role(each.inputs) == role),
            None,
        )
        here = _among(data, ours if twin is None else {*ours, text(twin.inputs, "data")})
        if twin is None and (role not in wanted if wanted is not None else not here):
            continue
        found.append(
            _finding(thing, stack, _Facts(twin is not None, here, _among(data, others), wanted is None))
        )
    return found


class _Facts(NamedTuple):
    """What is known of a record: the state has one of its name, it points to what is ours, or others', names are guessed."""

    twin: bool
    here: bool
    away: bool
    guessed: bool


def _finding(thing: Thing, stack: str, facts: _Facts) -> Finding:
    data = shown(f"{text(thing.data, 'type')} {text(thing.data, 'data')}")
    if facts.here and facts.twin and is_id(thing.key):
        cause = f"{data}: the state has another record of this name and type: a lost reply makes the plugin ask again"
        return _of_thing(
            Trouble.TWICE, thing, cause, remedies.remove(stack, thing, holds_data=False), Removal.MARKED
        )
    if facts.here and not facts.guessed and is_id(thing.key):
        cause = f"{data}: the program wants it, the state knows nothing of it: a failed read drops records from the state"
        return _of_thing(
            Trouble.UNKNOWN,
            thing,
            cause,
            remedies.adopt_or_remove(stack, thing, holds_data=False),
            Removal.MARKED,
        )
    if facts.away:
        return _of_thing(
            Trouble.UNSURE,
            thing,
            f"{data}: it has a name of this stack and points to what is not this stack's",
        )
    cause = f"{data}: it has a name of this stack, but no mark tells whose it is"
    return _of_thing(
        Trouble.UNSURE,
        thing,
        cause,
        remedies.unmarked(stack, thing),
        Removal.UNMARKED if is_id(thing.key) else Removal.NEVER,
    )


def _of_thing(
    trouble: Trouble, thing: Thing, cause: str, remedy: str = "", removal: Removal = Removal.NEVER
) -> Finding:
    return Finding(trouble, RECORD.name, thing.key, thing.name, cause, remedy, removal=removal)


def _addresses(account: Account, state: State, owner: str) -> tuple[set[str], set[str]]:
    """The addresses of what is this stack's, and of everything else in the account."""
    known = state.by_key()
    ours: set[str] = {
        text(each.outputs, key)
        for each in state.resources
        for key in ("mainIp", "v6MainIp", "ipv4", "ipv6", "subnet")
    } - {""}
    others: set[str] = set()
    for thing in account:
        own = (thing.kind, thing.key) in known or whose(thing, owner) is Whose.OURS
        (ours if own else others).update(thing.addresses)
    return ours, others - ours


def _among(data: str, addresses: Iterable[str]) -> bool:
    return any(same_data(data, each) for each in addresses)


def _role(record: Mapping[str, Any]) -> Wanted:
    name = text(record, "name")
    return Wanted("" if name == "@" else name, text(record, "type"))
