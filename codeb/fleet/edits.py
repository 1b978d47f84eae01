"""Changes of a state, as a document that `pulumi stack export` printed and `pulumi stack import` takes back."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from typing import Any, Final

from codeb.fleet.adoption import Pair
from codeb.fleet.kinds import DISK, FIREWALL, SERVER
from codeb.fleet.state import Known, State
from codeb.fleet.values import UNKNOWN, mapping, mappings, text

_COMMAND: Final = "command:remote:Command"
_PROJECT: Final = "codeb:project:Project"
_MACHINES: Final = frozenset({"codeb:server:Server", "codeb:access:Access"})
Entry = tuple[str, str]
"""URN and id of a resource: what was replaced and not deleted yet has the URN of what took its place."""


def lost_with(state: State, document: Mapping[str, Any], gone: Collection[Known]) -> set[Entry]:
    """All that goes with what is gone: rules with their group, and with a server what was done on it."""
    servers = {each.urn for each in gone if each.kind is SERVER and not each.doomed}
    groups = {each.id for each in gone if each.kind is FIREWALL}
    rules = {(each.urn, each.id) for each in state.resources if each.within and each.within in groups}
    done = {_entry(each) for each in _resources(document) if each.get("deletedWith") in servers}
    return {(each.urn, each.id) for each in gone} | rules | done


def done_on(document: Mapping[str, Any], server: str) -> set[Entry]:
    """All commands that were run on a server: its agent, its bundle, what it has of projects."""
    return {_entry(each) for each in _resources(document) if _is_done_on(each, server)}


def lies_on(document: Mapping[str, Any], entries: Collection[Entry]) -> list[str]:
    """The names of what is declared as deleted with one of these and is none of them: databases, buckets."""
    urns = {urn for urn, _ in entries}
    found = [
        each
        for each in _resources(document)
        if each.get("deletedWith") in urns and _entry(each) not in entries
    ]
    return sorted(text(each, "urn").rpartition("::")[2] for each in found)


def without(document: Mapping[str, Any], entries: Collection[Entry]) -> dict[str, Any]:
    """The state without these resources, and without a word of them in others."""
    found = copy.deepcopy(dict(document))
    resources = found["deployment"].get("resources", [])
    left = [each for each in resources if _entry(each) not in entries]
    lost = {urn for urn, _ in entries} - {each.get("urn") for each in left}
    found["deployment"]["resources"] = [_free_of(each, lost) for each in left]
    return found


def _is_done_on(resource: Mapping[str, Any], server: str) -> bool:
    """By the name that the program gives it below whom it belongs to, so that no project's name can stand for another's."""
    if resource.get("type") != _COMMAND:
        return False
    parent = text(resource, "parent").rpartition("::")
    name = text(resource, "urn").rpartition("::")[2]
    kind = parent[0].rpartition("$")[2].rpartition("::")[2]
    if kind == _PROJECT:
        return name in (f"{parent[2]}-release-{server}", f"{parent[2]}-route-{server}")
    return kind in _MACHINES and parent[2] == server


def _entry(resource: Mapping[str, Any]) -> Entry:
    return text(resource, "urn"), text(resource, "id")


def _free_of(resource: dict[str, Any], urns: Collection[str]) -> dict[str, Any]:
    if isinstance(resource.get("dependencies"), list):
        resource["dependencies"] = [urn for urn in resource["dependencies"] if urn not in urns]
    by_property = resource.get("propertyDependencies")
    if isinstance(by_property, dict):
        for name, found in by_property.items():
            by_property[name] = [urn for urn in found or [] if urn not in urns]
    if resource.get("deletedWith") in urns:
        del resource["deletedWith"]
    return resource


def _resources(document: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    return mappings(mapping(document.get("deployment")).get("resources"))


_DELTA: Final = "__pulumi_raw_state_delta"
"""How the plugin gets from the outputs to its own state. It does without, but not with one that other outputs are for."""

_NEVER_READ: Final = {SERVER: ("label", "activationEmail", "sshKeyIds"), DISK: ("live",)}
"""Inputs that the plugin does not read, or reads as its own default: what the program says of them counts."""


def completed(document: Mapping[str, Any], pairs: Collection[Pair]) -> dict[str, Any]:
    """The state in which imported resources have what the plugin does not read, as the program wants it.

    Only plain values are taken over: a preview shows neither secrets nor what is not known yet.
    """
    found = copy.deepcopy(dict(document))
    by_urn = {each.wanted.urn: each for each in pairs}
    for resource in found["deployment"].get("resources", []):
        pair = by_urn.get(resource.get("urn"))
        if pair is None or resource.get("delete"):
            continue
        for side in ("inputs", "outputs"):
            resource[side] = _completed(resource.get(side) or {}, pair)
        resource["protect"] = pair.wanted.protect
    return found


def _completed(has: dict[str, Any], pair: Pair) -> dict[str, Any]:
    never_read = _NEVER_READ.get(pair.thing.kind, ())
    wanted = {key: value for key, value in pair.wanted.inputs.items() if not key.startswith("__")}
    more = {key: value for key, value in wanted.items() if has.get(key) is None or key in never_read}
    if isinstance(more.get("vpcIds"), list):
        more["vpcIds"] = [text(each, "id") for each in mappings(pair.thing.data.get("vpcs"))]
    new = {key: value for key, value in more.items() if is_plain(value) and has.get(key) != value}
    return {key: value for key, value in has.items() if not new or key != _DELTA} | new


def is_plain(value: object) -> bool:
    """Whether a preview's value is the value itself, and all that is in it."""
    if isinstance(value, dict):
        return all(is_plain(each) for each in value.values())
    if isinstance(value, list):
        return all(is_plain(each) for each in value)
    return value not in (None, UNKNOWN, "[secret]")
