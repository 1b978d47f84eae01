"""Numbers of servers that are asked for, kept, clamped, taken back by an edit; and what of a step that failed remains."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from delivering import manifest
from hypothesis import given
from hypothesis import strategies as st

from codeb import registry
from codeb.model import ManifestSource, RequestErrors, load_manifests, parse_request, parse_settings
from codeb.plan import Plan, PlanError, make_plan, merged, read_kept
from ops.request import request_text

APPS: dict[str, Any] = {"name": "default", "roles": ["app", "edge"], "count": 2, "plan": "vc2-6c-16gb"}
DATA: dict[str, Any] = {"name": "data", "roles": ["data", "monitoring"], "plan": "vc2-8c-32gb"}
SCALED = APPS | {"autoscale": {"min": 2, "max": 5}}
AT, WHY = "2026-11-30T12:00:00Z", "CPU 78.0 % over 5m, above 70 %"


def asks(count: int, pool: str = "default", at: str = AT) -> str:
    return request_text({}, {}, [], pools={pool: {"count": count, "at": at, "reason": WHY}})


@dataclass
class Stack:
    """`remembered` is the registry, as the state gives it back: JSON whose numbers are floats."""

    remembered: dict[str, Any] | None = None

    def run(self, apps: dict[str, Any] = SCALED, asked: str | None = None, *, fails: bool = False) -> Plan:
        settings = parse_settings({"domain": "lab.test", "provider": "vultr", "pools": [apps, DATA]}, "prod")
        sources = [ManifestSource("manifests/shop.yaml", json.dumps(manifest("shop")))]
        written = load_manifests(sources, settings)
        found = merged(written, settings, self.remembered, parse_request(asked))
        plan = make_plan(settings, found.manifests, self.remembered, found.kept)
        kept = plan.kept.begun if fails else plan.kept
        document = registry.document(registry.planned_entries(plan), plan.leaving, kept)
        self.remembered = json.loads(json.dumps(document), parse_int=float)
        return plan

    @property
    def pools(self) -> Any:
        return (self.remembered or {}).get("pools")


def apps_of(plan: Plan) -> list[str]:
    return [server.name for server in plan.servers if server.pool == "default"]


def said(run: Callable[[], object], kind: type[Exception] = RequestErrors) -> str:
    with pytest.raises(kind) as caught:
        run()
    return str(caught.value)


def test_nobody_asked_so_the_settings_say_it_and_the_registry_has_nothing() -> None:
    stack = Stack()
    assert apps_of(stack.run()) == ["app-1", "app-2"]
    assert stack.pools is None
    assert len(apps_of(stack.run(SCALED | {"count": 3}))) == 3


def test_what_is_asked_for_is_there_and_later_runs_keep_it() -> None:
    stack = Stack()
    stack.run()
    plan = stack.run(asked=asks(3))
    assert apps_of(plan) == ["app-1", "app-2", "app-3"]
    assert plan.fleet is not None
    assert plan.fleet.machine("app-3").pool == "default"
    assert f"pool default: 3 servers, as was asked for: {WHY}." in plan.notes
    assert stack.pools == {"default": {"count": 3, "start": 2, "since": AT, "reason": WHY}}
    later = stack.run()
    assert len(apps_of(later)) == 3
    assert "Numbers of servers that were decided hold (registry.pools): default 3 (count 2)." in later.notes
    assert stack.pools["default"]["since"] == AT


def test_asking_twice_is_asking_once() -> None:
    stack = Stack()
    stack.run(asked=asks(3))
    stack.run(asked=asks(3, at="2026-11-30T13:00:00Z"))
    assert stack.pools["default"]["since"] == AT


def test_a_step_that_fails_has_not_been_done_and_is_remembered_as_tried() -> None:
    stack = Stack()
    stack.run()
    assert len(apps_of(stack.run(asked=asks(3), fails=True))) == 3
    tried = {"count": 3, "at": AT, "reason": WHY}
    assert stack.pools == {"default": {"count": 2, "start": 2, "tried": tried}}
    assert len(apps_of(stack.run())) == 2, "whoever updates next is not held up by it"
    assert stack.pools["default"]["tried"] == tried
    stack.run(asked=asks(3, at="2026-11-30T13:00:00Z"))
    assert stack.pools["default"] == {
        "count": 3,
        "start": 2,
        "since": "2026-11-30T13:00:00Z",
        "reason": WHY,
    }
    stack.run(asked=asks(2), fails=True)
    assert (stack.pools["default"]["count"], stack.pools["default"]["tried"]["count"]) == (3, 2)


def test_min_and_max_of_an_edited_file_win() -> None:
    stack = Stack()
    stack.run(asked=asks(5))
    plan = stack.run(SCALED | {"autoscale": {"max": 4}})
    assert len(apps_of(plan)) == 4
    assert "pool default: 4 servers in place of 5, by autoscale's min and max." in plan.notes
    assert len(apps_of(stack.run())) == 4, "a larger max brings nobody back by itself"
    stack.run(asked=asks(2))
    assert len(apps_of(stack.run(SCALED | {"count": 3, "autoscale": {"min": 3, "max": 5}}))) == 3


def test_an_edited_count_has_the_last_word() -> None:
    stack = Stack()
    stack.run(asked=asks(5))
    plan = stack.run(SCALED | {"count": 3})
    assert len(apps_of(plan)) == 3
    assert "pool default: codeb:pools says 3 now, in place of the 5 that was decided." in plan.notes
    assert stack.pools is None


def test_without_autoscale_the_file_counts_and_says_so() -> None:
    stack = Stack()
    stack.run(asked=asks(4))
    plan = stack.run(APPS)
    assert len(apps_of(plan)) == 2
    assert "pool default: no longer scales itself; the number that was decided, 4, ends." in plan.notes
    assert stack.pools is None


@pytest.mark.parametrize(
    ("pool", "count", "words"),
    [
        ("default", 6, "pools.default.count: 6 is not between autoscale's min and max. Ask for 2 to 5"),
        ("data", 2, "pools.data: no pool of this name has autoscale"),
        ("others", 2, "pools.others: no pool of this name has autoscale"),
    ],
)
def test_what_can_t_be_asked_for(pool: str, count: int, words: str) -> None:
    stack = Stack()
    stack.run()
    before = stack.remembered
    assert words in said(lambda: stack.run(asked=asks(count, pool)))
    assert stack.remembered == before


def test_pools_that_nobody_measures_are_told_of() -> None:
    settings = parse_settings(
        {"domain": "lab.test", "provider": "vultr", "pools": [SCALED, DATA | {"roles": ["data"]}]}, "prod"
    )
    assert any("no server has the role monitoring" in note for note in make_plan(settings, ()).notes)
    assert not any("autoscale" in note for note in Stack().run().notes)


@pytest.mark.parametrize(
    "entry",
    [
        None,
        3,
        {},
        {"count": 3},
        {"count": 0, "start": 2},
        {"count": 3.5, "start": 2},
        {"count": 3, "start": 2, "since": "soon", "reason": WHY},
        {"count": 3, "start": 2, "since": AT, "reason": "a\nb"},
        {"count": 3, "start": 2, "since": 7},
        {"count": 3, "start": 2, "tried": {"count": 4}},
        {"count": 3, "start": 2, "tried": {"count": 4, "at": AT, "reason": ""}},
    ],
)
def test_a_state_that_was_edited_is_refused(entry: object) -> None:
    message = said(lambda: read_kept({"version": 1, "projects": {}, "pools": {"default": entry}}), PlanError)
    assert "registry.pools.default" in message


@given(
    kept=st.integers(2, 50),
    least=st.integers(2, 6),
    room=st.integers(0, 6),
    asked=st.none() | st.integers(2, 12),
)
def test_the_settings_bounds_always_hold(kept: int, least: int, room: int, asked: int | None) -> None:
    apps = APPS | {"count": least, "autoscale": {"min": least, "max": least + room}}
    stack = Stack({"version": 1, "projects": {}, "pools": {"default": {"count": kept, "start": least}}})
    try:
        plan = stack.run(apps, None if asked is None else asks(asked))
    except RequestErrors:
        assert asked is not None
        assert not least <= asked <= least + room
        return
    assert least <= len(apps_of(plan)) <= least + room
    assert asked is None or len(apps_of(plan)) == asked
