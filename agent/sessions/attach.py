"""`codeb-agent attach TOKEN`: run a prepared session where somebody sits, until it or he ends."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from typing import Final

from agent.documents.errors import Failed
from agent.host import commands, paths
from agent.host.ports import Busy, Ports
from agent.sessions import end, programs
from agent.sessions.seat import Program, Seat
from agent.sessions.wish import Prepared, read_prepared

REFUSED: Final = 125
_NOT_FOUND: Final = 127
_NOT_RUN: Final = 126
_GONE: Final = 129
_IDLE: Final = 124
_RUNTIME_FAILED: Final = 255
_KILLED: Final = 128 + signal.SIGKILL
_LOOK_S: Final = 0.5
_GRACE: Final = 4
"""Looks, half a second each, that a program has to end by itself when nobody is there any more."""
_READY_TRIES: Final = 100


def attach(ports: Ports, seat: Seat, token: str) -> int:
    """Run the session of a token; the exit status of its program, or of podman when that can't run it.

    124: nobody typed for too long. 125: there is no such session. 129: whoever sat there has left.
    """
    path = paths.session_file(token, "wanted")
    content = ports.files.read(path)
    ports.files.remove(path)
    prepared = read_prepared(content) if content else None
    now = ports.clock.now().timestamp()
    if prepared is None or not 0 <= now - prepared.at <= programs.EXPIRES_S:
        seat.say("there is no such session, or it was not begun within a minute: run the command again")
        return REFUSED
    ports.asker.watch()
    try:
        with ports.files.lock(paths.session_file(token, "lock"), 0):
            return _watched(ports, seat, token, prepared)
    except Busy:
        seat.say("this session has begun already")
    except Failed as error:
        seat.say(f"{error.failure.cause}; {error.failure.remedy}")
    return REFUSED


def _watched(ports: Ports, seat: Seat, token: str, prepared: Prepared) -> int:
    """First who cleans up afterwards, then what there will be to clean up. Raises Failed."""
    cgroup = f"{prepared.cgroup}/{paths.session(token)}" if prepared.process else ""
    known = {"project": prepared.project, "kind": prepared.kind, "by": prepared.by, "cgroup": cgroup}
    ports.files.write(paths.session_file(token, "runs"), json.dumps(known).encode(), 0o600)
    _must(ports, programs.watcher(token, reaps=not cgroup))
    try:
        if prepared.process:
            _enter(ports, token, cgroup, prepared.process, seat)
            argv = programs.exec_in(token, prepared.container)
        else:
            argv = programs.run_in(token, _namespace(ports, token), prepared.terminal, prepared.argv)
        program = seat.start(programs.in_scope(token, argv), prepared.environment)
        code = _until_end(ports, seat, prepared, program, cgroup)
        return _explained(ports, seat, token, prepared, code) if cgroup else code
    finally:
        ports.runner.run(programs.unwatched(token), timeout_s=90)
        if (
            ports.files.read(paths.session_file(token, "runs")) is not None
        ):  # the watcher and its end were killed
            end.end(ports, token)


def _must(ports: Ports, argv: list[str]) -> None:
    result = ports.runner.run(argv)
    if not result.ok:
        said = result.text.partition("\n")[0] or f"status {result.code}"
        raise Failed(
            "session", f"{argv[0]}: {said}", "see `journalctl -t codeb-agent` on the host and try again"
        )


def _enter(ports: Ports, token: str, cgroup: str, process: Mapping[str, object], seat: Seat) -> None:
    _must(ports, programs.made(cgroup))
    variables = process.get("env")
    term = [f"TERM={seat.term}"] if seat.terminal else []
    env = [*(variables if isinstance(variables, list) else []), *term]
    text = json.dumps({**process, "env": env})
    ports.files.write(paths.session_file(token, "process"), text.encode(), 0o600)


def _namespace(ports: Ports, token: str) -> str:
    """The watcher's process, once it has made the PID namespace for the container. Raises Failed."""
    for _ in range(_READY_TRIES):
        process = ports.runner.run(programs.watcher_process(token)).out.strip()
        link = ports.files.link_target(f"/proc/{process}/ns/pid_for_children")
        if process not in ("", "0") and link and link != ports.files.link_target("/proc/self/ns/pid"):
            return process
        ports.clock.sleep(0.02)
    raise Failed("session", "the session's watcher did not start", "see `journalctl -n 50` on the host")


def _until_end(ports: Ports, seat: Seat, prepared: Prepared, program: Program, cgroup: str) -> int:
    while (code := program.ended(_LOOK_S)) is None:
        why = ports.asker.gone()
        if why:
            _end_gently(ports, seat, program, cgroup)
            return _GONE
        if seat.terminal and seat.quiet_s() > prepared.idle_minutes * 60:
            _end_gently(ports, seat, program, cgroup)
            seat.say(f"the session was ended: nothing happened in it for {prepared.idle_minutes} minutes")
            return _IDLE
    return code


def _end_gently(ports: Ports, seat: Seat, program: Program, cgroup: str) -> None:
    """Ask it to end, as a terminal that is closed does. What doesn't is killed with the watcher."""
    for number in (signal.SIGHUP, signal.SIGTERM):
        if cgroup:
            text = (ports.files.read(f"{cgroup}/cgroup.procs") or b"").decode()
            seat.signal([int(word) for word in text.split()], number)
        else:
            program.signal(number)
    for _ in range(_GRACE):
        if program.ended(_LOOK_S) is not None:
            return


def _explained(ports: Ports, seat: Seat, token: str, prepared: Prepared, code: int) -> int:
    """The exit status of a command in the app's container, with a word on what may have ended it."""
    said = (ports.files.read(paths.session_file(token, "said")) or b"").decode("utf-8", "replace").strip()
    if code == _RUNTIME_FAILED and said:  # which it has written to standard error, too
        return _NOT_FOUND if "not found" in said or "No such file" in said else _NOT_RUN
    if code in (_KILLED, _RUNTIME_FAILED, 1) and not _runs(ports, prepared.container):
        seat.say(
            f"the session was ended: the container that it was {prepared.what} has stopped, most likely because another "
            "release serves. Run the command again to get into that one"
        )
    return code


def _runs(ports: Ports, container_id: str) -> bool:
    try:
        found = json.loads(ports.runner.run(commands.inspect_container(container_id)).out)
        return bool(found["State"]["Running"])
    except (ValueError, KeyError, TypeError):
        return False
