"""A line in the servers' audit logs on what goes past their agents, such as a deployment that somebody approved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ops import fleet
from ops.access import AccessError, Server
from ops.fleet import Ask


@dataclass(frozen=True)
class Act:
    """What was done, to what, and by whom: one line of at most 200 characters each, `act` one word."""

    act: str
    what: str
    by: str


def note(act: Act, servers: Callable[[], Sequence[Server]], ask: Ask) -> list[str]:
    """Tell each server's audit log; warnings of those that have no line: yet to be made, or with an older agent."""
    try:
        there = servers()
    except AccessError as error:
        return [f"warning: no server's audit log has a line: {error}"]
    document = {"version": 1, "act": act.act, "what": act.what, "by": act.by}
    replies = fleet.ask_each(there, "note", document, ask).values()
    return [
        f"warning: {each.server}'s audit log has no line: {each.problem}" for each in replies if each.problem
    ]
