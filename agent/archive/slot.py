"""What to do about the slot and the receiver, from what PostgreSQL and the disk say. Pure: facts in, steps out.

The slot keeps WAL until the receiver has it, up to a limit (`max_slot_wal_keep_size`): past it PostgreSQL gives the slot up,
not its disk, and what was in between is in no archive. Then a new slot and a new base backup begin anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

NAME: Final = "codeb_archive"
"""Of the slot, and of the role that the receiver logs in as."""
LEAST_FREE: Final = 0.15
"""Share of the disk that stays free for the database, which has its data on the same one; of a large disk MOST_KEPT."""
FREE_AGAIN: Final = 0.2
MOST_KEPT: Final = 8 << 30

Step = Literal["create", "recreate", "stop", "start"]


@dataclass(frozen=True)
class Facts:
    """`status` as `pg_replication_slots.wal_status` has it, "" when there is no slot. `spool`, `behind`, `free` on a disk of
    `disk`: bytes."""

    status: str
    spool: int
    free: int
    disk: int
    receiving: bool
    behind: int = 0


@dataclass(frozen=True)
class Decision:
    """Steps in their order, and what a person has to know ("" for nothing)."""

    steps: tuple[Step, ...] = ()
    problem: str = ""


def decide(facts: Facts, most_spool: int) -> Decision:
    """What to do now. `most_spool`: bytes that may wait in the spool.

    A receiver that was stopped for want of room starts again when half of the spool is empty and a third more of the disk
    free: at the limit itself it would start and stop with every segment.
    """
    full = _full(facts, most_spool)
    if facts.status in ("", "lost"):
        return _anew(facts, full)
    if full:
        return Decision(("stop",) if facts.receiving else (), full)
    return Decision(() if facts.receiving else ("start",), _behind(facts))


def least_free(disk: int, share: float = LEAST_FREE) -> int:
    """Bytes of a disk that stay free."""
    return int(min(share * disk, MOST_KEPT * share / LEAST_FREE))


def _anew(facts: Facts, full: str) -> Decision:
    step: Step = "recreate" if facts.status else "create"
    lost = "PostgreSQL has given the archive's slot up: from then until the next base backup nothing can be restored"
    problem = lost if facts.status else ""
    if full:  # a slot that nobody reads from would be lost again
        return Decision(("stop",) if facts.receiving else (), "; ".join(filter(None, (problem, full))))
    return Decision((step, "start"), problem)


def _full(facts: Facts, most_spool: int) -> str:
    again = least_free(facts.disk, FREE_AGAIN)
    least, most = (least_free(facts.disk), most_spool) if facts.receiving else (again, most_spool // 2)
    if facts.free < least:
        return (
            f"the disk has {facts.free >> 20} MiB free: WAL isn't taken over until it has {again >> 20} MiB"
        )
    if facts.spool > most:
        return f"{facts.spool >> 20} MiB of WAL wait for a store: no more is taken over until half of them are there"
    return ""


def _behind(facts: Facts) -> str:
    if facts.status != "unreserved":
        return ""
    return f"the receiver is {facts.behind >> 20} MiB behind: PostgreSQL is about to give its slot up"
