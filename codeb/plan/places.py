"""What only the cloud knows of a machine: its addresses, its disk's device, its share's tag.

A plan names them by markers (`codeb.names.address_marker` and the like). Once they are known `settled` puts them into the
plan, and what is rendered from it has none left. Values that come from people are never searched for markers.
"""

from __future__ import annotations

import ipaddress
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, TypeVar

from codeb import managed_names, names
from codeb.plan.types import CachePlan, DatabasePlan, ObjectsPlan, Plan, ProjectPlan, ServerPlan

Known = Mapping[str, str]
"""Marker → text."""

_EXAMPLES: Final = ipaddress.IPv4Network("100.64.0.0/10")
_FIRST_EXAMPLE_PORT: Final = 50_001
_EXAMPLE_PORTS: Final = 9_973
_Located = TypeVar("_Located", DatabasePlan, CachePlan)


def markers(plan: Plan) -> frozenset[str]:
    """Every marker that stands for something of this plan's machines."""
    if plan.fleet is None:
        return frozenset()
    machines = plan.fleet.machines
    found = {names.address_marker(machine.server) for machine in machines}
    found |= {names.private_marker(machine.server) for machine in machines}
    found |= {names.disk_marker(machine.server) for machine in machines if machine.disk_gb is not None}
    if plan.fleet.postgres is not None:
        found |= set(managed_names.MARKERS)
    for number in plan.fleet.valkey.numbers if plan.fleet.valkey else ():
        found |= {managed_names.valkey_host(number), managed_names.valkey_port(number)}
    for each in plan.fleet.objects:
        found |= managed_names.objects_markers(each.project)
    shared = plan.fleet.shared
    return frozenset(found | {names.share_marker(server) for server in (shared.servers if shared else ())})


def settled(plan: Plan, known: Known) -> Plan:
    """The plan with the addresses that are known; markers of others stay."""
    return replace(
        plan,
        servers=tuple(_server(server, known) for server in plan.servers),
        data=replace(plan.data, host=known.get(plan.data.host, plan.data.host)),
        projects=tuple(
            replace(
                project,
                database=_database(project.database, known),
                beside=_database(project.beside, known),
                cache=_cache(project.cache, known),
                objects=_objects(project.objects, known),
            )
            for project in plan.projects
        ),
        retained=tuple(
            replace(
                retained,
                database=_database(retained.database, known),
                beside=_database(retained.beside, known),
                objects=_objects(retained.objects, known),
            )
            for retained in plan.retained
        ),
    )


def marked(plan: Plan, owner: str) -> Plan:
    """The plan with the stack's mark (the end of its owner's name) in the names of buckets at Vultr."""
    if plan.fleet is None or not plan.fleet.objects:
        return plan
    return settled(plan, {managed_names.BUCKET_MARK: owner.rpartition("-")[2]})


def examples(plan: Plan) -> dict[str, str]:
    """Texts of the right form for every marker: with them a document can be checked before Vultr has answered.

    They are the same each time, whatever other servers there are: from what they stand in previews tell what changed.
    The addresses are of the range that carriers share (RFC 6598).
    """
    found: dict[str, str] = {}
    taken: set[int] = set()
    for marker in sorted(markers(plan)):
        number = zlib.crc32(marker.encode()) % _EXAMPLES.num_addresses
        while number in taken:
            number = (number + 1) % _EXAMPLES.num_addresses
        taken.add(number)
        found[marker] = _example(marker, number)
    return found


def data_places(project: ProjectPlan) -> Iterator[str]:
    """Where a project's database and cache answer, markers among it."""
    if project.database:
        yield project.database.place
    if project.cache:
        yield f"{project.cache.host} {project.cache.port}"


def _example(marker: str, number: int) -> str:
    if managed_names.is_port(marker):
        return str(_FIRST_EXAMPLE_PORT + number % _EXAMPLE_PORTS)
    address = marker.startswith(("@{address:", "@{private:")) or managed_names.is_host(marker)
    return str(_EXAMPLES[number]) if address else f"codeb{number}"


def _server(server: ServerPlan, known: Known) -> ServerPlan:
    return replace(
        server,
        address=known.get(server.address, server.address),
        private_address=known.get(server.private_address, server.private_address),
    )


def _database(item: DatabasePlan | None, known: Known) -> DatabasePlan | None:
    found = _located(item, known)
    if found is None or not found.managed or managed_names.PORT not in known:
        return found
    return replace(found, port=int(known[managed_names.PORT]))


def _cache(item: CachePlan | None, known: Known) -> CachePlan | None:
    found = _located(item, known)
    if found is None or not found.managed or found.slot is None:
        return found
    port = known.get(managed_names.valkey_port(found.slot.instance))
    return replace(found, service_port=int(port)) if port else found


def _objects(item: ObjectsPlan | None, known: Known) -> ObjectsPlan | None:
    if item is None:
        return None
    return replace(item, host=known.get(item.host, item.host), mark=known.get(item.mark, item.mark))


def _located(item: _Located | None, known: Known) -> _Located | None:
    return replace(item, host=known.get(item.host, item.host)) if item else None
