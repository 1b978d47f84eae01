"""What `status` and `doctor` say of the archive, to projects that want moments."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from agent import cli
from agent.archive import state
from agent.archive.state import State
from agent.host.ports import Result
from tests.unit.agent.fakes.host import EPOCH, FakeHost
from tests.unit.agent.store.sealing import install

NOW = datetime.fromtimestamp(EPOCH, UTC)
PROJECT = {"id": "shop", "database": "shop_db", "buckets": [], "retention_days": 7}
TIMER = "systemctl show --timestamp=unix --property=Id,ActiveState,LastTriggerUSec codeb-backup-shop.timer"


def data_server(*, point_in_time: bool = True) -> FakeHost:
    host = FakeHost()
    install(host, projects=[{**PROJECT, "point_in_time": point_in_time}])
    host.answers[TIMER] = Result(0, "LastTriggerUSec=\nId=codeb-backup-shop.timer\nActiveState=active\n")
    return host


def shipped(host: FakeHost, seconds_ago: float, problem: str = "") -> None:
    reached: dict[str, datetime | None] = {"here": NOW - timedelta(seconds=seconds_ago)}
    state.save(host.ports(), State(NOW, "7712984846297337775", "reserved", 0, 0, problem, reached))


def ask(host: FakeHost, verb: str) -> dict[str, Any]:
    out = io.StringIO()
    cli.run(host.ports(), verb, "{}", out, io.StringIO(), "root")
    return dict(json.loads(out.getvalue()))


def problem(host: FakeHost) -> str:
    return str(ask(host, "status")["backups"]["shop"]["problem"])


def doctor(host: FakeHost) -> list[str]:
    return [each["what"] for each in ask(host, "doctor")["problems"] if "archive" in each["what"]]


def test_an_archive_that_is_up_to_date_is_no_problem() -> None:
    host = data_server()
    shipped(host, 12)

    assert problem(host) == ""
    assert doctor(host) == []


def test_an_archive_that_is_late_is_a_problem_of_who_wants_moments() -> None:
    host = data_server()
    shipped(host, 900, "here: backup can't be reached")

    assert problem(host) == "its archive is late: the archive ends 900 s ago: here: backup can't be reached"
    assert doctor(host) == [
        "the archive of PostgreSQL is late: the archive ends 900 s ago: here: backup can't be reached"
    ]


def test_an_archive_that_never_ran_is_a_problem_where_it_is_wanted_only() -> None:
    assert "its archive does not run yet" in problem(data_server())
    assert problem(data_server(point_in_time=False)) == ""
    assert doctor(data_server(point_in_time=False)) == []
