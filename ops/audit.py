"""A line in the servers' audit logs on what goes past their agents, such as a deployment that somebody approved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ops import fleet
from ops.access import AccessError, Server
from ops.fleet import Ask


@dataclass(frozen=True)
class Act:
    """What was done, to what, by whom and why: one line of at most 200 characters each, `act` one word."""

    act: str
    what: str
    by: str
    why: str = ""


def note(act: Act, servers: Callable[[], Sequence[Server]], ask: Ask) -> list[str]:
    """Tell each server's audit log; warnings of those that have no line: yet to be made, or with an older agent."""
    try:
        there = servers()
    except AccessError as error:
        return [f"warning: no server's audit log has a line: {error}"]
    document: dict[str, object] = {"version": 1, "act": act.act, "what": act.what, "by": act.by}
    document |= {"why": act.why} if act.why else {}
    replies = fleet.ask_each(there, "note", document, ask).values()
    return [
        f"warning: {each.server}'s audit log has no line: {each.problem}" for each in replies if each.problem
    ]
