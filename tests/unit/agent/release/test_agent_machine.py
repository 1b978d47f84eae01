"""The table of the state machine: complete, without dead ends, and what the documentation draws."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.documents.errors import Failure
from agent.release.machine import ENDS, TABLE, Event, Kind, Phase, State, Verb, decide, diagram

DOCS = Path(__file__).parents[4] / "docs" / "agent.md"
FAILURE = Failure("health", "cause", "remedy")


@pytest.mark.parametrize(("phase", "kind"), list(TABLE))
def test_each_transition_leads_where_the_table_says(phase: Phase, kind: Kind) -> None:
    event = Event(kind, active="blue", target="green", failure=FAILURE if kind is Kind.FAILED else None)
    state, commands = decide(State(phase, active="blue", target="green"), event)
    row = TABLE[phase, kind]
    assert state.phase is row.phase
    assert [(c.verb, c.colour) for c in commands] == [
        *((verb, "green") for verb in row.verbs),
        *((verb, "blue") for verb in row.on_other),
    ]


def test_every_phase_that_is_no_end_can_fail_and_every_end_is_final() -> None:
    for phase in Phase:
        rows = [kind for at, kind in TABLE if at is phase]
        assert (rows == []) if phase in ENDS else (Kind.FAILED in rows), phase


def test_every_phase_is_reached_and_reaches_an_end() -> None:
    following: dict[Phase, set[Phase]] = {phase: set() for phase in Phase}
    for (phase, _), row in TABLE.items():
        following[phase].add(row.phase)
    seen, todo = set(), [Phase.OBSERVE]
    while todo:
        phase = todo.pop()
        if phase not in seen:
            seen.add(phase)
            todo += following[phase]
    assert seen == set(Phase)


def test_nothing_is_changed_before_the_undo_file_is_written() -> None:
    harmless = {Verb.OBSERVE, Verb.PULL, Verb.CHECK_SITE, Verb.CANCEL_STANDBY, Verb.PUT_BACK, Verb.OPEN_UNDO}
    for phase in (Phase.PREPARE, Phase.EDGE, Phase.RESUME, Phase.REVIVE):
        verbs = next(row.verbs for row in TABLE.values() if row.phase is phase)
        assert set(verbs[: verbs.index(Verb.OPEN_UNDO)]) <= harmless, phase
    for row in TABLE.values():
        if Verb.POINT in row.verbs:
            assert row.verbs.index(Verb.START_AT_BOOT) < row.verbs.index(Verb.POINT)


def test_after_the_undo_file_a_failure_is_always_put_back_until_the_commit() -> None:
    opened = {Phase.PREPARE, Phase.CACHE, Phase.START, Phase.HEALTH, Phase.EDGE, Phase.RESUME, Phase.REVIVE}
    for phase in opened | {Phase.SWITCH, Phase.PROBE}:
        assert TABLE[phase, Kind.FAILED].phase is Phase.PUT_BACK, phase


def test_an_impossible_event_is_refused() -> None:
    with pytest.raises(KeyError):
        decide(State(Phase.RELEASED), Event(Kind.DONE))


def test_the_first_failure_is_the_one_that_is_told() -> None:
    later = Failure("put-back", "later", "x")
    state, _ = decide(State(Phase.PUT_BACK, failure=FAILURE), Event(Kind.FAILED, failure=later))
    assert state.failure == FAILURE


def test_the_documentation_draws_this_table() -> None:
    assert diagram() in DOCS.read_text(), (
        "docs/agent.md: paste `python -m agent.release.machine` into its diagram"
    )
