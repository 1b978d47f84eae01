"""What the benchmark of servers that come and go makes of what it saw, and in which order it does what."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest

from lab.bench.growing import __main__ as command
from lab.bench.growing import phases
from lab.bench.growing.phases import FIRST, LATE, Plan, Run
from lab.bench.growing.seen import Phase, Seen, as_json, failures, goals, rows
from lab.bench.releases.ways import BenchError
from lab.host import LabError
from lab.load import Result
from lab.load.samples import Sample
from lab.load.streams import Life

PLAN = Plan(2, 4, 200, 30)


def sample(began: float, ms: float = 10, wrong: str | None = None) -> Sample:
    return Sample(began, ms, "h2-kept", "GET", wrong)


def result(*requests: Sample, lives: tuple[Life, ...] = (), troubles: tuple[str, ...] = ()) -> Result:
    return Result(0, 30, requests, 0, (), lives, troubles)


def seen(*results: Result, **values: Any) -> Seen:
    found = results or (result(sample(1), sample(11), sample(21)),)
    times = [Phase("few", (0, 10)), Phase("growing", (10, 20), 7.5), Phase("many", (20, 30))]
    given = {"answered": {"app-3": 5, "app-4": 6}, "moved": {LATE: (["app-3"], ["app-1"])}} | values
    return Seen(found, times, **given)


def unmet(found: Seen) -> list[str]:
    return [goal.name for goal in goals(found, PLAN.joined) if not goal.met]


def test_requests_belong_to_the_phase_that_they_began_in_and_streams_to_that_in_which_they_ended() -> None:
    lives = (Life("websocket", "blue", "1", 1, 12, "1001"), Life("websocket", "blue", "1", 12))
    found = seen(
        result(sample(1), sample(9.99, 500, "status 502"), sample(10, 20), sample(19, 30), lives=lives),
        result(sample(25, 40)),
    )
    few, growing, many = rows(found)
    assert (few.failed, few.latency.count, few.update_seconds) == (1, 1, None)
    assert (growing.failed, growing.latency.p50, growing.update_seconds) == (0, 20, 7.5)
    assert (growing.ended, many.ended) == ({"1001": 1}, {})
    assert many.latency.count == 1


def test_all_is_well_where_nothing_failed() -> None:
    assert unmet(seen()) == []


@pytest.mark.parametrize(
    ("found", "goal"),
    [
        (seen(result(sample(1), sample(2, 1, "status 502"))), "0 failed requests"),
        (seen(result(sample(1), troubles=("websocket never answered",))), "0 failed requests"),
        (
            seen(result(sample(1), lives=(Life("websocket", "blue", "1", 1, 2, "1006"),))),
            "every stream that ends is told so",
        ),
        (seen(answered={"app-3": 5, "app-4": 0}), "servers that joined answer visitors"),
        (seen(answered={"app-3": 5}), "servers that joined answer visitors"),
        (seen(moved={LATE: (["app-3"], ["app-3"])}), "projects of servers that leave move"),
        (seen(replace(result(sample(1)), unsent=1)), "95% of the load was sent"),
    ],
)
def test_what_visitors_notice_misses_a_goal(found: Seen, goal: str) -> None:
    assert unmet(found) == [goal]


def test_failures_of_all_loads_are_counted_by_reason() -> None:
    bad = result(sample(1, 1, "status 502"))
    assert failures(seen(bad, bad)) == {"h2-kept GET: status 502": 2}


class Fleet:
    """A fleet that notes what it is told. `late` is the server on which a new project comes."""

    def __init__(self, late: str = "app-3") -> None:
        self.told: list[str] = []
        self.late, self.count, self.projects = late, 0, list[str]()
        self.cloud = SimpleNamespace(
            lab=None,
            entry=lambda: "10.77.0.9",
            servers=lambda: [
                SimpleNamespace(name=name)
                for name in ["data-1", *(f"app-{n}" for n in range(1, self.count + 1))]
            ],
        )
        self.authority = Path("ca.crt")

    def resize(self, pool: str, count: int) -> None:
        assert pool == "default"
        self.count = count

    def write(self, name: str, _manifest: dict[str, Any]) -> None:
        self.projects.append(name)

    def begin(self) -> None:
        self.up()

    def up(self) -> None:
        self.told.append(f"up {self.count} {'+'.join(self.projects)}")

    def outputs(self) -> dict[str, Any]:
        late = [self.late if self.count == 4 else "app-1"]
        return {"registry": {"projects": {FIRST: {"servers": ["app-1"]}, LATE: {"servers": late}}}}

    def on(self, server: str, *argv: str) -> Any:
        assert argv[0] == "journalctl"
        line = b'{"logger":"http.log.access","request":{"host":"late.lab.test"}}\n'
        return SimpleNamespace(returncode=0, stdout=line * len(server), stderr=b"")


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> Callable[[Fleet], Run]:
    """A run on such a fleet that takes no time and sends nothing."""

    def run(fleet: Fleet) -> Run:
        class Load:
            result = result(sample(1))

            def __init__(self, target: Any, shape: Any, _lab: Any) -> None:
                self.name = f"{target.host} {shape.rate}/s"

            def __enter__(self) -> Self:
                fleet.told.append(f"load {self.name}")
                return self

            def __exit__(self, *_: object) -> None:
                fleet.told.append(f"end {self.name}")

        monkeypatch.setattr(phases, "Load", Load)
        monkeypatch.setattr(phases, "wait_until_serving", lambda *_: {})
        monkeypatch.setattr(phases, "stay", lambda _seconds: (0.0, 1.0))
        monkeypatch.setattr(phases, "time", SimpleNamespace(time=lambda: 0.0, sleep=lambda _seconds: None))
        return Run(fleet, PLAN, lambda _text: None)  # type: ignore[arg-type]

    return run


def test_the_load_is_there_while_servers_come_and_go(at_once: Callable[[Fleet], Run]) -> None:
    fleet = Fleet()
    found = at_once(fleet).measure()
    assert fleet.told == [
        "up 2 shop",
        "load shop.lab.test 150/s",
        "up 4 shop",
        "up 4 shop+late",
        "load late.lab.test 50/s",
        "up 2 shop+late",
        "end late.lab.test 50/s",
        "end shop.lab.test 150/s",
    ]
    assert found.moved == {LATE: (["app-3"], ["app-1"])}
    assert found.answered == {f"app-{number}": 5 for number in range(1, 5)}
    assert [phase.name for phase in found.phases] == [
        "2 servers", "2 to 4", "a project is added", "4 servers", "4 to 2", "2 servers again",
    ]  # fmt: skip


def test_a_project_that_would_not_have_to_move_shows_nothing(at_once: Callable[[Fleet], Run]) -> None:
    with pytest.raises(BenchError, match="late runs on app-2, so nothing would move"):
        at_once(Fleet(late="app-2")).measure()


def ran(monkeypatch: pytest.MonkeyPatch, outcome: Seen | BaseException, *arguments: str) -> int:
    def run(*_: object) -> Seen:
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    monkeypatch.setattr(sys, "argv", ["growing", *arguments])
    monkeypatch.setattr(command, "_run", run)
    return command.main()


def test_the_command_prints_each_phase_and_keeps_all_figures(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "figures.json"
    assert ran(monkeypatch, seen(), "--json", str(file)) == 0
    said = capsys.readouterr().out
    assert "growing" in said
    assert "late ran on app-3 and runs on app-1" in said
    assert json.loads(file.read_text()) == json.loads(json.dumps(as_json(seen(), PLAN.joined)))


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (seen(result(sample(1, 1, "status 502"))), 1),
        (LabError("the bridge is gone", "run it again"), 1),
        (BenchError("nothing moved"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_it_fails_where_visitors_notice_and_where_there_are_no_figures(
    monkeypatch: pytest.MonkeyPatch, outcome: Seen | BaseException, status: int
) -> None:
    assert ran(monkeypatch, outcome) == status


@pytest.mark.parametrize("arguments", [("--few", "1"), ("--many", "2"), ("--rate", "many")])
def test_what_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        ran(monkeypatch, seen(), *arguments)
    assert ended.value.code == 2
