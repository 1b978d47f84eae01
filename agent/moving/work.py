"""One move: from which side to which, of which database, and what its programs say when they fail."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from agent.documents.errors import Failed
from agent.host.pipes import PipeBroken
from agent.host.ports import Ports
from agent.moving import queries, record
from agent.moving.sides import Database, Side
from agent.restore.work import said

Told = dict[str, object]
REMEDY = "`journalctl -u postgres` and Vultr's console may say more; run again"


@dataclass(frozen=True)
class Found:
    """A server's major version, and what there is of a database: bytes on disk, its owner, who else may log in."""

    major: int
    there: bool
    size: int
    owner: str
    others: tuple[str, ...]


@dataclass(frozen=True)
class Work:
    """`source` is left, `target` is filled."""

    ports: Ports
    database: Database
    source: Side
    target: Side
    by: str

    def told(self, phase: str, **more: object) -> Told:
        return {"project": self.database.project, "phase": phase, **more}


def asked(ports: Ports, side: Side, text: str, database: str = "") -> list[str]:
    """The lines that psql answers the administrator of a side. Raises PipeBroken."""
    answer = b"".join(ports.pipes.flow([side.psql(database)], [text.encode()])).decode("utf-8", "replace")
    return [line for line in answer.split("\n") if line]


def looked(work: Work, side: Side) -> Found:
    """What there is on a side. Raises Failed."""
    with said("look", REMEDY):
        lines = asked(work.ports, side, queries.look(work.database.name))
    try:
        document: dict[str, Any] = json.loads(lines[0])
        return Found(
            int(document["version"]),
            bool(document["there"]),
            int(document["size"]),
            str(document["owner"]),
            tuple(map(str, document["others"])),
        )
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise Failed("look", f"an answer of {side.name} can't be read: {error}", REMEDY) from None


def close(work: Work, side: Side) -> None:
    """Nobody but administrators is in the database, nor comes in. Raises Failed."""
    with said("close", REMEDY):
        asked(work.ports, side, queries.close(work.database.name, work.database.owner))


def reopen(work: Work, side: Side) -> str:
    """Let the app in again; why that failed, "" when it did not."""
    try:
        asked(work.ports, side, queries.reopen(work.database.name, work.database.owner))
    except PipeBroken as error:
        work.ports.journal.log(f"move: {work.database.name} of {side.name} can't be opened again: {error}")
        return f"{work.database.name} ({side.name}) is closed still: `codeb move-data {work.database.project} --undo`"
    return ""


def place_of(side: record.Side) -> str:
    """A side in words."""
    return "on this server" if side == "here" else "at the managed service"
