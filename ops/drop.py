"""`drop`: a person says that a project's database may be dropped without the final backup, which can't be taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ops import fleet, words
from ops.access import Server
from ops.backup import data_server
from ops.fleet import Ask
from ops.result import Result, failed


def drop(document: Mapping[str, Any], servers: Sequence[Server], ask: Ask) -> Result:
    """Have the data server's agent remember it; nothing is dropped by this. Ok when it does."""
    server = data_server(servers)
    if server is None:
        return failed("the stack has no server with the role data: there is no database")
    reply = fleet.ask_each([server], "final", document, ask)[server.name]
    if not reply.ok:
        return failed(f"{server.name}: {words.clean(reply.problem)}")
    project, until = (words.clean(reply.document.get(key)) for key in ("project", "until"))
    line = f"{project} may be dropped without a final backup until {until}, once: `pulumi up` does it"
    return Result({**reply.document, "server": server.name}, (line,), ())
