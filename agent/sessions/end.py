"""The end of a session: no process, container or file of it is left, whatever state it was in."""

from __future__ import annotations

import json
from typing import Final

from agent.host import paths
from agent.host.ports import Ports
from agent.sessions import programs
from agent.sessions.wish import TOKEN

_FILES: Final = ("wanted", "process", "said", "lock", "runs")
_TRIES: Final = 50


def end(ports: Ports, token: str) -> int:
    """Kill and remove all that a session has; systemd runs this when its watcher has ended. The exit status.

    What starts things is killed first: then nothing new comes.
    """
    ports.runner.run(programs.killed_scope(token))
    cgroup = _known(ports, token).get("cgroup", "")
    left = bool(cgroup) and not _emptied(ports, cgroup)
    why = _removed(ports, token)
    if why or left:
        ports.journal.log(f"session {token}: {why or 'its processes can not be killed'}")
        return 1
    for kind in _FILES:
        ports.files.remove(paths.session_file(token, kind))
    return 0


def _removed(ports: Ports, token: str) -> str:
    """Why its container can't be removed, "" when there is none.

    Podman refuses at first when nobody could tell it how the container ended: conmon was killed together with it.
    """
    for _ in range(_TRIES):
        result = ports.runner.run(programs.removed(token), timeout_s=60)
        if result.ok:
            return ""
        ports.clock.sleep(0.1)
    return result.text


def end_left(ports: Ports) -> None:
    """End what is left of sessions whose `attach` has ended, where the end itself was kept from it."""
    for token in _running(ports):
        if ports.files.held_since(paths.session_file(token, "lock")) is None:
            end(ports, token)


def end_all(ports: Ports, project: str = "") -> None:
    """End the sessions of a project that is about to be removed, or all there are."""
    for token in _running(ports):
        if project in ("", _known(ports, token).get("project")):
            ports.runner.run(programs.unwatched(token), timeout_s=90)


def _running(ports: Ports) -> list[str]:
    names = [name.partition(".") for name in ports.files.listing(paths.SESSIONS)]
    return [token for token, _, kind in names if kind == "runs" and TOKEN.fullmatch(token)]


def _known(ports: Ports, token: str) -> dict[str, str]:
    try:
        found = json.loads(ports.files.read(paths.session_file(token, "runs")) or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _emptied(ports: Ports, cgroup: str) -> bool:
    """Whether a control group is gone with all that was in it. The container may have ended before, and taken it along."""
    for _ in range(_TRIES):
        if ports.files.read(f"{cgroup}/cgroup.procs") is None:
            return True
        ports.runner.run(programs.killed(cgroup), stdin="1")
        if ports.runner.run(programs.unmade(cgroup)).ok:
            return True
        ports.clock.sleep(0.1)
    return False
