"""Two databases change places, in one statement that goes to its end, behind Caddy's hold; and back."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from agent.backup import aside, programs
from agent.backup.aside import Note
from agent.backup.snapshot import Image
from agent.documents.errors import Failed, Unwritable
from agent.edge import drain
from agent.host.pipes import PipeBroken
from agent.host.ports import Ports
from agent.restore import queries
from agent.restore.work import Target, refused, said
from agent.store.settings import Settings

_OVER: Final = f"\\echo '{queries.OVER}'\n"


@dataclass(frozen=True)
class Swapped:
    """How long the database was closed, and whether requests to this host waited meanwhile."""

    milliseconds: int
    held: bool


def restored(ports: Ports, settings: Settings, image: Image, target: Target, note: Note) -> Swapped:
    """What was filled is the live one, which is kept. What an earlier restore has put aside goes. Raises Failed."""
    if target.kept is not None:
        with said("swap"):
            aside.drop(ports, settings.server, image, target.before)
    live = target.live.name
    return _swapped(ports, settings, image, target, [(live, target.before), (target.new, live)], note)


def undone(ports: Ports, settings: Settings, image: Image, target: Target, note: Note) -> Swapped:
    """What was put aside is the live one again, which is kept in its place. Raises Failed."""
    live = target.live.name
    renames = [(live, target.new), (target.before, live), (target.new, target.before)]
    return _swapped(ports, settings, image, target, renames, note)


def _swapped(
    ports: Ports, settings: Settings, image: Image, target: Target, renames: list[tuple[str, str]], note: Note
) -> Swapped:
    live = target.live.name
    meanwhile = Note("swapping", note.what, note.by, note.at)
    text = queries.swap(live, renames, target.before, note.text(), meanwhile.text())
    argv = programs.psql(settings.server, image.id, "restore-swap", programs.ADMIN)
    problem: PipeBroken | None = None
    with said("swap"), ports.pipes.session(argv) as talk:
        talk.ask(_OVER, queries.OVER)  # it takes a moment to log in: not while requests wait
        with drain.held(ports) as held:
            begun = ports.clock.monotonic()
            try:
                talk.ask(text + _OVER, queries.OVER)
            except PipeBroken as error:
                problem = error
            took = ports.clock.monotonic() - begun
    with said("swap"):
        found = aside.look(ports, settings.server, image, (live, target.before))
    now = found.get(target.before)
    if now is None or now.note != note:
        remedy = "the live database is open as before; the log has what PostgreSQL said; run again"
        raise (
            refused("swap", problem, remedy)
            if problem
            else Failed("swap", "the names are as they were", remedy)
        )
    with suppress(Unwritable):  # the next backup notes it
        aside.remembered(ports, target.project, now)
    return Swapped(round(took * 1000), held)
