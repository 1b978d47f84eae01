"""The verb `status`: what runs on this host, and since when."""

from __future__ import annotations

from dataclasses import asdict

from agent import commands, health, paths, record, units
from agent.errors import Failed
from agent.paths import other
from agent.ports import Ports
from agent.reader import PROJECT, Reader


def status(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """All projects, or the one named: active colour, image, health now, standby, history; and the host.

    Raises BadDocument; what can't be read of a project is said in its entry.
    """
    document.version()
    project = document.text("project", PROJECT, default="") if document.has("project") else ""
    document.end()
    names = [project] if project else record.known_projects(ports)
    return {"ok": True, "host": host_facts(ports), "projects": [_project(ports, name) for name in names]}


def host_facts(ports: Ports) -> dict[str, object]:
    """Name, versions, disk."""
    podman = ports.runner.run(commands.PODMAN_VERSION)
    return {
        "name": (ports.files.read("/etc/hostname") or b"").decode().strip(),
        "podman": podman.out.strip() if podman.ok else "",
        "disk_used_percent": round(ports.files.disk_used_percent("/var/lib"), 1),
        "time": ports.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _project(ports: Ports, project: str) -> dict[str, object]:
    try:
        known = record.load(ports, project)
        if known is None:
            return {"project": project, "status": "unknown", "cause": "it has no release on this host"}
        active = record.serving(ports, project, known)
    except Failed as error:
        return {"project": project, "status": "unreadable", "cause": error.failure.cause}
    history = [asdict(past) for past in known.history]
    entry: dict[str, object] = {"project": project, "active": active, "created_at": known.created_at}
    if active is None or active not in known.colours:
        return {**entry, "status": "stopped", "history": history}
    serving = known.colours[active]
    verdict = health.check(ports, serving.spec, active)
    return {
        **entry,
        "status": "healthy" if verdict.healthy else "unhealthy",
        "cause": verdict.reason,
        "image": serving.spec.image,
        "digest": serving.image.digest,
        "domain": serving.spec.domain,
        "address": serving.spec.address(active),
        "released_at": serving.released_at,
        "standby": units.state(ports, paths.service(project, other(active))).running,
        "unfinished": ports.files.read(paths.undo(project)) is not None,
        "history": history,
    }
