"""The verbs `route` and `unroute`: an edge sends the visitors of a project on to the servers that run it, or no more."""

from __future__ import annotations

from collections.abc import Callable

from agent.documents.errors import Failed, remedy_of
from agent.documents.reader import PROJECT, Reader
from agent.edge import drain, site, sites
from agent.host import paths
from agent.host.ports import Busy, Ports
from agent.project import record, routed

_WAIT_S = 900
_REMEDY = "see `journalctl -u caddy` on the host and run again"


def route(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """Bring the project's site about; the sites of others give up the names that it takes. Raises BadDocument, Failed."""
    wanted = routed.read(document)
    return _alone(ports, wanted.project, lambda: _route(ports, wanted, by))


def unroute(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """Take the site away, unless the project runs here by now: then it has a site of its own. Raises BadDocument, Failed."""
    document.version()
    project = document.text("project", PROJECT)
    return _alone(ports, project, lambda: _unroute(ports, project, by))


def _alone(ports: Ports, project: str, work: Callable[[], bool]) -> dict[str, object]:
    try:
        with ports.files.lock(paths.project_lock(project), _WAIT_S):
            changed = work()
    except Busy as error:
        raise Failed("lock", str(error), "wait for the other run to end and run again") from error
    except OSError as error:
        raise Failed("route", str(error), remedy_of(error, _REMEDY), put_back="nothing") from error
    return {"ok": True, "project": project, "changed": changed}


def _route(ports: Ports, wanted: routed.Routed, by: str) -> bool:
    """A site that Caddy refuses at its reload goes back; a run that is killed is finished by the next one."""
    site.check(ports, wanted)
    own = paths.site(wanted.project)
    before = sites.texts(ports)
    changes = site.changes(ports, wanted)
    known = routed.load(ports, wanted.project)
    routed.save(ports, wanted)
    try:
        changed = site.write(ports, wanted)
        drain.reload(ports)  # what a killed run wrote, Caddy may not have read
    except Failed:
        site.restore(
            ports, {own: before.get(own), **{path: before.get(path) for path in changes if path != own}}
        )
        if known is None:
            routed.forget(ports, wanted.project)
        else:
            routed.save(ports, known)
        raise
    if changed:
        ports.journal.log(f"{wanted.project}: its visitors are sent on from now on, by {by}")
    return changed


def _unroute(ports: Ports, project: str, by: str) -> bool:
    runs = record.serving_spec(ports, project)
    if routed.load(ports, project) is None and runs is None and ports.files.read(paths.site(project)) is None:
        return False
    if runs is None:
        with sites.held(ports):
            sites.put(ports, {paths.site(project): None})
        if site.caddy_runs(ports):
            drain.reload(ports)
        ports.journal.log(f"{project}: its visitors are not sent on any more, by {by}")
    routed.forget(ports, project)
    return runs is None
