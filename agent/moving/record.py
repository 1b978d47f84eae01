"""What this host remembers of a project's moves (`/var/lib/codeb/moves/<project>.json`): written before each step.

So whoever finds it knows where the data is, and what was begun and not ended.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Final, Literal, cast, get_args

from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import PROJECT, Reader
from agent.host import paths
from agent.host.ports import Ports

Side = Literal["here", "managed"]
Step = Literal["copying", "moved", "settled", "returned"]
AT: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Move:
    """The newest move of a project, to `to`.

    `copying`: the other side is closed, and has the data. `moved`: `to` has it, the app does not know. `settled`: it does.
    `returned`: it was taken back, the other side has the data. `sums` is what `to` was as it was filled, `closed` since when
    the app could not write. `old` says whether the side that was left still has its data.
    """

    project: str
    to: Side
    step: Step
    by: str
    closed: str
    sums: str = ""
    rows: int = 0
    old: bool = True

    @property
    def lives(self) -> Side:
        """Where the data is."""
        return self.to if self.step in ("moved", "settled") else other(self.to)


def other(side: Side) -> Side:
    return "here" if side == "managed" else "managed"


def load(ports: Ports, project: str) -> Move | None:
    """None when it was never moved. Raises Failed."""
    path = f"{paths.MOVES}/{project}.json"
    content = ports.files.read(path)
    if content is None:
        return None
    try:
        return _read(Reader(json.loads(content), ""))
    except (ValueError, BadDocument) as error:
        remedy = "see docs/managed-data.md (By hand), then delete it"
        raise Failed("look", f"{path} can't be read: {error}", remedy) from None


def note(ports: Ports, made: Move) -> Move:
    """The next step begins: remembered before it does. Raises Unwritable."""
    document = {"version": 1, **asdict(made)}
    path = f"{paths.MOVES}/{made.project}.json"
    ports.files.write(path, json.dumps(document, indent=1).encode() + b"\n", 0o600)
    ports.journal.log(f"move of {made.project} to {made.to}: {made.step}")
    return made


def forget(ports: Ports, project: str) -> None:
    """There was no move."""
    ports.files.remove(f"{paths.MOVES}/{project}.json")


def lives(ports: Ports) -> dict[str, Side]:
    """Where the data of each project is that was ever moved. One whose record can't be read is in the journal alone."""
    found: dict[str, Side] = {}
    for name in ports.files.listing(paths.MOVES):
        project, dot, kind = name.partition(".")
        if not dot or kind != "json" or not PROJECT.fullmatch(project):
            continue
        try:
            move = load(ports, project)
        except Failed as error:
            ports.journal.log(f"status: {error.failure.cause}")
            continue
        if move is not None:
            found[project] = move.lives
    return found


def _read(reader: Reader) -> Move:
    reader.version()
    found = Move(
        project=reader.text("project", PROJECT),
        to=cast(Side, reader.choice("to", *get_args(Side))),
        step=cast(Step, reader.choice("step", *get_args(Step))),
        by=reader.text("by"),
        closed=reader.text("closed"),
        sums=reader.text("sums"),
        rows=reader.whole("rows", 0, 1 << 62),
        old=reader.flag("old"),
    )
    reader.end()
    return found
