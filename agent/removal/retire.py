"""The verb `retire`: take the platform off this host. Its data is moved aside, what guards the host stays."""

from __future__ import annotations

from agent.bundle.applied import Applied, load_applied
from agent.documents.errors import Failed, remedy_of
from agent.documents.reader import Reader
from agent.edge import serving
from agent.host import commands, paths, units
from agent.host.ports import Busy, Ports
from agent.project import record
from agent.removal.remove import remove_project
from agent.sessions import end
from agent.storage import attach

_WAIT_S = 900
_STOP_S = 300
_KEPT = (
    *("/etc/ssh/", "/etc/cloud/", "/etc/fail2ban/", "/etc/nftables", "/etc/containers/registries"),
    *("/etc/systemd/journald.conf.d/", "/etc/systemd/system/nftables.service.d/"),
)
_REMEDY = "see `systemctl status` on the host and run again; what is done already stays done"


def retire(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """Stop and remove every project and service; move `/srv/codeb` aside, so that a new set-up starts empty.

    Where it is a disk's, the data stays on that as it is, unmounted: the next server of the stack takes it over.
    SSH, firewall and Fail2Ban stay as they are: a host is not made weaker. The document (the bundle) isn't
    needed, the host knows what was applied. Raises Failed.
    """
    document.version()
    try:
        with ports.files.lock(paths.APPLY_LOCK, _WAIT_S):
            ports.journal.log(f"retire by {by}")
            return _retire(ports)
    except Busy as error:
        raise Failed("lock", str(error), "wait for the other run to end and run again") from error
    except OSError as error:
        raise Failed("retire", str(error), remedy_of(error, _REMEDY), put_back="nothing") from error


def _retire(ports: Ports) -> dict[str, object]:
    serving.answered(ports)
    projects = record.known_projects(ports)
    killed = [
        name.removesuffix(".undo") for name in ports.files.listing(paths.RECORDS) if name.endswith(".undo")
    ]
    projects += sorted({*killed} - {*projects})  # of a first release that was killed there is no record
    end.end_all(ports)
    for project in projects:
        remove_project(ports, project, "")
    applied = load_applied(ports)
    gone = [path for path in applied.files if not path.startswith(_KEPT) and path not in applied.kept]
    _stop(ports, gone)
    with units.units_lock(ports):
        for path in gone:
            ports.files.remove(path)
        units.daemon_reload(ports, "retire")
    disks = attach.release(ports)
    aside = _move_data(ports)
    for folder in (paths.CONFIG, paths.CADDY):
        ports.files.remove_tree(folder)
    for folder in (paths.OUTBOX, paths.ROUTES):
        ports.files.remove_tree(folder)
    ports.files.remove_tree(f"{paths.CERTIFICATES}/copy")  # the share itself may still be mounted beside it
    for path in (paths.BUNDLE, paths.SERIES, paths.METRICS_STATE):
        ports.files.remove(path)
    return {
        "ok": True,
        "changed": applied != Applied() or bool(projects),
        "projects": projects,
        "data": aside,
        "disks": disks,
    }


def _stop(ports: Ports, gone: list[str]) -> None:
    """Stop what the files make run, containers before the networks they are on."""
    for path in gone:
        if path.startswith(f"{paths.UNITS}/") and paths.unit_of(path):
            ports.runner.run(commands.disable(path.rpartition("/")[2]))
        if idle := paths.told_of(path):
            ports.runner.run(commands.disable(idle))
    found = [unit for path in gone if (unit := paths.unit_of(path))]
    for unit in sorted(found, key=lambda name: name.endswith("-network.service")):
        if units.state(ports, unit).active not in ("inactive", "failed"):
            units.must(ports, commands.stop(unit), "retire", _REMEDY, _STOP_S)
        ports.runner.run(commands.reset_failed(unit))
        if unit.endswith("-network.service"):
            ports.runner.run(commands.remove_network(unit.removesuffix("-network.service")))


def _move_data(ports: Ports) -> str:
    """Where the data went, "" when there was none."""
    if not ports.files.listing(paths.DATA):
        return ""
    aside = f"{paths.DATA}-retired-{ports.clock.now():%Y%m%dT%H%M%SZ}"
    ports.files.move(paths.DATA, aside)
    return aside
