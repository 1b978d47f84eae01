"""What of an update belongs to a step: the resources of the servers that come or go, and what follows from them elsewhere.

Two previews tell it apart, one without the step and one with it. What only one of them has is the step's doing (a failed
step's remains show in the first, what is still to be done in the second); what both have waits for somebody else's update.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from codeb.model import Member
from ops.runs import Step

_OWN: Final = ("", "-agent", "-access", "-bundle", "-instance", "-serving")
"""A server's components and its resources (`components.server`, `components.access`, `components.fleet.machine`)."""
_DATA: Final = (*_OWN, "-disk", "-disk-storage", "-data", "-settled", "-address")
_PROJECTS: Final = ("-release-", "-route-")
"""What a server has of a project (`components.project`): `<project>-release-<server>`."""
_COMMAND: Final = "command:remote:Command"
_RECORD: Final = "vultr:index/dnsRecord:DnsRecord"


@dataclass(frozen=True)
class Findings:
    """Why a step can't be carried out. `others` wait for somebody else's update; `wrong` is what no step may do."""

    others: tuple[Step, ...]
    wrong: tuple[Step, ...]


def compared(
    without: Iterable[Step],
    with_it: Iterable[Step],
    moved: Collection[Member],
    servers: Mapping[str, Collection[str]],
) -> Findings:
    """What of the update with the step is not the step's.

    Args:
        moved: the servers that come or go.
        servers: roles of each server that the stack has, by its outputs.
    """
    before = {(step.resource, step.type) for step in without}
    known = {*servers, *(each.server for each in moved)}
    rest = [step for step in with_it if not any(_is_of(step, each) for each in moved)]
    others = [step for step in rest if (step.resource, step.type) in before]
    strange = [step for step in rest if _takes_away(step) or (_makes(step) and step not in others)]
    wrong = [step for step in strange if not _of_projects(step, known)]
    wrong += [step for step in with_it if _takes_away(step) and _is_data(step, moved, servers)]
    return Findings(tuple(sorted(set(others))), tuple(sorted(set(wrong))))


def _is_of(step: Step, member: Member) -> bool:
    """Whether the resource is this server's own."""
    server = member.server
    if step.resource in {f"{server}{suffix}" for suffix in _OWN}:
        return True
    if step.type == _RECORD:
        return step.resource.endswith((f"-{member.hostname}", f"-{server}"))
    return _of_projects(step, {server})


def _of_projects(step: Step, servers: Collection[str]) -> bool:
    """Whether it is what one of these servers has of a project: apps move, their data does not."""
    ends = tuple(f"{kind}{server}" for server in servers for kind in _PROJECTS)
    return step.type == _COMMAND and step.resource.endswith(ends)


def _is_data(step: Step, moved: Collection[Member], servers: Mapping[str, Collection[str]]) -> bool:
    """Whether it is a server's that holds data, whatever is asked for."""
    holders = {name for name, roles in servers.items() if "data" in roles}
    holders |= {each.server for each in moved if "data" in each.roles}
    return step.resource in {f"{server}{suffix}" for server in holders for suffix in _DATA}


def _takes_away(step: Step) -> bool:
    return "delete" in step.op or "replace" in step.op


def _makes(step: Step) -> bool:
    return "create" in step.op
