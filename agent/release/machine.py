"""A release and a rollback as one pure state machine: `decide(state, event) → (state, commands)`.

The whole table is here. Effects are in `perform`; `release` runs the commands of a step, reports one event.

One rule makes it safe to kill at any moment: before the first file changes, the undo file holds every file as
it was (`open undo`), and until it is removed (`commit`) the old colour runs, starts at boot, has its files.
So a failure and a kill take the same road: what an undo file is found for is put back, then the document is
carried out from the start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from agent.documents.errors import Failure
from agent.host.paths import Colour, other


class Phase(StrEnum):
    """Where a release stands. The last three are ends."""

    OBSERVE = "observe"
    PULL = "pull"
    CHECK = "check"
    PREPARE = "prepare"
    CACHE = "cache"
    JOB = "job"
    START = "start"
    HEALTH = "health"
    WORKERS = "workers"
    CANARY = "canary"
    EDGE = "edge"
    RESUME = "resume"
    REVIVE = "revive"
    SWITCH = "switch"
    PROBE = "probe"
    RELIEVE = "relieve"
    SETTLE = "settle"
    PUT_BACK = "put-back"
    RELEASED = "released"
    UNCHANGED = "unchanged"
    FAILED = "failed"


ENDS: Final = frozenset({Phase.RELEASED, Phase.UNCHANGED, Phase.FAILED})


class Kind(StrEnum):
    """What can happen. All but `done` and `failed` are what observing (or pulling) found."""

    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"  # an earlier run was killed: its undo file is there
    SAME = "same"  # the active colour runs this very release and is healthy
    SITE = "site"  # the same, but Caddy's site differs
    NEW = "new"  # another release, or the active colour isn't healthy
    STANDING = "standing"  # the other colour holds what is wanted, still runs and is healthy
    STOPPED = "stopped"  # the other colour holds what is wanted and must be started
    NOTHING = "nothing"  # rollback: already rolled back
    RESTART = "restart"  # what serves is to be started anew
    STEP = "step"  # a step of the canary went well, and another one follows


class Verb(StrEnum):
    """Commands without an argument but the colour they act on."""

    OBSERVE = "observe"
    PUT_BACK = "put back"
    PULL = "pull"
    GRANT_CACHE = "grant cache"
    RUN_JOB = "run job"
    CHECK_SITE = "check site"
    CHOOSE_PORT = "choose port"
    CLEAR_PORT = "clear port"
    CANCEL_STANDBY = "cancel standby"
    OPEN_UNDO = "open undo"
    START_NOT_AT_BOOT = "not at boot"
    STOP = "stop"
    WRITE = "write"
    START = "start"
    AWAIT_HEALTH = "await health"
    START_WORKERS = "start workers"
    LOOK_AT_WORKERS = "look at workers"
    RELIEVE_WORKERS = "relieve workers"
    END_WORKERS = "end workers"
    SHIFT = "shift"
    START_AT_BOOT = "at boot"
    POINT = "point"
    END_CANARY = "end canary"
    WRITE_SITE = "write site"
    PROBE = "probe"
    COMMIT = "commit"
    CRON = "cron"
    STAND_BY = "stand by"
    PRUNE = "prune"


@dataclass(frozen=True)
class Command:
    """One thing to do to one colour."""

    verb: Verb
    colour: Colour


@dataclass(frozen=True)
class Event:
    """What happened. `active` and `target` come with what observing found, `failure` with `failed`."""

    kind: Kind
    active: Colour | None = None
    target: Colour | None = None
    failure: Failure | None = None


@dataclass(frozen=True)
class State:
    """Where the release stands. `target` is the colour that is to serve, `active` the one that serves."""

    phase: Phase = Phase.OBSERVE
    active: Colour | None = None
    target: Colour = "blue"
    failure: Failure | None = None


@dataclass(frozen=True)
class Row:
    """A line of the table: the next phase and what is done on entering it, to the target and to the other."""

    phase: Phase
    verbs: tuple[Verb, ...] = ()
    on_other: tuple[Verb, ...] = ()


_PULL: Final = Row(Phase.PULL, (Verb.PULL,))
_CACHE: Final = Row(Phase.CACHE, (Verb.GRANT_CACHE,))
_CHECK: Final = Row(Phase.CHECK, (Verb.CHECK_SITE, Verb.CHOOSE_PORT))
_PREPARE: Final = Row(
    Phase.PREPARE,
    (
        *(Verb.CANCEL_STANDBY, Verb.OPEN_UNDO, Verb.CLEAR_PORT, Verb.START_NOT_AT_BOOT),
        *(Verb.END_WORKERS, Verb.STOP, Verb.WRITE),
    ),
)
_JOB: Final = Row(Phase.JOB, (Verb.RUN_JOB,))
_START: Final = Row(Phase.START, (Verb.START,))
_HEALTH: Final = Row(Phase.HEALTH, (Verb.AWAIT_HEALTH,))
_WORKERS: Final = Row(Phase.WORKERS, (Verb.START_WORKERS, Verb.LOOK_AT_WORKERS))
_CANARY: Final = Row(Phase.CANARY, (Verb.START_AT_BOOT, Verb.SHIFT))
_EDGE: Final = Row(Phase.EDGE, (Verb.CHECK_SITE, Verb.OPEN_UNDO, Verb.GRANT_CACHE))
_RESUME: Final = Row(Phase.RESUME, (Verb.CANCEL_STANDBY, Verb.OPEN_UNDO, Verb.GRANT_CACHE, Verb.START))
_REVIVE: Final = Row(Phase.REVIVE, (Verb.CANCEL_STANDBY, Verb.OPEN_UNDO, Verb.CLEAR_PORT, Verb.GRANT_CACHE))
_SWITCH: Final = Row(Phase.SWITCH, (Verb.START_AT_BOOT, Verb.POINT, Verb.END_CANARY, Verb.WRITE_SITE))
_PROBE: Final = Row(Phase.PROBE, (Verb.PROBE,))
_TAKE_OVER: Final = (Verb.START_WORKERS, Verb.RELIEVE_WORKERS)
_RELIEVE: Final = Row(Phase.RELIEVE, _TAKE_OVER)
_SETTLE: Final = Row(
    Phase.SETTLE,
    (Verb.COMMIT, Verb.START_AT_BOOT, Verb.CRON),
    (Verb.START_NOT_AT_BOOT, Verb.END_WORKERS, Verb.STAND_BY, Verb.PRUNE),
)
_SAME: Final = Row(Phase.SETTLE, (Verb.GRANT_CACHE, *_SETTLE.verbs, *_TAKE_OVER), _SETTLE.on_other)
_PUT_BACK: Final = Row(Phase.PUT_BACK, (Verb.PUT_BACK, Verb.PRUNE))
_FAILED: Final = Row(Phase.FAILED)

TABLE: Final[Mapping[tuple[Phase, Kind], Row]] = {
    (Phase.OBSERVE, Kind.INTERRUPTED): Row(Phase.OBSERVE, (Verb.PUT_BACK, Verb.OBSERVE)),
    (Phase.OBSERVE, Kind.SAME): _SAME,
    (Phase.OBSERVE, Kind.SITE): _EDGE,
    (Phase.OBSERVE, Kind.NEW): _PULL,
    (Phase.OBSERVE, Kind.STANDING): _RESUME,
    (Phase.OBSERVE, Kind.STOPPED): _REVIVE,
    (Phase.OBSERVE, Kind.RESTART): _CHECK,
    (Phase.OBSERVE, Kind.NOTHING): Row(Phase.UNCHANGED),
    (Phase.OBSERVE, Kind.FAILED): _FAILED,
    (Phase.PULL, Kind.DONE): _CHECK,
    (Phase.PULL, Kind.SAME): _SAME,
    (Phase.PULL, Kind.SITE): _EDGE,
    (Phase.PULL, Kind.STANDING): _RESUME,
    (Phase.PULL, Kind.STOPPED): _REVIVE,
    (Phase.PULL, Kind.FAILED): _FAILED,
    (Phase.CHECK, Kind.DONE): _PREPARE,
    (Phase.CHECK, Kind.FAILED): _FAILED,
    (Phase.PREPARE, Kind.DONE): _CACHE,
    (Phase.PREPARE, Kind.FAILED): _PUT_BACK,
    (Phase.CACHE, Kind.DONE): _JOB,
    (Phase.CACHE, Kind.FAILED): _PUT_BACK,
    (Phase.JOB, Kind.DONE): _START,
    (Phase.JOB, Kind.FAILED): _PUT_BACK,
    (Phase.START, Kind.DONE): _HEALTH,
    (Phase.START, Kind.FAILED): _PUT_BACK,
    (Phase.HEALTH, Kind.DONE): _WORKERS,
    (Phase.HEALTH, Kind.FAILED): _PUT_BACK,
    (Phase.WORKERS, Kind.DONE): _CANARY,
    (Phase.WORKERS, Kind.FAILED): _PUT_BACK,
    (Phase.CANARY, Kind.STEP): _CANARY,
    (Phase.CANARY, Kind.DONE): _SWITCH,
    (Phase.CANARY, Kind.FAILED): _PUT_BACK,
    (Phase.EDGE, Kind.DONE): _SWITCH,
    (Phase.EDGE, Kind.FAILED): _PUT_BACK,
    (Phase.RESUME, Kind.DONE): _SWITCH,
    (Phase.RESUME, Kind.FAILED): _PUT_BACK,
    (Phase.REVIVE, Kind.DONE): _START,
    (Phase.REVIVE, Kind.FAILED): _PUT_BACK,
    (Phase.SWITCH, Kind.DONE): _PROBE,
    (Phase.SWITCH, Kind.FAILED): _PUT_BACK,
    (Phase.PROBE, Kind.DONE): _RELIEVE,
    (Phase.PROBE, Kind.FAILED): _PUT_BACK,
    (Phase.RELIEVE, Kind.DONE): _SETTLE,
    (Phase.RELIEVE, Kind.FAILED): _PUT_BACK,
    (Phase.SETTLE, Kind.DONE): Row(Phase.RELEASED),
    (Phase.SETTLE, Kind.FAILED): _FAILED,
    (Phase.PUT_BACK, Kind.DONE): _FAILED,
    (Phase.PUT_BACK, Kind.FAILED): _FAILED,
}


def decide(state: State, event: Event) -> tuple[State, tuple[Command, ...]]:
    """The next state and its commands. Raises KeyError for an event that can't happen in this phase."""
    row = TABLE[state.phase, event.kind]
    target = event.target or state.target
    following = replace(
        state,
        phase=row.phase,
        active=event.active if event.kind not in (Kind.DONE, Kind.FAILED, Kind.STEP) else state.active,
        target=target,
        failure=state.failure or event.failure,
    )
    commands = [Command(verb, target) for verb in row.verbs]
    commands += [Command(verb, other(target)) for verb in row.on_other]
    return following, tuple(commands)


def diagram() -> str:
    """The table as a Mermaid state diagram, for the documentation."""
    lines = ["stateDiagram-v2", "    [*] --> observe"]
    lines += [
        f"    {phase.value} --> {row.phase.value}: {kind.value}".replace("put-back", "put_back")
        for (phase, kind), row in TABLE.items()
    ]
    lines += [f"    {end.value} --> [*]" for end in sorted(ENDS)]
    return "\n".join(lines)


if __name__ == "__main__":
    print(diagram())
