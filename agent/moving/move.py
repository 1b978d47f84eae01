"""The verb `move`: a project's database goes to the managed service or comes back, and what is remembered of it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, cast

from agent.documents.errors import BadDocument, Failed, Unwritable
from agent.documents.reader import PROJECT, WHY, Reader
from agent.host.ports import Ports
from agent.moving import queries, record, sums
from agent.moving.copying import cleared, copied, refuse_unfit
from agent.moving.record import AT, Move, other
from agent.moving.sides import Sides, load_sides
from agent.moving.work import REMEDY, Told, Work, asked, close, place_of, reopen
from agent.restore.audit import audited
from agent.restore.work import said
from agent.store.turn import turn

Telling = Generator[Told, None, Told]
_LONGEST_WAIT_S: Final = 24 * 3600
_DOC: Final = "docs/managed-data.md"


@dataclass(frozen=True)
class Wanted:
    """What is asked for: a move `to` a side (`dry_run`: whether it would go well), or what is done about the newest one.

    `settle`: the app is where the data is. `undo`: all is as before it; what was written since is given up only with `lose`.
    `forget`: the data that was left behind goes.
    """

    project: str
    act: str
    to: record.Side | None
    lose: bool
    dry_run: bool
    by: str
    wait_s: int


def read_wanted(document: Reader, by: str) -> Wanted:
    """Raises BadDocument."""
    document.version()
    act = document.choice("act", "move", "settle", "undo", "forget")
    found = Wanted(
        project=document.text("project", PROJECT),
        act=act,
        to=cast(record.Side, document.choice("to", "here", "managed")) if act == "move" else None,
        lose=document.flag("lose", False),
        dry_run=document.flag("dry_run", False),
        by=document.text("by", WHY, default="") or by,
        wait_s=document.whole("wait_s", 0, _LONGEST_WAIT_S, 0),
    )
    document.end()
    if found.lose and act != "undo":
        raise BadDocument("lose", "is for undo")
    return found


def move(ports: Ports, document: Reader, by: str) -> Telling:
    """Tells phases; unless the answer is ok the app's database is open where it was.

    Raises BadDocument, Failed, Unwritable.
    """
    wanted = read_wanted(document, by)
    ports.asker.watch()
    with turn(ports, "move", wanted.by, wanted.wait_s):
        sides = load_sides(ports)
        known = record.load(ports, wanted.project)
        if wanted.act == "move":
            return (yield from _moved(ports, sides, known, wanted))
        if known is None:
            raise Failed("look", f"{wanted.project} was never moved", "`codeb move-data` moves it")
        act = {"settle": _settled, "undo": _undone, "forget": _forgotten}[wanted.act]
        return act(ports, sides, known, wanted)


def _work(ports: Ports, sides: Sides, project: str, to: record.Side, by: str) -> Work:
    return Work(ports, sides.database(project), sides.of(other(to)), sides.of(to), by)


def _moved(ports: Ports, sides: Sides, known: Move | None, wanted: Wanted) -> Telling:
    begun, to = ports.clock.monotonic(), cast(record.Side, wanted.to)
    work = _work(ports, sides, wanted.project, to, wanted.by)
    yield work.told("look")
    if known is not None and known.lives == to:
        return _already(known)
    if known is not None and known.step == "copying" and known.to != to:
        raise Failed(
            "look",
            f"a move to {known.to} was begun and not ended",
            f"`codeb move-data {wanted.project} --undo`",
        )
    if not sides.trusted:
        raise Failed(
            "look",
            "the service's certificate is not known",
            f"write codeb:managed.postgres.ca, then `pulumi up` ({_DOC})",
        )
    size, warnings = refuse_unfit(work)
    facts: Told = {
        "ok": True,
        "end": True,
        "project": wanted.project,
        "to": to,
        "size": size,
        "warnings": warnings,
    }
    if wanted.dry_run:
        return {**facts, "dry_run": True}
    made = yield from _carried(work, known, wanted.by, size)
    audited(ports, wanted.project, "move", f"database to {to}", wanted.by)
    seconds = round(ports.clock.monotonic() - begun, 1)
    return {
        **facts,
        "rows": made.rows,
        "closed": made.closed,
        "step": made.step,
        "seconds": seconds,
        "changed": True,
    }


def _carried(work: Work, known: Move | None, by: str, size: int) -> Generator[Told, None, Move]:
    """Closed from the first step on: whatever happens short of a kill opens the source again. Raises Failed."""
    project, to = work.database.project, work.target.name
    resumed = known is not None and known.step == "copying"
    closed = known.closed if known and resumed else f"{work.ports.clock.now():{AT}}"
    begun = record.note(work.ports, Move(project, to, "copying", by, closed))
    done = False
    try:
        yield work.told("close")
        close(work, work.source)
        found = yield from copied(work, size)
        made = record.note(work.ports, replace(begun, step="moved", sums=found.text, rows=found.rows))
        done = True
        return made
    except Failed as error:
        back = _as_before(work, known if not resumed else None)
        done = True
        error.failure = error.failure.but_put_back(back)
        raise
    finally:
        if not done:
            _as_before(work, known if not resumed else None)


def _as_before(work: Work, known: Move | None) -> str:
    """The app's database is open where it was; in words."""
    if problem := reopen(work, work.source):
        return problem
    try:
        if known is None:
            record.forget(work.ports, work.database.project)
        else:
            record.note(work.ports, known)
    except Unwritable as error:
        work.ports.journal.log(f"move: {error}")
    return "the database is open where it was"


