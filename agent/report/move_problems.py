"""What is wrong with moves of databases, in words."""

from __future__ import annotations

from collections.abc import Iterator

from agent.documents.errors import Failed
from agent.host.ports import Ports
from agent.moving import record
from agent.report.diagnosis import Problem
from agent.store.turn import held

_LEFT = {
    "copying": "its database is closed where it was",
    "moved": "its database has moved, and its app was not told",
}


def of_moves(ports: Ports) -> Iterator[Problem]:
    """Moves that were cut off and that nobody is at: an app finds its database closed."""
    if held(ports):
        return
    for project in record.lives(ports):
        try:
            move = record.load(ports, project)
        except Failed as error:
            yield Problem(str(error), error.failure.remedy)
            continue
        if move is not None and move.step in _LEFT:
            yield Problem(
                f"{project}: a move to {move.to} by {move.by} was cut off, and {_LEFT[move.step]}",
                f"`codeb move-data {project} --to {move.to}` goes on with it, `--undo` takes it back",
            )
