"""`restart`: one server after the other, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ops_servers import NEW, Fleet, Host, ahead

from codeb.ssh import SshTarget
from ops.restart import restart
from ops.ssh import Answer


class Restarting(Fleet):
    """Servers whose agents know the verb; those named in `broken` fail."""

    broken: tuple[str, ...] = ()

    def ask(self, target: SshTarget, verb: str, document: Mapping[str, Any]) -> Answer:
        if verb != "restart":
            return super().ask(target, verb, document)
        name = next(server.name for server in self.servers if server.target == target)
        self.calls.append((name, verb, dict(document)))
        if name in self.broken:
            return Answer(
                1, {"phase": "health", "cause": "answered 503", "put_back": "everything", "remedy": "fix it"}
            )
        release = {"id": "r9", "image": NEW, "digest": "sha256:22", "why": "restarted by ann@laptop"}
        return Answer(
            0,
            {
                "ok": True,
                "changed": True,
                "release": release,
                "health": {"status": "healthy"},
                "warnings": ["w\x1b"],
            },
        )


def restarts(fleet: Fleet) -> list[tuple[str, dict[str, Any]]]:
    return [(name, document) for name, verb, document in fleet.calls if verb == "restart"]


def test_all_servers_that_have_the_project_follow_one_another() -> None:
    fleet = Restarting({"app1": ahead(), "app2": Host(), "app3": ahead()})
    result = restart("shop", "ann@laptop", "it leaks", fleet.servers, fleet.ask)
    document = {"version": 1, "project": "shop", "by": "ann@laptop", "why": "it leaks"}
    assert restarts(fleet) == [("app1", document), ("app3", document)]
    assert result.ok
    assert not result.problems
    assert result.lines[0] == "shop on app1: restarted by ann@laptop"
    assert result.lines[2] == "  w?"


def test_the_first_that_fails_is_the_last_one() -> None:
    fleet = Restarting({"app1": ahead(), "app2": ahead(), "app3": ahead()})
    fleet.broken = ("app2",)
    result = restart("shop", "ann@laptop", "", fleet.servers, fleet.ask)
    assert [name for name, _ in restarts(fleet)] == ["app1", "app2"]
    assert "why" not in restarts(fleet)[0][1]
    assert not result.ok
    assert result.document["not_asked"] == ["app3"]
    assert "shop on app2: not done: health: answered 503" in result.problems[0]
    assert result.problems[1] == "not asked any more: app3"


def test_a_server_that_does_not_answer_stops_it_and_nobody_having_it_is_said() -> None:
    fleet = Restarting({"app1": ahead(), "app2": Host(down=True), "app3": ahead()})
    result = restart("shop", "ann@laptop", "", fleet.servers, fleet.ask)
    assert [name for name, _ in restarts(fleet)] == ["app1"]
    assert not result.ok
    nowhere = Restarting({"app1": Host()})
    result = restart("shop", "ann@laptop", "", nowhere.servers, nowhere.ask)
    assert (result.ok, result.problems) == (False, ("shop has no release on app1",))