def _settled(ports: Ports, sides: Sides, known: Move, wanted: Wanted) -> Told:
    """The app has been told: the move is over."""
    if known.step not in ("moved", "settled"):
        raise Failed(
            "look", f"the newest move of {wanted.project} is {known.step}", "`codeb move-data` moves it"
        )
    changed = known.step == "moved"
    if changed:
        record.note(ports, replace(known, step="settled"))
    seconds = (ports.clock.now() - datetime.strptime(known.closed, AT).replace(tzinfo=UTC)).total_seconds()
    answer: Told = {"ok": True, "end": True, "project": known.project, "to": known.to, "rows": known.rows}
    return {**answer, "changed": changed, **({"closed_s": round(seconds)} if changed else {})}


def _undone(ports: Ports, sides: Sides, known: Move, wanted: Wanted) -> Told:
    """The side that was left serves again. Raises Failed when the other one was written to."""
    work = _work(ports, sides, wanted.project, known.to, wanted.by)
    answer: Told = {"ok": True, "end": True, "project": known.project, "to": other(known.to)}
    if known.step == "returned":
        return {**answer, "changed": False}
    if known.step == "copying":
        cleared(work)
    else:
        if not known.old:
            remedy = f"`codeb move-data {wanted.project} --to {other(known.to)}` moves it back"
            raise Failed("undo", f"what was {place_of(other(known.to))} is removed", remedy)
        _closed(work, lose=wanted.lose)
        if not wanted.lose:
            _refuse_written(work, known)
    if problem := reopen(work, work.source):
        raise Failed("undo", problem, "run again", put_back="nothing: it goes on where it was")
    record.note(ports, replace(known, step="returned"))
    audited(ports, wanted.project, "move-undo", f"database back to {other(known.to)}", wanted.by)
    return {**answer, "changed": True}


def _closed(work: Work, *, lose: bool) -> None:
    """The side that was filled, unless it can't be reached and what it has is given up. Raises Failed."""
    try:
        close(work, work.target)
    except Failed as error:
        if not lose:
            raise
        work.ports.journal.log(f"move: {work.target.name} is not closed: {error}")


def _refuse_written(work: Work, known: Move) -> None:
    """Raises Failed, and lets the app in again, unless the side that was filled is as it was then."""
    try:
        same = sums.taken(work.ports, work.target, work.database.name).text == known.sums
    except Failed:
        reopen(work, work.target)
        raise
    if same:
        return
    problem = reopen(work, work.target)
    raise Failed(
        "undo",
        f"{work.database.name} {place_of(known.to)} was written to since",
        f"`codeb move-data {known.project} --to {other(known.to)}` brings that along; `--undo --lose-writes` gives it up",
        put_back=problem or "the database is open where it is",
    )


def _forgotten(ports: Ports, sides: Sides, known: Move, wanted: Wanted) -> Told:
    """What was left behind becomes an empty database. Raises Failed before the app is at the other one."""
    if known.step not in ("settled", "returned"):
        raise Failed(
            "forget",
            f"the move to {known.to} is not over",
            f"`codeb move-data {wanted.project} --to {known.to}` ends it",
        )
    gone = other(known.lives)
    work = _work(ports, sides, wanted.project, gone, wanted.by)
    database, answer = work.database, {"ok": True, "end": True, "project": known.project, "side": gone}
    if not known.old:
        return {**answer, "changed": False}
    record.note(ports, replace(known, old=False))
    with said("forget", REMEDY):
        asked(ports, work.target, queries.create(database.name, database.filled, database.owner))
        asked(ports, work.target, queries.place(database.filled, database.name))
    audited(ports, wanted.project, "move-forget", f"database {gone} is empty", wanted.by)
    return {**answer, "changed": True}


def _already(known: Move) -> Told:
    """Done before: perhaps the app has not been told yet."""
    answer: Told = {"ok": True, "end": True, "project": known.project, "to": known.to, "rows": known.rows}
    return {**answer, "changed": False, "step": known.step, "closed": known.closed, "warnings": []}
