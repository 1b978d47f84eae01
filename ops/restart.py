"""`restart`: what serves starts anew on every server that has the project, one server after the other."""

from __future__ import annotations

from collections.abc import Sequence

from ops import fleet, words
from ops.access import Server
from ops.fleet import Ask, Reply
from ops.result import Result


def restart(project: str, by: str, why: str, servers: Sequence[Server], ask: Ask) -> Result:
    """Start the serving release anew; ok when all servers that have the project did. It stops at the first that fails.

    Args:
        by: who asks.
        why: what they say of it, "" for nothing.
    """
    asked = fleet.ask_each(servers, "status", {"version": 1, "project": project}, ask)
    have = [server for server in servers if not asked[server.name].ok or fleet.projects(asked[server.name])]
    replies: list[Reply] = []
    for server in have:
        reply = asked[server.name]
        if reply.ok:
            document = {"version": 1, "project": project, "by": by, **({"why": why} if why else {})}
            reply = fleet.ask_each([server], "restart", document, ask)[server.name]
        replies.append(reply)
        if not reply.ok:
            break
    waiting = [server.name for server in have[len(replies) :]]
    document = {
        "ok": bool(replies) and all(reply.ok for reply in replies),
        "project": project,
        "by": by,
        "why": why,
        "servers": [_entry(reply) for reply in replies],
        "not_asked": waiting,
    }
    lines = [line for reply in replies if reply.ok for line in words.moved(project, reply)]
    return Result(document, tuple(lines), tuple(_problems(project, servers, replies, waiting)))


def _entry(reply: Reply) -> dict[str, object]:
    return {
        "server": reply.server,
        "ok": reply.ok,
        "release": reply.document.get("release") if reply.ok else None,
        "problem": reply.problem,
        "warnings": reply.document.get("warnings", []),
    }


def _problems(
    project: str, servers: Sequence[Server], replies: Sequence[Reply], waiting: Sequence[str]
) -> list[str]:
    if not replies:
        return [f"{project} has no release on {', '.join(words.clean(server.name) for server in servers)}"]
    lines = [line for reply in replies if not reply.ok for line in words.moved(project, reply)]
    if waiting:
        lines.append(f"not asked any more: {', '.join(map(words.clean, waiting))}")
    return lines
