"""`rollback`: the previous release serves again on every server that has the project, or the withdrawn one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from ops import fleet, words
from ops.access import Server
from ops.fleet import Ask, Reply
from ops.result import Result


@dataclass(frozen=True)
class Wanted:
    """What is asked for. `by` is who asks, `why` what he says of it, for the audit log."""

    project: str
    stack: str
    by: str
    forward: bool = False
    why: str = ""


def rollback(wanted: Wanted, servers: Sequence[Server], ask: Ask) -> Result:
    """Roll back; it is ok when all servers that have the project moved (or had already)."""
    started = time.monotonic()
    replies = move(wanted, servers, ask)
    seconds = time.monotonic() - started
    return _result(wanted, replies, seconds)


def move(wanted: Wanted, servers: Sequence[Server], ask: Ask) -> list[Reply]:
    """The reply of each server that has the project, or that can't tell; none when nobody has it.

    A single server is told at once. Several are asked first which of them have the project, and where it is.
    """
    document: dict[str, object] = {"version": 1, "project": wanted.project, "by": wanted.by}
    if wanted.forward:
        document["forward"] = True
    if wanted.why:
        document["why"] = wanted.why
    if len(servers) == 1:
        return list(fleet.ask_each(servers, "rollback", document, ask).values())
    asked = fleet.ask_each(servers, "status", {"version": 1, "project": wanted.project}, ask)
    found = {name: each for name, reply in asked.items() for each in fleet.projects(reply)}
    chosen = list(found) if wanted.forward else fleet.to_roll_back(found)
    told = [server for server in servers if server.name in chosen]
    moved = fleet.ask_each(told, "rollback", document, ask) if told else {}
    stay = {name: _stays(asked[name], found[name]) for name in found if name not in chosen}
    lost = {name: reply for name, reply in asked.items() if not reply.ok}
    return [reply for _, reply in sorted({**stay, **lost, **moved}.items())]


def _stays(asked: Reply, status: object) -> Reply:
    """A server that serves already what the others go back to."""
    release = status.get("release") if isinstance(status, dict) else None
    return Reply(asked.server, document={"release": release, "changed": False, "warnings": []})


def _document(wanted: Wanted, replies: Sequence[Reply], seconds: float) -> dict[str, object]:
    return {
        "ok": bool(replies) and all(reply.ok for reply in replies),
        "project": wanted.project,
        "forward": wanted.forward,
        "by": wanted.by,
        "half": any(reply.ok for reply in replies) and not all(reply.ok for reply in replies),
        "seconds": round(seconds, 3),
        "servers": [
            {
                "server": reply.server,
                "ok": reply.ok,
                "changed": bool(reply.document.get("changed")) if reply.ok else False,
                "release": reply.document.get("release"),
                "problem": reply.problem,
                "warnings": reply.document.get("warnings", []),
            }
            for reply in replies
        ],
    }


def _result(wanted: Wanted, replies: Sequence[Reply], seconds: float) -> Result:
    lines = [line for reply in replies if reply.ok for line in words.moved(wanted.project, reply)]
    problems = [line for reply in replies if not reply.ok for line in words.moved(wanted.project, reply)]
    problems += words.half(wanted.project, wanted.stack, replies, forward=wanted.forward)
    if not replies:
        problems.append(words.nowhere(wanted.project, wanted.stack, ["any server"]))
    done = [reply for reply in replies if reply.ok]
    if done and not problems:
        release = done[0].document.get("release") or {}
        lines += words.afterwards(
            wanted.project, wanted.stack, str(release.get("image", "?")), forward=wanted.forward
        )
        lines.append(f"{seconds:.1f} s")
    return Result(_document(wanted, replies, seconds), tuple(lines), tuple(problems))
