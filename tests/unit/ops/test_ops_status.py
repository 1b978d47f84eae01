"""`status` and `notify`: what people read, and exit statuses for scripts."""

from __future__ import annotations

import json

import pytest
from ops_servers import NEW, OLD, Fleet, Host, ahead, release

from ops import result
from ops.notify import notify
from ops.status import status
from ops.words import backup, history, standby


def show(fleet: Fleet, project: str = "shop", *, as_json: bool = False) -> int:
    return result.show(status(project, "live", fleet.servers, fleet.ask), as_json=as_json)


def test_one_project_shows_release_standby_and_history(capsys: pytest.CaptureFixture[str]) -> None:
    assert show(Fleet({"app1": ahead()})) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "shop on app1: healthy"
    assert lines[1] == f"  serves     r8  {NEW}  222222222222"
    assert lines[2] == "  since      2026-11-24 17:00:00 UTC (2 min ago), by ann@laptop"
    assert lines[3] == "  why        released"
    assert lines[4] == "  standby    r7 stands by until 2026-11-24 18:00:00 UTC (58 min left)"
    assert lines[6].split() == ["ID", "IMAGE", "DIGEST", "WHEN", "BY", "OUTCOME", "TOOK", "CAUSE"]
    assert "failed   2.5 s  health: answered 503" in lines[7]


def test_a_rollback_is_said_with_what_it_withdrew(capsys: pytest.CaptureFixture[str]) -> None:
    why = f"rolled back from r8 ({NEW}) by ann@laptop"
    host = Host(release(9, OLD, why), withdrawn=release(8, NEW))
    assert show(Fleet({"app1": host})) == 0
    out = capsys.readouterr().out
    assert f"  why        {why}" in out
    assert f"  withdrawn  r8  {NEW}" in out


def test_all_projects_are_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert show(Fleet({"app1": ahead(), "app2": ahead()}), "") == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split()[:4] == ["PROJECT", "SERVER", "STATUS", "RELEASE"]
    assert [row.split()[1] for row in rows] == ["app1", "app2"]
    assert "58 min" in rows[0]


def test_a_silent_server_and_an_unknown_project_give_exit_status_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert show(Fleet({"app1": ahead(), "app2": Host(down=True)})) == 1
    assert "app2: root@10.0.0.2 port 22: Connection refused" in capsys.readouterr().err
    assert show(Fleet({"app1": Host()})) == 1
    assert "shop has no release on app1" in capsys.readouterr().err


def test_json_is_what_the_agents_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert show(Fleet({"app1": ahead()}), as_json=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["servers"][0]["projects"][0]["release"]["id"] == "r8"


def test_a_standby_that_has_stopped_is_said() -> None:
    now = "2026-11-24T17:02:00Z"
    assert standby({"previous": release(7, OLD), "standby": False}, now).startswith("r7 has stopped")
    assert standby({}, now) == "none: there is no earlier release"


def test_a_history_of_an_older_agent_has_no_ids() -> None:
    past = {"at": "2026-11-24T16:00:00Z", "outcome": "released", "image": NEW, "by": "", "duration_s": 1.0}
    assert history([past])[1].split()[0] == "-"


def test_a_notification_goes_to_the_first_server_that_takes_it(capsys: pytest.CaptureFixture[str]) -> None:
    fleet = Fleet({"app1": Host(down=True), "app2": Host(), "app3": Host()})
    document: dict[str, object] = {
        "version": 1,
        "event": "approval-wanted",
        "project": "shop",
        "text": "ready",
    }
    assert result.show(notify(document, fleet.servers, fleet.ask), as_json=False) == 0
    assert fleet.sent("notify") == ["app1", "app2"]
    assert "app2 delivers it to 2 webhooks" in capsys.readouterr().out


def test_a_notification_that_nobody_takes_fails() -> None:
    fleet = Fleet({"app1": Host(down=True)})
    assert result.show(notify({"version": 1}, fleet.servers, fleet.ask), as_json=True) == 1


def test_what_a_restore_has_put_aside_is_said_with_its_size_and_until_when() -> None:
    kept = {
        "what": "restore of backup x\x1b", "at": "2026-11-24T17:00:00Z", "until": "2026-12-01T17:00:00Z", "size": 3_000_000,
        "undone": False,
    }  # fmt: skip
    now = "2026-11-24T18:00:00Z"
    assert backup({"kept": kept}, now)[-1].strip() == (
        "restore of backup x? 2026-11-24 17:00:00 UTC (60 min ago); what was there takes 3.0 MB until 2026-12-01T17:00:00Z"
    )
    assert "was taken back 2026-11-24 17:00:00" in backup({"kept": {**kept, "undone": True}}, now)[-1]
    assert len(backup({"kept": None}, now)) == 1
