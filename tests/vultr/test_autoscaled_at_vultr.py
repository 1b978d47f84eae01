"""`codeb autoscale` on the real CLI at the simulated Vultr. Prometheus is made up: its answers are those of the agents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from lab.bench.fleets import APPS, DATA, FleetStack
from lab.bench.stacks import ANSWERS
from lab.vultr.faults import Rule
from lab.vultr.simulator import Simulator
from tests.outputs import check
from tests.vultr import measured
from tests.vultr.conftest import Make
from tests.vultr.told import said, steps

pytestmark = pytest.mark.cli

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC).timestamp()
SCALED: dict[str, Any] = {**APPS, "autoscale": {"min": 2, "max": 4}}
WATCHED: dict[str, Any] = {**DATA, "roles": ["data", "monitoring"]}
COOL_DOWN_S = 600


@dataclass
class Scaled:
    """A stack and the clock of its Prometheus."""

    stack: FleetStack
    now: float = NOON

    def look(self, cpu: Mapping[str, float], *words: str) -> tuple[int, dict[str, Any]]:
        """Once, a cool-down after the last time: each server had this much to do. Exit status and answer."""
        self.now += COOL_DOWN_S
        address = self.outputs()["fleet"]["servers"]["data-1"]["address"]
        measured.answer(self.stack.bench.folder / ANSWERS, address, cpu, self.now)
        done = self.stack.codeb("autoscale", "--json", *words)
        self.stack.bench.remember()
        try:
            return done.returncode, json.loads(done.stdout)
        except ValueError:
            raise AssertionError(said(done)) from None

    def outputs(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            self.stack.pulumi("stack", "output", "--json", "--show-secrets").stdout
        )
        return found

    def kept(self) -> dict[str, Any]:
        """What the registry has of the pool."""
        found: dict[str, Any] = self.outputs()["registry"].get("pools", {}).get("default", {})
        return found

    def servers(self) -> list[str]:
        """Those of the account."""
        labels = (one["label"].removeprefix("codeb-") for one in self.stack.content()["instances"].values())
        return sorted(label for label in labels if label.startswith("app-"))


def busy(count: int) -> dict[str, float]:
    return {f"app-{number}": 85.0 for number in range(1, count + 1)}


def idle(count: int) -> dict[str, float]:
    return {f"app-{number}": 12.0 for number in range(1, count + 1)}


@pytest.fixture
def scaled(make: Make) -> Scaled:
    stack = make(pools=[SCALED, WATCHED])
    first = stack.up()
    assert first.returncode == 0, said(first)
    return Scaled(stack)


def test_a_server_comes_and_stays_whoever_updates_and_goes_when_it_is_idle(scaled: Scaled) -> None:
    status, answer = scaled.look(busy(2))
    assert (status, answer["done"]) == (0, True), answer
    assert scaled.servers() == ["app-1", "app-2", "app-3"]
    assert scaled.kept() == {
        "count": 3,
        "start": 2,
        "since": "2026-11-30T12:10:00Z",
        "reason": "CPU 85.0 % over 5m, above 70 %",
    }
    assert any("$20.00 a month" in line for line in answer["changes"]), answer["changes"]
    assert steps(scaled.stack) == [], "a manual update has nothing to undo"
    status, answer = scaled.look(idle(3))
    assert (status, answer["done"]) == (0, True), answer
    assert scaled.servers() == ["app-1", "app-2"]
    assert steps(scaled.stack) == []
    check(scaled.outputs())


@pytest.mark.slow
def test_a_manual_update_in_between_keeps_the_number_and_an_edited_file_clamps_it(scaled: Scaled) -> None:
    for count in (2, 3):
        assert scaled.look(busy(count))[0] == 0
    assert len(scaled.servers()) == 4
    status, answer = scaled.look(busy(4))
    assert (status, answer["done"]) == (0, False)
    assert "the most (max)" in answer["pools"][0]["reason"]
    scaled.stack.change(standbyMinutes=5)
    assert scaled.stack.up().returncode == 0
    assert len(scaled.servers()) == 4
    scaled.stack.change(pools=[{**SCALED, "autoscale": {"max": 3}}, WATCHED])
    clamped = scaled.stack.up()
    assert clamped.returncode == 0, said(clamped)
    assert "3 servers in place of 4" in said(clamped)
    assert len(scaled.servers()) == 3
    scaled.stack.change(pools=[{**SCALED, "count": 2, "autoscale": {"max": 4}}, WATCHED])
    assert scaled.stack.up().returncode == 0
    assert len(scaled.servers()) == 3, "count is what it was: the decided number holds"
    scaled.stack.change(pools=[APPS, WATCHED])
    off = scaled.stack.up()
    assert "no longer scales itself" in said(off)
    assert len(scaled.servers()) == 2
    assert scaled.kept() == {}


@pytest.mark.slow
def test_an_api_that_refuses_keeps_the_number_of_before_and_is_tried_again(
    scaled: Scaled, vultr: Simulator
) -> None:
    vultr.faults.add(Rule("capacity", method="POST", path="/instances", account=scaled.stack.account))
    status, answer = scaled.look(busy(2))
    assert status == 1
    assert "not available in the selected region" in str(answer["errors"])
    assert scaled.servers() == ["app-1", "app-2"]
    assert scaled.kept()["count"] == 2
    assert scaled.kept()["tried"]["count"] == 3
    assert scaled.stack.up().returncode == 0, "nobody else is held up"
    scaled.now -= COOL_DOWN_S / 2
    status, answer = scaled.look(busy(2))
    assert (status, answer["done"]) == (0, False), "half a cool-down after the try"
    vultr.faults.clear()
    status, answer = scaled.look(busy(2))
    assert (status, answer["done"]) == (0, True), answer
    assert scaled.kept()["count"] == 3
    assert "tried" not in scaled.kept()

    vultr.faults.add(Rule("500", method="DELETE", path="/instances/*", account=scaled.stack.account))
    status, answer = scaled.look(idle(3))
    assert status == 1
    assert scaled.kept()["count"] == 2, "deletions come last, when the program has counted the step as done"
    assert len(scaled.servers()) == 3
    vultr.faults.clear()
    assert scaled.stack.up().returncode == 0
    assert scaled.servers() == ["app-1", "app-2"]
    assert steps(scaled.stack) == []


@pytest.mark.slow
def test_a_step_that_failed_half_way_is_gone_on_with(scaled: Scaled, vultr: Simulator) -> None:
    """The server is there and the balancer has not been told: no other change waits, so the next look ends it."""
    vultr.faults.add(
        Rule("500", method="PATCH", path="/load-balancers/*", account=scaled.stack.account, count=4)
    )
    status, answer = scaled.look(busy(2))
    assert status == 1, answer
    assert len(scaled.servers()) == 3
    assert scaled.kept()["count"] == 2
    vultr.faults.clear()
    status, answer = scaled.look(busy(2))
    assert (status, answer["done"]) == (0, True), answer
    assert len(scaled.servers()) == 3
    assert scaled.kept()["count"] == 3
    assert steps(scaled.stack) == []


@pytest.mark.slow
def test_a_server_that_dies_while_scaling(scaled: Scaled) -> None:
    assert scaled.look(busy(2))[0] == 0
    alive = {"app-1": 85.0, "app-3": 85.0}
    status, answer = scaled.look(alive)
    assert (status, answer["done"]) == (0, True), answer
    assert answer["pools"][0]["away"] == ["app-2"]
    assert len(scaled.servers()) == 4
    status, answer = scaled.look({name: 5.0 for name in ("app-1", "app-3", "app-4")})
    assert (status, answer["done"]) == (0, False)
    assert "nobody goes while app-2 may be needed" in answer["pools"][0]["reason"]
    assert len(scaled.servers()) == 4


@pytest.mark.slow
def test_a_locked_stack_is_left_as_it_is(scaled: Scaled) -> None:
    before = scaled.kept()
    folder = scaled.stack.bench.folder / "state" / ".pulumi" / "locks" / "organization" / "codeb" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / "0b6cd5d8-6b0a-4a4e-9a43-0f2f2c7c9d11.json"
    lock.write_text(json.dumps({"pid": 1, "username": "ann", "hostname": "laptop", "timestamp": "2026"}))
    status, answer = scaled.look(busy(2))
    assert (status, answer["locked"]) == (3, True), answer
    assert len(scaled.servers()) == 2
    lock.unlink()
    assert scaled.kept() == before
    assert scaled.look(busy(2))[0] == 0
    assert len(scaled.servers()) == 3


@pytest.mark.slow
def test_what_waits_for_somebody_else_is_not_carried_along(scaled: Scaled) -> None:
    scaled.stack.change(pools=[SCALED, {**WATCHED, "dataDisk": "200Gi"}])
    status, answer = scaled.look(busy(2))
    assert status == 4, answer
    assert any("data-1-disk-storage" in each for each in answer["others"]), answer
    assert len(scaled.servers()) == 2
    (disk,) = scaled.stack.content()["blocks"].values()
    assert disk["size_gb"] == 100
    status, answer = scaled.look(busy(2), "--dry-run", "--with-others")
    assert (status, answer["done"]) == (0, False)
    assert len(scaled.servers()) == 2
    status, answer = scaled.look(busy(2), "--with-others")
    assert (status, answer["done"]) == (0, True)
    assert len(scaled.servers()) == 3
