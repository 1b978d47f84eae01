"""The order in which apps are put under load, on a host that is made up."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from typing import Any

import pytest

from lab.bench.core_cms import under_load
from lab.bench.core_cms.apps import CACHED, DIRECT, PLAIN, Subject
from lab.bench.core_cms.cost import APP
from lab.bench.core_cms.under_load import Plan
from lab.load import Result, Surface, Target
from lab.load.samples import Sample, Window

PLAN = Plan(rate=40, rounds=3, seconds=20, idle_seconds=30)
AT_REST, A_REQUEST = 0.01, {"bare": 0.001, "cms": 0.003, "direct": 0.005}


class Machine:
    """A host with a clock: apps use a little at rest and, while one is under load, so much for each of its requests."""

    def __init__(self) -> None:
        self.now, self.busy, self.told = 0.0, "", list[str]()
        self.used = dict.fromkeys(A_REQUEST, 0.0)
        self.lab = self

    def stay(self, seconds: float) -> Window:
        began, self.now = self.now, self.now + seconds
        for part in self.used:
            self.used[part] += seconds * AT_REST
        if self.busy:
            self.used[self.busy] += seconds * PLAN.rate * A_REQUEST[self.busy]
        return began, self.now

    def run(
        self, name: str, argv: Sequence[str], stdin: bytes | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        units = {
            unit: {"processes": 1, "bytes": 0, "cpu_s": self.used.get(unit.removesuffix(".service"), 1.0)}
            for unit in argv[2:]
        }
        document = {"at": self.now, "memory": 1 << 30, "processors": 2, "busy_s": self.now, "units": units}
        return subprocess.CompletedProcess(argv, 0, json.dumps(document).encode(), b"")

    def container(self, subject: Subject) -> str:
        return subject.part

    def of(self, subject: Subject) -> Target:
        return subject.target("10.77.0.2")

    def settled(self, subject: Subject) -> int:
        if self.busy:
            self.told.append(f"settled: {subject.part}")
        return 1000


def loads(machine: Machine) -> type:
    class Load:
        """All answers are right."""

        def __init__(self, target: Target, *_: Any) -> None:
            self.part = target.host.partition(".")[0]

        def __enter__(self) -> Load:
            machine.busy, self.began = self.part, machine.now
            machine.told.append(self.part)
            return self

        def __exit__(self, *_: Any) -> None:
            machine.busy = ""
            count = round((machine.now - self.began) * PLAN.rate)
            requests = [
                Sample(self.began + at / PLAN.rate, 2.0, "h2-kept", "GET", None) for at in range(count)
            ]
            self.result = Result(self.began, machine.now, tuple(requests), 1, (), (), ())

    return Load


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    found = Machine()
    monkeypatch.setattr(under_load, "stay", found.stay)
    monkeypatch.setattr(under_load, "Load", loads(found))
    return found


def test_each_app_begins_one_round(machine: Machine) -> None:
    under_load.measure(machine, PLAN, lambda _text: None)
    under = [each for each in machine.told if not each.startswith("settled")]
    assert under == ["bare", "cms", "direct", "cms", "direct", "bare", "direct", "bare", "cms"]


def test_whether_it_answers_from_where_it_should_is_asked_at_both_ends_of_a_window(machine: Machine) -> None:
    under_load.measure(machine, PLAN, lambda _text: None)
    assert machine.told[:3] == ["bare", "settled: bare", "settled: bare"]


def test_what_an_app_uses_at_rest_is_not_its_requests(machine: Machine) -> None:
    found = under_load.measure(machine, PLAN, lambda _text: None)
    assert {name: each.ms(APP) for name, each in found.costs.items()} == pytest.approx(
        {PLAIN.name: 1, CACHED.name: 3, DIRECT.name: 5}
    )
    assert found.costs[DIRECT.name].ms("PostgreSQL") == 0
    assert (found.sent, found.failed, found.unsent) == (9 * 30 * PLAN.rate, 0, 9)


def test_only_get_requests_are_made() -> None:
    asked: Surface = PLAIN.released.surface
    assert PLAN.shape.on(asked) == PLAN.shape
    assert asked.orders is asked.upload is asked.sockets is asked.events is None
