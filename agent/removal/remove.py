"""The verb `remove`: take a project off this host. Its data (database, buckets, volumes) is not touched."""

from __future__ import annotations

from contextlib import suppress

from agent.documents.errors import Failed, remedy_of
from agent.documents.reader import PROJECT, Reader
from agent.edge import drain, site, sites
from agent.host import commands, paths, units
from agent.host.paths import COLOURS
from agent.host.ports import Busy, Ports
from agent.images import store
from agent.project import record, routed
from agent.project.record import Record
from agent.release import cache, cron, put_back
from agent.removal import workers
from agent.removal.workers import Workers
from agent.sessions import end

_WAIT_S = 900
_STOP_S = 180
_REMEDY = "see `systemctl status` on the host and run again; what is done already stays done"


def remove(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """Remove a project; one that isn't here is fine. Raises BadDocument, Failed.

    A release's document will do: `project` and `cache.admin_password` are taken from it, the rest is left.
    """
    document.version()
    project = document.text("project", PROJECT)
    redis = document.maybe("cache")
    admin = redis.secret("admin_password", default="") if redis else ""
    port = redis.whole("port", 1, 65535) if redis and redis.has("port") else None
    host = redis.text("host") if redis and redis.has("host") else None
    return remove_project(ports, project, admin, port, host)


def remove_project(
    ports: Ports, project: str, admin: str, port: int | None = None, host: str | None = None
) -> dict[str, object]:
    """The same for other verbs; `admin` is the cache administrator's password or "". Raises Failed.

    `port` tells whose password it is, when the project's releases used more than one Redis instance; `host` where the
    data server is now: an earlier address of it may answer no more.
    """
    try:
        with ports.files.lock(paths.project_lock(project), _WAIT_S):
            answer = _remove(ports, project, admin, port, host)
            ports.files.remove(paths.project_lock(project))
        _forget_locks(ports)
        return answer
    except Busy as error:
        raise Failed("lock", str(error), "wait for the other run to end and run again") from error
    except OSError as error:
        raise Failed("remove", str(error), remedy_of(error, _REMEDY), put_back="nothing") from error


def _remove(ports: Ports, project: str, admin: str, port: int | None, host: str | None) -> dict[str, object]:
    answer = {"ok": True, "project": project, "warnings": []}
    working = workers.of(ports, project)
    if not working.files and not any(_there(ports, path) for path in _owned(project)):
        return {**answer, "changed": False}
    known = record.load(ports, project)
    ports.files.remove(paths.undo(project))  # first: a release that was killed must not come back
    _unroute(ports, project, working)
    _stop(ports, project, working)
    _delete(ports, project, known, working)
    warnings = _revoke(ports, known, admin, port, host)
    if known:
        store.leave(ports, known)
    ports.files.remove(paths.record(project))
    store.prune(ports, project)
    ports.journal.log(f"{project}: removed")
    return {**answer, "changed": True, "warnings": warnings}


def _forget_locks(ports: Ports) -> None:
    """Files of locks that nobody holds, of projects that nothing is left of: older agents left them."""
    names = ports.files.listing(paths.RECORDS)
    for project in (name.removesuffix(".lock") for name in names if name.endswith(".lock")):
        if {f"{project}.json", f"{project}.undo"}.isdisjoint(names):
            with suppress(Busy, OSError), ports.files.lock(paths.project_lock(project), 0):
                if not any(_there(ports, path) for path in _owned(project)):
                    ports.files.remove(paths.project_lock(project))


def _owned(project: str) -> list[str]:
    """Every file by which a project shows that it is here."""
    return [
        paths.record(project),
        paths.undo(project),
        paths.site(project),
        paths.upstream(project),
        paths.quadlet(f"{paths.network(project)}.network"),
        *(paths.quadlet(f"{paths.container(project, colour)}.container") for colour in COLOURS),
        paths.quadlet(f"{paths.release_command(project)}.container"),
        *(paths.boot_link(project, colour) for colour in COLOURS),
    ]


def _there(ports: Ports, path: str) -> bool:
    return ports.files.read(path) is not None or ports.files.link_target(path) is not None


def _unroute(ports: Ports, project: str, working: Workers) -> None:
    """Users first: no site but the one that sends them on to where the project runs now, no upstream, nothing at boot."""
    elsewhere = routed.load(ports, project)
    with sites.held(ports):
        sites.put(ports, {paths.site(project): elsewhere.site if elsewhere else None})
    if site.caddy_runs(ports):
        drain.reload(ports)
    for path in (
        paths.upstream(project),
        paths.canary_weight(project),
        paths.canary_address(project),
        paths.maintenance_page(project),
        paths.maintenance_retry(project),
        *(paths.boot_link(project, colour) for colour in COLOURS),
        *working.links,
    ):
        ports.files.remove(path)


def _stop(ports: Ports, project: str, working: Workers) -> None:
    end.end_all(ports, project)
    ports.runner.run(commands.stop(f"{paths.standby(project)}.timer"))
    services = [paths.service(project, colour) for colour in COLOURS]
    for service in (f"{paths.release_command(project)}.service", *services):
        units.end(ports, service, "remove", _REMEDY, _STOP_S)
    units.end_all(ports, working.services, "remove", _REMEDY, _STOP_S + working.stop_s)


def _delete(ports: Ports, project: str, known: Record | None, working: Workers) -> None:
    """Units, network and environment; the network is stopped while its unit is still known."""
    cron.remove(ports, list(known.cron) if known else [])
    put_back.remove_network(ports, project)
    with units.units_lock(ports):
        for path in (*_owned(project), *working.files):
            if path.startswith(paths.QUADLET):
                ports.files.remove(path)
        units.daemon_reload(ports, "remove")
    for unit in (f"{paths.network(project)}-network.service", f"{paths.standby(project)}.service"):
        ports.runner.run(commands.reset_failed(unit))
    ports.files.remove_tree(paths.project_folder(project))


def _revoke(ports: Ports, known: Record | None, admin: str, port: int | None, host: str | None) -> list[str]:
    """Delete the cache user. Where the administrator's password isn't known, or a data server was before, it may stay and
    a warning says so."""
    found = [colour.spec.cache for colour in known.colours.values()] if known else []
    warnings = []
    for index in {
        (index.host, index.port, index.index, index.user): index
        for index in found
        if index and not index.tls  # Vultr's own users go with their resources
    }.values():
        if admin and port in (None, index.port):
            try:
                cache.revoke(ports, index, admin)
            except Failed as error:
                if host in (None, index.host):
                    raise
                where = f"Redis at {index.host}:{index.port}, which is not the data server's any more"
                warnings.append(f"cache user {index.user} was not deleted in {where}: {error}")
        else:
            why = (
                "the document's cache.admin_password is another's"
                if admin
                else "the document has no cache.admin_password"
            )
            warnings.append(f"cache user {index.user} stays in Redis at {index.host}:{index.port}, as {why}")
    return warnings
