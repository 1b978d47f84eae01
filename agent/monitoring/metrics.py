"""The verb `metrics`: writes what is known of this host's projects where the node exporter reads it, and tells the
collector what is secret.

systemd runs it each minute, and anew after each verb that has changed a project (`agent.monitoring.soon`).
"""

from __future__ import annotations

from typing import Final

from agent.documents.reader import Reader
from agent.host import paths
from agent.host.ports import Busy, Ports
from agent.known import tell
from agent.monitoring import killed, memory, validity
from agent.monitoring.exposition import text
from agent.monitoring.families import families
from agent.monitoring.gather import gather, services

_LOCK: Final = f"{paths.METRICS_STATE}.lock"
_WAIT_S: Final = 20


def metrics(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """Write the series, where there is a node exporter. Raises BadDocument, Unwritable.

    Another run that works on it just now is left to it: what it has seen may be older by a second, and systemd runs this
    one after the other.
    """
    document.version()
    document.end()
    if not ports.files.is_folder(paths.TEXTFILES):
        return {"ok": True, "written": False, "series": 0}
    try:
        with ports.files.lock(_LOCK, _WAIT_S):
            return {"ok": True, "written": True, "series": _write(ports)}
    except Busy:
        return {"ok": True, "written": False, "series": 0}


def _write(ports: Ports) -> int:
    """The number of series."""
    found = gather(ports)
    tell.refresh(ports)
    known = killed.count(ports, services(found.projects), memory.load(ports))
    hosts = [host for host, (_, secure) in found.sites.items() if secure and not host.startswith("*.")]
    known = validity.look(ports, hosts, known)
    memory.save(ports, known)
    all_of_them = families(found, known)
    ports.files.write(paths.SERIES, text(all_of_them), 0o644)
    return sum(len(family.series) for family in all_of_them)
