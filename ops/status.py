"""`status`: what serves on the stack's servers, since when and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ops import fleet, words
from ops.access import Server
from ops.fleet import Ask, Reply
from ops.result import Result


def status(project: str, stack: str, servers: Sequence[Server], ask: Ask) -> Result:
    """What all servers say; `project` is "" for all projects.

    It is ok when every server answered, and every project asked for is there and healthy, its workers included.
    """
    document: dict[str, object] = {"version": 1, **({"project": project} if project else {})}
    replies = list(fleet.ask_each(servers, "status", document, ask).values())
    found = [(reply, each) for reply in replies for each in fleet.projects(reply)]
    healthy = all(each.get("status") == "healthy" and not words.idle_workers(each) for _, each in found)
    well = healthy and all(reply.ok for reply in replies) and bool(found or not project)
    return Result(
        _document(replies, well),
        tuple([*_lines(project, found), *_backups(project, replies)]),
        tuple(_problems(project, stack, replies, bool(found))),
    )


def _document(replies: Sequence[Reply], well: bool) -> dict[str, object]:
    """Each server's own answer, or why there is none."""
    return {
        "ok": well,
        "servers": [
            {
                "server": reply.server,
                "ok": reply.ok,
                "problem": reply.problem,
                "host": reply.document.get("host"),
                "projects": fleet.projects(reply),
                **({"backups": reply.document["backups"]} if reply.document.get("backups") else {}),
            }
            for reply in replies
        ],
    }


def _lines(project: str, found: Sequence[tuple[Reply, Mapping[str, Any]]]) -> list[str]:
    if not found:
        return []
    if not project:
        return words.overview([(reply.server, each, _now(reply)) for reply, each in found])
    blocks = [words.project_status(each, reply.server, _now(reply)) for reply, each in found]
    return [line for number, block in enumerate(blocks) for line in ([""] if number else []) + block]


def _backups(project: str, replies: Sequence[Reply]) -> list[str]:
    """Of one project all that is known, of several what is wrong."""
    found = {key: (facts, _now(reply)) for reply in replies for key, facts in fleet.backups(reply).items()}
    if project:
        mine = found.get(project)
        return ["", *words.backup(*mine)] if mine else []
    wrong = [(key, words.backup_wrong(facts)) for key, (facts, _) in sorted(found.items())]
    lines = [f"backup of {words.clean(key)}: {problem}" for key, problem in wrong if problem]
    return ["", *lines] if lines else []


def _problems(project: str, stack: str, replies: Sequence[Reply], found: bool) -> list[str]:
    lines = [
        f"{words.clean(reply.server)}: {words.clean(reply.problem)}" for reply in replies if not reply.ok
    ]
    answered = [words.clean(reply.server) for reply in replies if reply.ok]
    if answered and not found:
        lines.append(
            words.nowhere(project, stack, answered) if project else f"no project on {', '.join(answered)}"
        )
    return lines


def _now(reply: Reply) -> str:
    """The host's own time, so that clocks that differ don't matter."""
    host = reply.document.get("host")
    return str(host.get("time", "")) if isinstance(host, dict) else ""
