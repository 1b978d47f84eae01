"""The end of the archive of a server that writes no more: what was received of its WAL and is in no store yet."""

from __future__ import annotations

from agent.archive.depot import Depot
from agent.archive.shipping import Shipper
from agent.documents.errors import Failed, Unwritable
from agent.host import paths
from agent.host.ports import Ports
from agent.store.ability import remembered
from agent.store.settings import Settings

_ROUNDS = 2
"""The second one ships what the first has found finished."""


def shipped(ports: Ports, settings: Settings, system: str) -> str:
    """Ship it; why not all is where it belongs, "" when it is or nothing is archived. No upgrade waits for a store."""
    if not ports.files.listing(paths.ARCHIVE):
        return ""
    depots = [Depot(ports, store, settings.recipient, system) for store in remembered(ports, settings).stores]
    shipper = Shipper(ports, depots, system, 1 << 40)
    try:
        for _ in range(_ROUNDS):
            shipper.round()
    except (Failed, Unwritable) as error:
        return str(error)
    return "; ".join(f"{depot.store.name}: {depot.problem}" for depot in depots if depot.problem)
