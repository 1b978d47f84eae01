"""Sessions: a server's agent is asked to prepare one, then `ssh` gives it the terminal (`ops.terminal`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ops import fleet, words
from ops.access import Server
from ops.fleet import Ask, Reply

CONSOLES = ("db", "cache", "storage")


class SessionError(Exception):
    """There is no session; the message says why and what to do."""


@dataclass(frozen=True)
class Wanted:
    """What somebody wants to do: `kind` is exec, run, or a console's; `server` is "" for the first that suits."""

    kind: str
    project: str
    stack: str
    by: str
    command: tuple[str, ...] = ()
    why: str = ""
    server: str = ""
    terminal: bool = False
    idle_minutes: int = 60

    def document(self) -> dict[str, object]:
        """What the agents are sent."""
        return {
            "version": 1,
            "kind": self.kind,
            "project": self.project,
            "command": list(self.command),
            "terminal": self.terminal,
            "idle_minutes": self.idle_minutes,
            "by": self.by,
            "why": self.why,
        }


@dataclass(frozen=True)
class Begun:
    """A session that waits on a server for whoever brings its token, for a minute."""

    server: Server
    token: str
    facts: Mapping[str, Any]

    @property
    def what(self) -> str:
        """What it is in, in words."""
        return f"{words.clean(self.facts.get('what'))}, on {words.clean(self.server.name)}"


def begin(wanted: Wanted, servers: Sequence[Server], data: Callable[[], Sequence[Server]], ask: Ask) -> Begun:
    """Have the session prepared where the project runs, or for a console where its data are.

    Args:
        servers: those that may run the project.
        data: finds those that hold data; asked for a console whose service isn't on the project's own server.

    Raises:
        SessionError: nobody can prepare it.
    """
    server = _choose(wanted, servers, ask)
    reply = _asked(server, wanted.document(), ask)
    if not reply.ok:
        raise SessionError(_said(reply))
    login = reply.document.get("login")
    return _at_its_data(wanted, login, data(), ask) if isinstance(login, dict) else _begun(server, reply)


def _choose(wanted: Wanted, servers: Sequence[Server], ask: Ask) -> Server:
    """The server that was named, or the first on which the project is healthy, or the first that serves it at all."""
    if wanted.server:
        for server in servers:
            if server.name == wanted.server:
                return server
        names = ", ".join(server.name for server in servers)
        raise SessionError(f"no server {wanted.server} runs {wanted.project}; there are {words.clean(names)}")
    if len(servers) == 1:
        return servers[0]
    replies = fleet.ask_each(servers, "status", {"version": 1, "project": wanted.project}, ask)
    states = {name: each.get("status") for name, reply in replies.items() for each in fleet.projects(reply)}
    for state in ("healthy", "unhealthy"):
        for server in servers:
            if states.get(server.name) == state:
                return server
    silent = [_said(reply) for reply in replies.values() if not reply.ok]
    answered = [server.name for server in servers if replies[server.name].ok]
    nowhere = [words.nowhere(wanted.project, wanted.stack, answered)] if answered else []
    raise SessionError("\n".join([*silent, *nowhere]))


def _at_its_data(wanted: Wanted, login: Mapping[str, Any], servers: Sequence[Server], ask: Ask) -> Begun:
    """The same on the server that holds the data. The login passes through this process's memory and nothing else."""
    problems = []
    for server in servers:
        reply = _asked(server, {**wanted.document(), "login": dict(login)}, ask)
        if reply.ok:
            return _begun(server, reply)
        problems.append(_said(reply))
    place = f"{words.clean(login.get('host'))}:{words.clean(login.get('port'))}"
    raise SessionError(
        "\n".join(problems)
        or f"no server of the stack holds what is at {place}, where {wanted.project} connects to"
    )


def _asked(server: Server, document: Mapping[str, object], ask: Ask) -> Reply:
    return fleet.ask_each([server], "session", document, ask)[server.name]


def _begun(server: Server, reply: Reply) -> Begun:
    token = reply.document.get("token")
    if not isinstance(token, str) or not token.isalnum():
        raise SessionError(
            f"{words.clean(server.name)}: the agent prepared no session: run `pulumi up`, which updates it"
        )
    facts = {key: value for key, value in reply.document.items() if key not in ("ok", "token")}
    return Begun(server, token, facts)


def _said(reply: Reply) -> str:
    return f"{words.clean(reply.server)}: {words.clean(reply.problem)}"
