"""The verb `session`: check what is asked for, note who asked, and prepare it for `attach`."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any, Final

from agent.documents.errors import Failed
from agent.documents.reader import Reader
from agent.host import commands, paths
from agent.host.paths import Colour
from agent.host.ports import Ports
from agent.project import environment, record
from agent.project.record import ColourRecord
from agent.sessions import container, end, programs, services
from agent.sessions.wish import Login, Prepared, Wish, read_wish

_TRY: Final = "`codeb status` shows what serves where"
_STAMP: Final = "%Y-%m-%dT%H:%M:%SZ"


def session(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """Prepare a session; the answer's `token` is what `attach` takes, once and within a minute.

    For a console whose service is on another server the answer has its `login` instead, the one answer with a secret in
    it: whoever may ask can read the same in the project's environment file, and passes it to the other server's agent.

    Raises BadDocument, Failed.
    """
    wish = read_wish(document, by)
    _forget_stale(ports)
    end.end_left(ports)
    if wish.kind in services.CLIENTS:
        login = wish.login or _login(ports, wish)
        name = services.here(ports, wish.kind, login)
        if name is None and wish.login is None:
            return {"ok": True, "project": wish.project, "login": login.document()}
        prepared, facts = _console(ports, wish, login, name)
    else:
        prepared, facts = _in_release(ports, wish)
    token = secrets.token_hex(16)
    _audit(ports, wish, facts)
    ports.files.directory(paths.SESSIONS, 0o700, "root:root")
    ports.files.write(paths.session_file(token, "wanted"), prepared.to_bytes(), 0o600)
    ports.runner.run(programs.forgotten_later(token))
    return {"ok": True, "project": wish.project, "token": token, "what": prepared.what, **facts}


def _in_release(ports: Ports, wish: Wish) -> tuple[Prepared, Mapping[str, str]]:
    """A command in the container that serves, or in a fresh one of the same release. Raises Failed."""
    colour, serving = _serving(ports, wish.project)
    facts = {"release": serving.release_id, "image": serving.spec.image, "colour": colour}
    where = f"{wish.project} {serving.release_id} ({colour}, {serving.spec.image})"
    if wish.kind == "exec":
        name = paths.container(wish.project, colour)
        found = _inspected(ports, name)
        parts = _process(ports, found, wish)
        return _prepared(ports, wish, f"in {where}", **parts), facts
    modules, options = container.options(serving.spec.colours[colour].content)
    options += ["--env=TERM"] if wish.terminal else []
    argv = programs.one_off(modules, options, serving.image.id, wish.command)
    return _prepared(ports, wish, f"in a fresh container of {where}", argv=argv), facts


def _prepared(ports: Ports, wish: Wish, what: str, **parts: Any) -> Prepared:
    at = ports.clock.now().timestamp()
    return Prepared(wish.project, wish.kind, wish.by, at, wish.terminal, wish.idle_minutes, what, **parts)


def _serving(ports: Ports, project: str) -> tuple[Colour, ColourRecord]:
    known = record.load(ports, project)
    colour = record.serving(ports, project, known)
    if known is None or colour is None or colour not in known.colours:
        raise Failed("session", f"{project} has no release that serves on this host", _TRY)
    return colour, known.colours[colour]


def _inspected(ports: Ports, name: str) -> Mapping[str, Any]:
    """A container that runs, as Podman knows it. Raises Failed."""
    try:
        found: Mapping[str, Any] = json.loads(ports.runner.run(commands.inspect_container(name)).out)
        running = bool(found["State"]["Running"])
    except (ValueError, KeyError, TypeError):
        running = False
    if not running:
        raise Failed("session", f"the container {name} does not run", f"{_TRY}; see `codeb logs`")
    return found


def _process(ports: Ports, found: Mapping[str, Any], wish: Wish) -> dict[str, Any]:
    """The container's own process with other words: same user, environment, folder, limits. Raises Failed."""
    try:
        process = dict(json.loads(ports.files.read(str(found["OCIConfigPath"])) or b"")["process"])
        runtime, cgroup = str(found["OCIRuntime"]), str(found["State"]["CgroupPath"])
        container_id = str(found["Id"])
    except (ValueError, KeyError, TypeError) as error:
        raise Failed("session", "podman does not show how the container runs", "try `codeb run`") from error
    if runtime.rpartition("/")[2] != "crun":
        raise Failed(
            "session",
            f"the container runs under {runtime}; a session can enter those of crun",
            "try `codeb run`",
        )
    process |= {"args": list(wish.command), "terminal": wish.terminal}
    return {"process": process, "container": container_id, "cgroup": f"/sys/fs/cgroup{cgroup}"}


def _login(ports: Ports, wish: Wish) -> Login:
    colour, _ = _serving(ports, wish.project)
    return services.login_of(wish.kind, wish.project, environment.read(ports.files, wish.project, colour))


def _console(ports: Ports, wish: Wish, login: Login, name: str | None) -> tuple[Prepared, Mapping[str, str]]:
    if name is None:
        raise Failed(
            "session", f"nothing on this host listens at {login.host}:{login.port} for projects", _TRY
        )
    found, client = _inspected(ports, name), services.CLIENTS[wish.kind]
    try:
        image, network = str(found["Image"]), str(found["NetworkSettings"]["SandboxKey"])
    except (KeyError, TypeError) as error:
        raise Failed(
            "session", f"podman does not show the network of {name}", "restart it and try again"
        ) from error
    argv = programs.console(client, login, image, network, wish.terminal)
    what = f"{client.words(login, wish.terminal)[0]} at {name} as {login.user}, {login.place}"
    prepared = _prepared(ports, wish, what, argv=argv, environment=client.environment(login))
    return prepared, {"service": name, "user": login.user, "place": login.place}


def _audit(ports: Ports, wish: Wish, facts: Mapping[str, str]) -> None:
    """Who does what and why, before he can; of a console not what is typed there."""
    entry: dict[str, object] = {
        "project": wish.project,
        "at": ports.clock.now().strftime(_STAMP),
        "outcome": wish.kind if wish.command else f"console {wish.kind}",
        "by": wish.by,
        "why": wish.why,
        "id": facts.get("release", ""),
        "image": facts.get("image", ""),
    }
    if wish.command:
        entry["command"] = list(wish.command)
    ports.files.append(paths.AUDIT, json.dumps(entry, sort_keys=True), 0o600)
    ports.journal.log(f"{wish.project}: session ({entry['outcome']}) by {json.dumps(wish.by)}")


def _forget_stale(ports: Ports) -> None:
    """What was prepared and never begun."""
    now = ports.clock.now().timestamp()
    for name in ports.files.listing(paths.SESSIONS):
        path = f"{paths.SESSIONS}/{name}"
        if name.endswith(".wanted") and now - _at(ports.files.read(path)) > programs.EXPIRES_S:
            ports.files.remove(path)


def _at(content: bytes | None) -> float:
    try:
        return float(json.loads(content or b"")["at"])
    except (ValueError, KeyError, TypeError):
        return 0
