"""Which resource of the program is which resource of the account, and how the state gets to know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from codeb.fleet.account import Thing
from codeb.fleet.kinds import BY_TYPE, DISK, RECORD, RULE
from codeb.fleet.state import Known, known_of
from codeb.fleet.values import UNKNOWN, mapping, mappings, number, text


class Pair(NamedTuple):
    """A resource of the account, and the one that the next update would create for the same purpose."""

    thing: Thing
    wanted: Known


def creations(preview: Mapping[str, Any]) -> list[Known]:
    """What the next update would create at Vultr, from what `pulumi preview --json` printed."""
    states = (
        mapping(step.get("newState")) for step in mappings(preview.get("steps")) if step.get("op") == "create"
    )
    return [known_of(state, BY_TYPE[state["type"]]) for state in states if state.get("type") in BY_TYPE]


def pair(things: Iterable[Thing], wanted: Iterable[Known], owner: str) -> tuple[list[Pair], list[Thing]]:
    """Each thing with the creation that it makes needless, and the things that no creation is left for."""
    left, pairs, needless = list(wanted), [], []
    for thing in things:
        found = next((each for each in left if each.kind is thing.kind and _fits(thing, each, owner)), None)
        if found is None:
            needless.append(thing)
        else:
            left.remove(found)
            pairs.append(Pair(thing, found))
    return pairs, needless


def _fits(thing: Thing, wanted: Known, owner: str) -> bool:
    if thing.kind is RECORD:
        same = text(wanted.inputs, "domain") == thing.within
        return same and all(text(wanted.inputs, key) == text(thing.data, key) for key in ("name", "type"))
    if thing.kind is RULE:
        names = {"ipType": "ip_type", "protocol": "protocol", "port": "port", "subnet": "subnet"}
        same = number(wanted.inputs.get("subnetSize")) == number(thing.data.get("subnet_size"))
        return same and all(
            text(wanted.inputs, key) == text(thing.data, given) for key, given in names.items()
        )
    if thing.kind is DISK and wanted.label == UNKNOWN:  # it names its server, which is to be made too
        return thing.role == f"{owner}-{wanted.resource_name.rpartition('-disk')[0]}"
    return wanted.role == thing.role


def import_file(pairs: Sequence[Pair]) -> dict[str, Any]:
    """What `pulumi import --file` takes: type, name, parent and provider of the program, id of the account."""
    urns = sorted({urn for each in pairs for urn in (each.wanted.parent, provider_of(each.wanted)) if urn})
    names = {urn: f"urn{number_}" for number_, urn in enumerate(urns)}
    resources = []
    for thing, wanted in pairs:
        entry = {"type": wanted.kind.type, "name": wanted.resource_name, "id": thing.key}
        entry |= {"parent": names[wanted.parent]} if wanted.parent else {}
        entry |= {"provider": names[provider_of(wanted)]} if wanted.provider else {}
        resources.append(entry)
    return {"nameTable": {name: urn for urn, name in names.items()}, "resources": resources}


def provider_of(wanted: Known) -> str:
    """The provider's URN; a reference has its id after it."""
    return wanted.provider.rpartition("::")[0]
