"""What `apply` has to do, as a pure difference between a bundle, the last run and the host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent.bundle.applied import Applied
from agent.bundle.document import Bundle, File
from agent.host.paths import QUADLET, UNITS, told_of, unit_of
from agent.host.ports import Entry


@dataclass(frozen=True)
class Plan:
    """The steps of one run, in the order of the fields.

    `begun` is written before the first change, so that a run that was killed leaves nothing undone or unknown;
    `settled` after the last one.
    """

    begun: Applied
    write: tuple[File, ...]
    stop: tuple[str, ...]
    disable: tuple[str, ...]
    delete: tuple[str, ...]
    daemon_reload: bool
    restart: tuple[str, ...]
    reload: tuple[str, ...]
    settled: Applied


def make_plan(bundle: Bundle, last: Applied, host: Mapping[str, Entry | None]) -> Plan:
    """Compare. `host` holds each path of the bundle as it is now, None when missing."""
    write = tuple(file for file in bundle.files if _differs(file, host.get(file.path)))
    paths = {file.path for file in bundle.files}
    kept = {file.path for file in bundle.files if file.keep}
    delete = tuple(sorted(set(last.files) - paths - set(last.kept)))
    restarts = _unique(last.restarts, *(file.restarts for file in write))
    reloads = _unique(last.reloads, *(file.reloads for file in write))
    touched = [file.path for file in write] + list(delete)
    daemon_reload = last.daemon_reload or any(is_unit(path) for path in touched)
    gone = [unit for path in delete if (unit := unit_of(path))]
    idle = [unit for path in delete if (unit := told_of(path))]
    begun = Applied(
        files=tuple(sorted(paths | set(last.files))),
        kept=tuple(sorted(kept | set(last.kept))),
        services=tuple(service.name for service in bundle.services),
        restarts=restarts,
        reloads=reloads,
        daemon_reload=daemon_reload,
    )
    return Plan(
        begun=begun,
        write=write,
        stop=tuple(gone),
        disable=tuple(idle),
        delete=delete,
        daemon_reload=daemon_reload,
        restart=tuple(unit for unit in restarts if unit not in gone),
        reload=tuple(unit for unit in reloads if unit not in restarts and unit not in gone),
        settled=Applied(files=tuple(sorted(paths)), kept=tuple(sorted(kept)), services=begun.services),
    )


def is_unit(path: str) -> bool:
    """Whether systemd has to read its units again when this file changes (drop-ins and generators included)."""
    return path.startswith((f"{QUADLET}/", f"{UNITS}/"))


def _differs(file: File, entry: Entry | None) -> bool:
    return entry != Entry(file.content, file.mode, file.owner)


def _unique(*groups: tuple[str, ...]) -> tuple[str, ...]:
    """Every name once, in order of first mention."""
    return tuple(dict.fromkeys(name for group in groups for name in group))
