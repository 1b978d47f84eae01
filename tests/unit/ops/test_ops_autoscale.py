"""`codeb autoscale` with Prometheus, Pulumi and servers in memory: what it asks, decides, says, and leaves undone."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from ops_servers import server

from codeb.ssh import SshTarget
from ops.access import Server
from ops.pulumi import PulumiError
from ops.request import VARIABLE
from ops.runs import Ended, Event, Run, Said, Step, StepFailed, Verb, Watch
from ops.scaling.autoscale import BAD, DONE, FAILED, LOCKED, OTHERS, Outcome, Wanted, World, autoscale
from ops.ssh import Answer, SshError

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC).timestamp()
COMMAND = "command:remote:Command"
WATCHER = Server("data-1", "data", server(9).target, holds_data=True, watches=True)
APPS: dict[str, Any] = {
    "name": "default",
    "roles": ["app", "edge"],
    "count": 2,
    "plan": "vc2-2c-4gb",
    "autoscale": {"max": 4},
}
DATA: dict[str, Any] = {"name": "data", "roles": ["data", "monitoring"], "plan": "vc2-4c-8gb"}


@dataclass
class Place:
    """A stack; `cpu` is what each server had all the time, `waits` are steps that wait for whoever updates next."""

    folder: Path
    cpu: dict[str, float] = field(default_factory=lambda: {"app-1": 80.0, "app-2": 76.0})
    registry: dict[str, Any] = field(default_factory=lambda: {"version": 1, "projects": {}})
    there: list[str] = field(default_factory=lambda: ["app-1", "app-2"])
    up: dict[str, float] = field(default_factory=dict)
    waits: list[Step] = field(default_factory=list)
    step: list[Event] = field(default_factory=list)
    ended: Ended = field(default_factory=lambda: Ended(True))
    prometheus: str = ""
    watcher: Server = WATCHER
    gone: bool = False
    runs: list[tuple[str, Any]] = field(default_factory=list)
    notes: list[Mapping[str, Any]] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)

    def settings(self, **more: Any) -> None:
        document = {"domain": "fleet.test", "provider": "vultr", "pools": [APPS, DATA], **more}
        config = {f"codeb:{key}": value for key, value in document.items()}
        (self.folder / "Pulumi.prod.yaml").write_text(yaml.safe_dump({"config": config}))

    def outputs(self) -> dict[str, Any]:
        machines = {name: {"pool": "default", "roles": ["app", "edge"]} for name in self.there}
        machines["data-1"] = {"pool": "data", "roles": ["data", "monitoring"]}
        return {"registry": self.registry, "fleet": {"servers": machines}, "servers": machines}

    def ask(self, target: SshTarget, verb: str, document: Mapping[str, Any]) -> Answer:
        assert target == WATCHER.target
        if self.gone:
            raise SshError("connection refused")
        if verb == "note":
            self.notes.append(document)
            return Answer(0, {"ok": True})
        self.queries = [each["form"]["query"] for each in document["questions"]]
        texts = [
            {"resultType": "scalar", "result": [NOW, str(NOW)]},
            {"resultType": "matrix", "result": [self._series(name, cpu) for name, cpu in self.cpu.items()]},
            {
                "resultType": "vector",
                "result": [
                    {"metric": {"server": name}, "value": [NOW, str(up)]} for name, up in self.up.items()
                ],
            },
        ]
        answers = [
            {"status": 200, "text": json.dumps({"status": "success", "data": each})}
            if not self.prometheus
            else {"problem": self.prometheus}
            for each in texts
        ]
        return Answer(0, {"ok": True, "answers": answers})

    def _series(self, name: str, cpu: float) -> dict[str, Any]:
        return {"metric": {"server": name}, "values": [[NOW - 15 * n, str(cpu)] for n in range(22)]}

    def run(self, folder: Path, stack: str, verb: Verb, watch: Watch, run: Run) -> Ended:
        asked = os.environ.get(VARIABLE)
        self.runs.append((verb, asked and json.loads(asked)["pools"]))
        for event in (*self.waits, *(self.step if asked else ())):
            if verb == "up" or isinstance(event, Step | Said):
                watch(event)
        return self.ended if verb == "up" else Ended(True)

    def look(self, *, dry: bool = False, along: bool = False) -> Outcome:
        world = World(
            self.folder, self.outputs, lambda: [self.watcher], self.ask, lambda: self.run, "ann@laptop"
        )
        return autoscale(Wanted("prod", dry, along), world)


ADD = [
    Step("app-3-instance", "create", "vultr:index/instance:Instance"),
    Step("app-1-bundle", "update", COMMAND),
    Said("info", "+$20.00 a month: app-3 vc2-2c-4gb"),
]
REMOVE = [Step("app-3-instance", "delete", "vultr:index/instance:Instance")]
WHY = "CPU 78.0 % over 5m, above 70 %"
ASKED = {"default": {"count": 3, "at": "2026-11-30T12:00:00Z", "reason": WHY}}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv(VARIABLE, raising=False)
    folder = tmp_path / "project"
    (folder / "manifests").mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text("name: codeb\nruntime: python\n")
    found = Place(folder, step=list(ADD))
    found.settings()
    return found


def decided(count: int, since: str = "2026-11-30T09:00:00Z", **more: Any) -> dict[str, Any]:
    entry = {"count": count, "start": 2, "since": since, "reason": "busy", **more}
    return {"version": 1, "projects": {}, "pools": {"default": entry}}


def three(place: Place, cpu: float = 20.0) -> Place:
    """Three servers, one of which somebody has decided about hours ago."""
    place.there = ["app-1", "app-2", "app-3"]
    place.cpu = dict.fromkeys(place.there, cpu)
    place.registry, place.step = decided(3), list(REMOVE)
    return place


def test_a_busy_pool_gets_a_server_by_an_update_that_is_asked_for_it(place: Place) -> None:
    outcome = place.look()
    assert outcome.status == DONE, outcome.result
    assert outcome.result.lines == (
        f"pool default: 2 to 3 servers: {WHY}",
        "  +$20.00 a month: app-3 vc2-2c-4gb",
        "done",
    )
    assert place.runs == [("preview", None), ("preview", ASKED), ("up", ASKED)]
    (note,) = place.notes
    assert note == {
        "version": 1,
        "act": "scale",
        "what": "pool default: 2 to 3 servers",
        "by": "ann@laptop",
        "why": WHY,
    }
    assert VARIABLE not in os.environ
    document = outcome.result.document
    assert (document["ok"], document["done"]) == (True, True)
    pools: Any = document["pools"]
    assert (pools[0]["act"], pools[0]["count"], pools[0]["load_percent"]) == ("add", 3, 78.0)


def test_only_the_servers_of_such_pools_are_asked_after_and_in_numbers_that_prometheus_takes(
    place: Place,
) -> None:
    place.settings(pools=[APPS | {"autoscale": {"max": 4, "window": "24h"}}, DATA])
    place.look()
    _, cpu, up = place.queries
    assert 'server=~"app-1|app-2"' in cpu
    assert "data-1" not in cpu + up
    assert cpu.endswith("[86760s:360s]"), "no more than 240 samples of a server"


def test_an_idle_pool_loses_its_last_server(place: Place) -> None:
    outcome = three(place).look()
    assert outcome.status == DONE
    assert place.runs[-1][1]["default"]["count"] == 2
    assert place.notes[0]["what"] == "pool default: 3 to 2 servers"


def test_nobody_goes_whom_a_project_asks_for(place: Place) -> None:
    manifest = {
        "project": {"id": "shop"},
        "environment": {"domain": "shop.fleet.test", "image": "ghcr.io/leo/shop:1"},
        "servers": {"replicas": 3},
    }
    (place.folder / "manifests" / "shop.yaml").write_text(yaml.safe_dump(manifest))
    outcome = three(place).look()
    assert (outcome.status, place.runs) == (DONE, [])
    assert "3 servers stay" in outcome.result.lines[0]
    assert "but shop: servers: 3 replicas, but pool 'default' has 2 servers" in outcome.result.lines[0]
    (place.folder / "manifests" / "shop.yaml").write_text("project: {id: 7}")
    broken = place.look()
    assert (broken.status, place.runs) == (BAD, [])


def test_between_the_limits_nothing_is_run(place: Place) -> None:
    place.cpu = {"app-1": 50.0, "app-2": 50.0}
    outcome = place.look()
    assert (outcome.status, place.runs, place.notes) == (DONE, [], [])
    assert outcome.result.lines[0].startswith("pool default: 2 servers stay: CPU 50.0 %")


def test_a_dry_run_previews_and_changes_nothing(place: Place) -> None:
    outcome = place.look(dry=True)
    assert outcome.status == DONE
    assert outcome.result.lines[-1] == "a dry run: nothing was done"
    assert [verb for verb, _ in place.runs] == ["preview", "preview"]
    assert place.notes == []
    assert outcome.result.document["done"] is False


def test_what_waits_for_somebody_else_is_not_carried_along(place: Place) -> None:
    place.waits = [Step("shop-release-app-1", "update", COMMAND)]
    outcome = place.look()
    assert outcome.status == OTHERS
    assert [verb for verb, _ in place.runs] == ["preview", "preview"]
    assert "update shop-release-app-1" in str(outcome.result.document["others"])
    assert any("run `pulumi up` first" in line for line in outcome.result.problems)
    assert place.notes == []
    assert place.look(along=True).status == DONE


def test_an_update_that_would_take_something_away_is_refused_whatever_is_asked(place: Place) -> None:
    place.step.append(Step("shop-database", "delete", "postgresql:index/database:Database"))
    for along in (False, True):
        assert place.look(along=along).status == OTHERS
    assert "up" not in [verb for verb, _ in place.runs]


def test_a_locked_stack_is_left_alone(place: Place) -> None:
    place.ended = Ended(False, "the stack is currently locked by 1 lock(s)", locked=True)
    outcome = place.look()
    assert outcome.status == LOCKED
    assert any("another update has the stack" in line for line in outcome.result.problems)
    assert [note["what"] for note in place.notes] == [
        "pool default: 2 to 3 servers",
        "not done: pool default: 2 to 3 servers",
    ]


def test_an_api_that_refuses_is_said_and_the_number_of_before_counts_on(place: Place) -> None:
    refused = Said("error", "error creating server: Region has no capacity", "app-3-instance")
    place.step += [StepFailed(ADD[0]), refused]  # type: ignore[arg-type]
    place.ended = Ended(False)
    outcome = place.look()
    assert outcome.status == FAILED
    said = " ".join(outcome.result.problems)
    assert "Region has no capacity" in said
    assert "pool default: 2 servers count on; what was decided is tried again after the cool-down" in said


def test_what_a_refused_deletion_left_goes_with_the_next_step(place: Place) -> None:
    """Deletions come last, when the number counts already: whoever updates next ends them."""
    three(place).waits = [Step("app-4-instance", "delete", "vultr:index/instance:Instance")]
    refused = Said("error", "error destroying instance: Server is currently locked", "app-3-instance")
    place.step += [StepFailed(REMOVE[0]), refused]  # type: ignore[arg-type]
    place.ended = Ended(False)
    outcome = place.look()
    assert outcome.status == FAILED
    assert place.runs[-1][0] == "up"
    assert "where a server could not be deleted, it goes with the next update" in " ".join(
        outcome.result.problems
    )


@pytest.mark.parametrize("tried", [True, False])
def test_after_a_step_or_a_try_nothing_is_decided_for_the_cool_down(place: Place, tried: bool) -> None:
    at = "2026-11-30T11:55:00Z"
    place.registry = decided(2, tried={"count": 3, "at": at, "reason": WHY}) if tried else decided(2, at)
    outcome = place.look()
    assert (outcome.status, place.runs) == (DONE, [])
    assert "the next one in 5m at the earliest" in outcome.result.lines[0]


def test_a_stack_that_is_not_as_it_should_be_is_not_decided_about(place: Place) -> None:
    place.registry = decided(3)
    outcome = place.look()
    assert (outcome.status, place.runs) == (DONE, [])
    assert "the stack has app-1, app-2 where app-1, app-2, app-3 should be: `pulumi up` first" in str(
        outcome.result.lines
    )


def test_a_server_whose_caddy_is_down_is_away(place: Place) -> None:
    three(place).up = {"app-1": 0.0, "app-2": 1.0, "app-3": 1.0}
    outcome = place.look()
    assert (outcome.status, place.runs) == (DONE, [])
    assert "nobody goes while app-1 may be needed" in outcome.result.lines[0]


def test_what_prometheus_does_not_know_is_no_reason_for_anything(place: Place) -> None:
    place.cpu = {"app-1": math.nan, "app-2": math.nan}
    outcome = place.look()
    assert (outcome.status, place.runs) == (DONE, [])
    assert "no server has been measured" in outcome.result.lines[0]


def test_without_answers_nothing_is_done(place: Place) -> None:
    place.prometheus = "connection refused"
    silent = place.look()
    place.gone = True
    gone = place.look()
    place.watcher = server(1)
    nobody = place.look()
    for outcome, words in (
        (silent, "Prometheus does not answer"),
        (gone, "data-1"),
        (nobody, "role monitoring"),
    ):
        assert (outcome.status, outcome.result.document["ok"]) == (FAILED, False)
        assert words in outcome.result.problems[0]
    assert place.runs == []


def test_wrong_settings_are_bad_input(place: Place) -> None:
    place.settings(pools=[APPS | {"autoscale": {"max": 1}}, DATA])
    outcome = place.look()
    assert outcome.status == BAD
    assert "codeb:pools[0].autoscale.max" in outcome.result.problems[0]


def test_a_registry_that_was_edited_is_said(place: Place) -> None:
    place.registry = decided(99)
    outcome = place.look()
    assert outcome.status == FAILED
    assert "registry.pools.default.count" in outcome.result.problems[0]


def test_a_stack_without_such_pools_has_nothing_to_do(place: Place) -> None:
    place.settings(pools=[{key: value for key, value in APPS.items() if key != "autoscale"}, DATA])
    outcome = place.look()
    assert (outcome.status, place.queries) == (DONE, [])
    assert outcome.result.document["pools"] == []


def test_a_preview_that_fails_ends_it(place: Place) -> None:
    def run(folder: Path, stack: str, verb: Verb, watch: Watch, run: Run) -> Ended:
        return Ended(False, "error: the program is wrong")

    place.run = run  # type: ignore[method-assign]
    outcome = place.look()
    assert outcome.status == FAILED
    assert "nothing was done: the next look decides anew" in outcome.result.problems


def test_a_cli_that_is_not_there_is_said(place: Place) -> None:
    def run(folder: Path, stack: str, verb: Verb, watch: Watch, run: Run) -> Ended:
        raise PulumiError("the pulumi CLI can't be used")

    place.run = run  # type: ignore[method-assign]
    assert place.look().status == FAILED
