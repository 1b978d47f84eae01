"""What systemd and the journal say about a unit."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

from agent.documents.errors import Failed
from agent.host import commands, paths
from agent.host.ports import Ports, Result

LOG_LINES: Final = 20
_UNITS_WAIT_S: Final = 300
_START_S: Final = 120
_EVENTS: Final = ("container", "image", "network", "volume")
_READ: Final = {"LoadState=loaded", "NeedDaemonReload=no"}


@dataclass(frozen=True)
class UnitState:
    """Properties of a unit (`systemctl show`)."""

    active: str
    sub: str
    result: str
    restarts: int
    exit_status: int
    loaded: bool
    file_state: str

    @property
    def running(self) -> bool:
        return self.active in ("active", "reloading")


def state(ports: Ports, unit: str) -> UnitState:
    """The state of a unit; one that doesn't exist counts as inactive."""
    return _state(ports.runner.run(commands.show(unit)))


def _state(result: Result) -> UnitState:
    values = dict(line.split("=", 1) for line in result.out.splitlines() if "=" in line)

    def number(key: str) -> int:
        value = values.get(key, "")
        return int(value) if value.isdigit() else 0

    return UnitState(
        active=values.get("ActiveState", "inactive"),
        sub=values.get("SubState", "dead"),
        result=values.get("Result", "success"),
        restarts=number("NRestarts"),
        exit_status=number("ExecMainStatus"),
        loaded=values.get("LoadState", "not-found") == "loaded",
        file_state=values.get("UnitFileState", ""),
    )


def end(ports: Ports, service: str, phase: str, remedy: str, timeout_s: float) -> None:
    """Stop a service unless it is stopped, and forget that it may have failed. Raises Failed."""
    end_all(ports, [service], phase, remedy, timeout_s)


def end_all(ports: Ports, services: Iterable[str], phase: str, remedy: str, timeout_s: float) -> list[str]:
    """The same for several, all at once; those that weren't stopped, as far as systemd could tell."""
    found = [service for service in services if not stopped(ports, service)]
    if found:
        must(ports, commands.stop(*found), phase, remedy, timeout_s)
        ports.runner.run(commands.reset_failed(*found))
    return found


def stopped(ports: Ports, service: str) -> bool:
    """Whether a service surely doesn't run: not when systemd gives no answer."""
    result = ports.runner.run(commands.show(service))
    return result.ok and _state(result).active == "inactive"


def end_timer(ports: Ports, timer: str, phase: str, *, for_good: bool = False) -> None:
    """Stop a timer, `for_good` at boots to come as well. One that isn't there makes systemctl fail: its state tells. Raises
    Failed."""
    ports.runner.run(commands.disable(timer) if for_good else commands.stop(timer))
    found = state(ports, timer)
    if found.running or (for_good and found.file_state == "enabled"):
        raise Failed(phase, f"{timer} can't be stopped", f"see `systemctl status {timer}` and run again")


def must(ports: Ports, argv: list[str], phase: str, remedy: str, timeout_s: float = 60) -> str:
    """Run a command that has to succeed and give back what it wrote. Raises Failed."""
    result = ports.runner.run(argv, timeout_s=timeout_s)
    if not result.ok:
        said = result.text.splitlines()
        raise Failed(
            phase,
            f"{' '.join(argv[:4])} … ended with status {result.code}: {said[0] if said else 'no output'}",
            remedy,
            log=tuple(said[-LOG_LINES:]),
        )
    return result.out


def daemon_reload(ports: Ports, phase: str) -> None:
    """Make systemd read the unit files. Callers hold the units lock: two generators at once corrupt units."""
    must(ports, commands.DAEMON_RELOAD, phase, "see `systemctl status` and run again", _START_S)


def install(ports: Ports, texts: Mapping[str, bytes], phase: str, *, removed: bool = False) -> list[str]:
    """Bring unit files (path → content) to systemd; gives back those that are new to it. Raises Failed.

    Without any, and unless others were `removed`, systemd isn't asked to read all units again: that takes PID 1
    and every generator half a second, which visitors feel.
    """
    if not texts and not removed:
        return []
    with units_lock(ports):
        fresh = [path for path, content in texts.items() if ports.files.read(path) != content]
        for path in fresh:
            ports.files.write(path, texts[path], 0o644)
        fresh += _unread(ports, [path for path in texts if path not in fresh])
        if fresh or removed:
            daemon_reload(ports, phase)
    return fresh


def _unread(ports: Ports, files: list[str]) -> list[str]:
    """The unit files that systemd hasn't read as they are: whoever wrote them was killed before it could ask."""
    units = {path: unit for path in files if (unit := paths.unit_of(path))}
    names = {
        path: unit.replace("@.", "@1.") for path, unit in units.items()
    }  # a template itself has no state
    if not names:
        return []
    said = ports.runner.run(commands.read_yet(list(names.values()))).out.split("\n\n")
    seen = [set(block.split()) for block in said]
    if len(seen) != len(names):
        return list(names)
    return [path for path, words in zip(names, seen, strict=True) if words != _READ]


def units_lock(ports: Ports) -> AbstractContextManager[None]:
    """The lock for writing unit files and daemon-reload (podman #29004)."""
    return ports.files.lock(paths.UNITS_LOCK, _UNITS_WAIT_S)


def log_lines(ports: Ports, unit: str, since: float) -> tuple[str, ...]:
    """The last lines that the unit's processes wrote, without podman's own events.

    journald takes lines in as it gets to it: those of a process that has just ended may still be on their way.
    """
    ports.runner.run(commands.journal_written())
    result = ports.runner.run(commands.logs(unit, since, LOG_LINES * 3))
    lines = []
    for row in result.out.splitlines():
        try:
            entry = json.loads(row)
        except ValueError:
            continue
        message = entry.get("MESSAGE")
        if isinstance(message, str) and not _noise(message, str(entry.get("SYSLOG_IDENTIFIER"))):
            lines += [line for line in message.splitlines() if line.strip()]
    return tuple(lines[-LOG_LINES:])


def exit_code(ports: Ports, service: str, since: float) -> int | None:
    """With what the unit's container last ended since a moment, as Podman noted it; None when it didn't.

    systemd's own note is gone as soon as it has started the container again.
    """
    result = ports.runner.run(commands.died(paths.container_of(service), since))
    for row in reversed(result.out.splitlines()):
        try:
            return int(json.loads(row)["ContainerExitCode"])
        except (ValueError, KeyError, TypeError):
            continue
    return None


def _noise(message: str, identifier: str) -> bool:
    """Podman and conmon tell events, ids and warnings of their own in the same unit."""
    words = message.split()
    is_id = len(words) == 1 and len(message) == 64 and all(c in "0123456789abcdef" for c in message)
    is_event = identifier == "podman" and len(words) > 6 and words[5] in _EVENTS
    return is_id or is_event or identifier == "conmon"
