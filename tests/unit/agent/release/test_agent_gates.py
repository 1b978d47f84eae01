"""What a new release has to pass before it serves: its release command, and the steps of a canary."""

from __future__ import annotations

from typing import Any

import pytest

from agent.documents.errors import BadDocument
from agent.edge import traffic
from agent.host.ports import Ports
from agent.project.spec import Spec
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.fakes.podman import App
from tests.unit.agent.verbs import JOB, V1, V2, fails, new_host, run, serves

WEIGHT = "/etc/caddy/canaries/shop-app.weight"
ADDRESS = "/etc/caddy/canaries/shop-app.address"
JOB_FILE = "/etc/containers/systemd/codeb-shop-app-job.container"
CANARY = {"steps": [5, 25], "wait_ms": 60_000, "max_error_percent": 5.0}


@pytest.fixture
def host() -> FakeHost:
    host = new_host()
    run(host)
    return host


def test_the_release_command_runs_once_in_the_new_image_before_it_starts(host: FakeHost) -> None:
    run(host, V2, job=JOB)
    new = host.systemd.running["codeb-shop-app-green.service"].image
    assert host.systemd.jobs == [new]
    starts = [call[-1] for call in host.calls if call[:2] == ["systemctl", "start"]]
    assert starts.index("codeb-shop-app-job.service") < starts.index("codeb-shop-app-green.service")
    run(host, V2, job=JOB)
    assert len(host.systemd.jobs) == 1, "the same release again runs nothing"


def test_the_release_command_reads_the_environment_of_the_release(host: FakeHost) -> None:
    run(host, V2, job=JOB)
    assert host.links["/etc/codeb/projects/shop-app/candidate.env"].endswith("/green.env")


def test_a_release_command_that_fails_stops_the_release(host: FakeHost) -> None:
    host.podman.registry[V2] = App(job_status=3)
    failure = fails(host, V2, job=JOB).failure
    assert failure.phase == "job"
    assert "exit code 3" in failure.cause
    assert "blue" in failure.put_back
    assert serves(host) == V1
    assert "codeb-shop-app-green.service" not in host.systemd.running
    assert JOB_FILE not in host.files
    host.podman.registry[V2] = host.podman.images[V2] = App()
    run(host, V2, job=JOB)
    assert serves(host) == V2


def test_a_changed_release_command_alone_releases_nothing(host: FakeHost) -> None:
    before = dict(host.systemd.running)
    assert run(host, V1, job=JOB)["image"] == V1
    assert host.systemd.running == before
    assert host.systemd.jobs == []


class Traffic:
    """What Caddy's log says of the candidate: requests and errors at each weight."""

    def __init__(
        self, host: FakeHost, monkeypatch: pytest.MonkeyPatch, counts: dict[str, tuple[int, int]]
    ) -> None:
        self.seen: list[str] = []
        self._host, self._counts = host, counts
        monkeypatch.setattr(traffic, "canary_counts", self.count)

    def count(self, ports: Ports, spec: Spec, address: str, since: float) -> tuple[int, int]:
        weight = str(self._host.tell(WEIGHT))
        if weight not in self.seen:
            self.seen.append(weight)
        return self._counts.get(weight, (100, 0))


def test_a_canary_goes_up_step_by_step_and_ends_with_all(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    traffic = Traffic(host, monkeypatch, {})
    before = host.time
    answer = run(host, V2, canary=CANARY)
    assert traffic.seen == ["5", "25"]
    assert host.time - before >= 120
    assert host.tell(WEIGHT) == "0"
    assert serves(host) == V2
    assert answer["warnings"] == []


@pytest.mark.parametrize(("weight", "seen"), [("5", ["5"]), ("25", ["5", "25"])])
def test_too_many_errors_roll_a_canary_back(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch, weight: str, seen: list[str]
) -> None:
    traffic = Traffic(host, monkeypatch, {weight: (200, 11)})
    failure = fails(host, V2, canary=CANARY).failure
    assert failure.phase == "canary"
    assert f"at {weight} %" in failure.cause
    assert "11 of 200" in failure.cause
    assert traffic.seen == seen
    assert serves(host) == V1
    assert host.tell(WEIGHT) in (None, "0")
    assert "codeb-shop-app-green.service" not in host.systemd.running


def test_errors_within_the_limit_let_a_canary_pass(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    Traffic(host, monkeypatch, {"5": (200, 10)})
    run(host, V2, canary=CANARY)
    assert serves(host) == V2


def test_few_requests_are_judged_at_the_end_of_a_step_and_said(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    Traffic(host, monkeypatch, {"5": (3, 0)})
    answer = run(host, V2, canary=CANARY)
    assert any("3 requests at 5 %" in str(warning) for warning in answer["warnings"])  # type: ignore[attr-defined]
    Traffic(host, monkeypatch, {"5": (3, 3)})
    assert "3 of 3" in fails(host, V1, canary=CANARY, environment={"X": "1"}).failure.cause


def test_a_candidate_that_turns_sick_is_rolled_back_without_any_request(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    def count(ports: Ports, spec: Spec, address: str, since: float) -> tuple[int, int]:
        host.podman.images[V2].status = 503
        return 0, 0

    monkeypatch.setattr(traffic, "canary_counts", count)
    failure = fails(host, V2, canary=CANARY).failure
    assert "answered 503" in failure.cause
    assert serves(host) == V1


def test_a_first_release_has_no_canary(monkeypatch: pytest.MonkeyPatch) -> None:
    host = new_host()
    traffic = Traffic(host, monkeypatch, {})
    run(host, V1, canary=CANARY)
    assert traffic.seen == []
    assert host.tell(WEIGHT) == "0"


@pytest.mark.parametrize(
    "change",
    [
        {"job": {"unit": {"name": "other.container", "content": "Image=@IMAGE@"}, "timeout_ms": 1}},
        {"job": {"unit": {**JOB["unit"], "content": "Image=x"}, "timeout_ms": 1}},  # type: ignore[dict-item]
        {"job": {"unit": {**JOB["unit"], "content": "Image=@IMAGE@\n[Install]"}, "timeout_ms": 1}},  # type: ignore[dict-item]
        {"canary": {**CANARY, "steps": [0]}},
        {"canary": {**CANARY, "steps": [100]}},
        {"canary": {**CANARY, "steps": ["5; reboot"]}},
        {"maintenance": {"page": "x", "retry_after_s": -1}},
        {"sentry_project": "../../x"},
        {"stage": "nowhere"},
    ],
)
def test_hostile_gates_touch_nothing(host: FakeHost, change: dict[str, Any]) -> None:
    before = dict(host.files)
    with pytest.raises(BadDocument):
        run(host, V2, **change)
    assert host.files == before
