"""Containers that keep ending: `status` and `doctor` say so while each start looks healthy for some seconds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.host import commands, paths
from agent.host.ports import Result
from agent.report import crashes
from agent.report.crashes import Crashes
from tests.unit.agent.fakes.host import EPOCH, FakeHost
from tests.unit.agent.verbs import V1, V2, call, new_host, run

BLUE = "codeb-shop-app-blue.service"
PATTERNS = ("codeb-*-blue.service", "codeb-*-green.service", crashes.WORKERS)


def ended(host: FakeHost, restarts: int, *codes: int, ago: int = 20, unit: str = BLUE) -> None:
    """systemd has started a unit again so often, last some seconds ago; with these statuses its container ended."""
    shown = f"Id={unit}\nNRestarts={restarts}\nStateChangeTimestamp=@{int(host.time) - ago}\n"
    idle = "Id=codeb-other-blue.service\nNRestarts=0\nStateChangeTimestamp=\n"
    colours = [f"codeb-shop-app-{colour}.service" for colour in paths.COLOURS]
    for asked in (PATTERNS, [*colours, crashes.WORKERS], [*colours, crashes.WORKERS, "caddy.service"]):
        host.answers[" ".join(commands.restarts(asked))] = Result(0, out=f"{idle}\n{shown}")
    rows = [{"Name": unit.removesuffix(".service"), "ContainerExitCode": code} for code in codes]
    rows.append({"Name": "codeb-other-blue", "ContainerExitCode": 9})
    said = "\n".join(json.dumps(row) for row in rows)
    host.answers[" ".join(commands.all_died(host.time - crashes.WINDOW_S))] = Result(
        0, out=f"no JSON\n{said}\n"
    )


def entry(host: FakeHost) -> dict[str, Any]:
    (found,) = call(host.ports(), "status", {"project": "shop-app"})[1]["projects"]
    return dict(found)


def test_a_crash_loop_is_not_healthy() -> None:
    host = new_host()
    run(host, V1)
    ended(host, 2, 1, 3)
    found = entry(host)
    assert found["status"] == "unhealthy"
    words = "ended by itself and was started again 2 times in the last 10 minutes, last with exit code 3"
    assert found["cause"] == found["crashed"] == words
    code, _, err = call(host.ports(), "doctor")
    assert code == 1
    assert f"shop-app: blue, where users are sent, {words}" in err
    assert f"journalctl -u {BLUE}" in err


def test_one_end_is_said_and_may_be_an_accident() -> None:
    host = new_host()
    run(host, V1)
    ended(host, 1, 137)
    found = entry(host)
    assert (found["status"], found["cause"]) == ("healthy", "")
    assert "once in the last 10 minutes, last with exit code 137" in found["crashed"]
    assert "ended by itself" not in call(host.ports(), "doctor")[2]


@pytest.mark.parametrize(
    ("restarts", "codes", "ago"),
    [
        (7, (3, 3, 3), crashes.WINDOW_S + 60),  # long ago
        (0, (143, 143), 20),  # stopped and started by somebody
        (2, (), 20),  # Podman knows of none
    ],
)
def test_what_was_long_ago_or_no_crash_is_not_said(restarts: int, codes: tuple[int, ...], ago: int) -> None:
    host = new_host()
    run(host, V1)
    ended(host, restarts, *codes, ago=ago)
    assert (entry(host)["status"], entry(host)["crashed"]) == ("healthy", "")


def test_ends_before_somebody_started_it_are_not_counted() -> None:
    host = new_host()
    run(host, V1)
    ended(host, 1, 143, 143, 3)
    assert " once " in entry(host)["crashed"]


def test_a_standby_that_crashed_is_no_matter_of_the_one_that_serves() -> None:
    host = new_host()
    run(host, V1)
    run(host, V2)
    ended(host, 5, 3, 3, 3)
    assert entry(host)["status"] == "healthy"


def test_podman_is_not_asked_while_nothing_was_restarted() -> None:
    host = new_host()
    run(host, V1)
    host.calls.clear()
    entry(host)
    assert not [words for words in host.calls if words[:2] == ["podman", "events"]]


def test_a_service_of_the_platform_that_keeps_ending_is_named_by_doctor() -> None:
    host = new_host()
    run(host, V1)
    bundle = {"version": 1, "files": [], "services": ["caddy.service"], "daemon_reload": False}
    host.put(paths.BUNDLE, json.dumps(bundle))
    ended(host, 4, 1, 1, 1, unit="caddy.service")
    assert (
        "service caddy.service ended by itself and was started again 3 times"
        in call(host.ports(), "doctor")[2]
    )


def test_systemd_and_podman_may_answer_nonsense() -> None:
    host = new_host()
    host.answers[" ".join(commands.restarts(PATTERNS))] = Result(
        0, out="Id=a\nNRestarts=x\n\nfoo\n\nNRestarts=3"
    )
    assert crashes.look(host.ports(), PATTERNS) == {}
    ended(host, 3)
    host.answers[" ".join(commands.all_died(EPOCH - crashes.WINDOW_S))] = Result(0, out="[1]\n{}\n")
    assert crashes.look(host.ports(), PATTERNS) == {}
    assert str(Crashes(2)).endswith("in the last 10 minutes")
