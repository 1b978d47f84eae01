"""`open`: the address of a project, in a browser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ops import fleet, words
from ops.access import Server
from ops.fleet import Ask
from ops.result import Result


def address(project: str, stack: str, servers: Sequence[Server], ask: Ask) -> Result:
    """The URL by which visitors reach what serves, as its servers say; ok when one of them serves it."""
    replies = list(fleet.ask_each(servers, "status", {"version": 1, "project": project}, ask).values())
    found = [each for reply in replies for each in fleet.projects(reply)]
    domains = [str(each["domain"]) for each in found if each.get("domain")]
    if domains:
        url = f"https://{domains[0]}/"
        return Result(
            {"ok": True, "project": project, "url": url, "status": _status(found)}, (words.clean(url),)
        )
    problems = [f"{words.clean(r.server)}: {words.clean(r.problem)}" for r in replies if not r.ok]
    answered = [words.clean(reply.server) for reply in replies if reply.ok]
    if answered:
        problems.append(words.nowhere(project, stack, answered))
    return Result({"ok": False, "project": project, "url": None}, problems=tuple(problems))


def _status(found: Sequence[Mapping[str, Any]]) -> str:
    return str(found[0].get("status", "unknown"))
