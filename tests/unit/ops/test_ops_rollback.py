"""`rollback`: one server at once, several together, and what is said when only some of them moved."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from ops_servers import NEW, OLD, Fleet, Host, ahead, behind

from ops.result import show
from ops.rollback import Wanted, rollback

BACK = Wanted("shop", "live", "ann@laptop")
FORWARD = Wanted("shop", "live", "ann@laptop", forward=True)


def run(fleet: Fleet, wanted: Wanted = BACK, *, as_json: bool = False) -> int:
    return show(rollback(wanted, fleet.servers, fleet.ask), as_json=as_json)


def test_a_single_server_is_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    fleet = Fleet({"app1": ahead()})
    assert run(fleet) == 0
    assert fleet.calls == [("app1", "rollback", {"version": 1, "project": "shop", "by": "ann@laptop"})]
    out = capsys.readouterr().out
    assert f"shop on app1: rolled back from r8 ({NEW}) by ann@laptop" in out
    assert f"it serves {OLD} (r9, 111111111111) now, healthy" in out
    assert "Forward again: codeb rollback shop --forward --stack live" in out
    assert f"The next `pulumi up` leaves it on {OLD}" in out


def test_forward_goes_back_to_what_was_withdrawn(capsys: pytest.CaptureFixture[str]) -> None:
    fleet = Fleet({"app1": ahead()})
    run(fleet)
    assert run(fleet, FORWARD) == 0
    assert fleet.calls[-1][2]["forward"] is True
    out = capsys.readouterr().out
    assert "shop on app1: rolled forward by ann@laptop" in out
    assert "Back again: codeb rollback shop --stack live" in out


def test_why_is_sent_along() -> None:
    fleet = Fleet({"app1": ahead()})
    rollback(replace(BACK, why="checkout answers 500"), fleet.servers, fleet.ask)
    assert fleet.calls[-1][2]["why"] == "checkout answers 500"


def test_a_second_rollback_stays_where_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    fleet = Fleet({"app1": ahead()})
    run(fleet)
    assert run(fleet) == 0
    assert f"nothing to do, it serves {OLD}" in capsys.readouterr().out


def test_of_several_servers_those_that_have_the_project_go_back() -> None:
    fleet = Fleet({"app1": ahead(), "app2": Host(), "app3": ahead()})
    assert run(fleet) == 0
    assert fleet.sent("status") == ["app1", "app2", "app3"]
    assert fleet.sent("rollback") == ["app1", "app3"]


def test_a_release_that_reached_some_servers_goes_back_on_those_only() -> None:
    fleet = Fleet({"app1": ahead(), "app2": behind()})
    assert run(fleet) == 0
    assert fleet.sent("rollback") == ["app1"]
    assert {host.serving["image"] for host in fleet.hosts.values() if host.serving} == {OLD}


def test_releases_that_differ_in_their_environment_only_all_go_back() -> None:
    def same_image() -> Host:
        return Host(ahead().previous, previous=ahead().previous)

    fleet = Fleet({"app1": same_image(), "app2": same_image()})
    assert run(fleet) == 0
    assert fleet.sent("rollback") == ["app1", "app2"]


def test_a_server_that_does_not_answer_leaves_the_project_half_rolled_back(
    capsys: pytest.CaptureFixture[str],
) -> None:
    fleet = Fleet({"app1": ahead(), "app2": Host(down=True)})
    assert run(fleet) == 1
    said = capsys.readouterr()
    assert "shop on app1: rolled back" in said.out
    assert "shop on app2: not done: root@10.0.0.2 port 22: Connection refused" in said.err
    assert "shop is half rolled back: app1 moved, app2 did not" in said.err
    assert "codeb rollback shop --stack live" in said.err
    assert "codeb rollback shop --forward --stack live" in said.err
    fleet.hosts["app2"] = ahead()
    assert run(fleet) == 0, "the remedy: the same command again"
    assert {host.serving["image"] for host in fleet.hosts.values() if host.serving} == {OLD}


def test_a_server_that_fails_is_named_with_its_cause(capsys: pytest.CaptureFixture[str]) -> None:
    broken = ahead()
    broken.fails = True
    assert run(Fleet({"app1": broken})) == 1
    assert "shop on app1: not done: observe: it has no release on this host. wait" in capsys.readouterr().err


def test_a_project_that_nobody_has_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Fleet({"app1": Host(), "app2": Host()})) == 1
    assert "shop has no release on any server" in capsys.readouterr().err


def test_json_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    fleet = Fleet({"app1": ahead(), "app2": Host(down=True)})
    assert run(fleet, as_json=True) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["ok"], found["half"], found["by"]) == (False, True, "ann@laptop")
    assert [each["ok"] for each in found["servers"]] == [True, False]
    assert found["servers"][0]["release"]["image"] == OLD


def test_what_a_host_says_can_not_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    host = ahead()
    assert host.previous
    host.previous["image"] = "evil\x1b[2J\x07\nroot@host# "
    run(Fleet({"app1": host}))
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "evil?[2J? root@host#" in out
