"""`releases`, `env` and `open`: what several servers say, as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from ops_servers import server

from codeb.ssh import SshTarget
from ops.open import address
from ops.releases import join, releases
from ops.result import Result
from ops.ssh import Answer, SshError
from ops.variables import source, variables


def past(number: int, at: str, image: str, outcome: str = "released", **more: Any) -> dict[str, Any]:
    return {
        "id": f"r{number}", "at": f"2026-11-27T{at}:00Z", "outcome": outcome, "colour": "blue", "image": f"shop:{image}",
        "digest": f"sha256:{image * 64}" if outcome != "failed" else "", "by": "ann@laptop", "duration_s": 2.5,
        "cause": "", **more,
    }  # fmt: skip


@dataclass
class Agents:
    """What each server answers, by its last number; None for one that is down."""

    documents: Mapping[int, Mapping[str, Any] | None]

    def ask(self, target: SshTarget, verb: str, document: Mapping[str, Any]) -> Answer:
        found = self.documents[int(target.address.rpartition(".")[2])]
        if found is None:
            raise SshError(f"{target.where}: Connection refused")
        return Answer(0, {"ok": True, **found})

    def call(self, function: Any) -> Result:
        found: Result = function("shop", "live", [server(number) for number in self.documents], self.ask)
        return found


def status(*history: Mapping[str, Any], serving: str = "") -> dict[str, Any]:
    entry = {
        "project": "shop", "status": "healthy", "history": list(history), "release": {"id": serving or history[0]["id"]},
        "domain": "shop.lab.test",
    }  # fmt: skip
    return {"projects": [entry]}


NOWHERE: dict[str, Any] = {"projects": [{"project": "shop", "status": "unknown"}]}


def test_the_same_release_of_several_servers_is_one_row() -> None:
    one = status(past(3, "12:00", "3"), past(2, "11:00", "2"))
    two = status(past(9, "12:04", "3"), past(8, "11:02", "2"))
    result = Agents({1: one, 2: two}).call(releases)
    assert result.ok
    heads, *rows = [line.split() for line in result.lines]
    assert heads == ["ID", "IMAGE", "DIGEST", "WHEN", "BY", "OUTCOME", "TOOK", "SERVES", "CAUSE"]
    assert [(row[0], row[1], row[-2]) for row in rows] == [
        ("r3/r9", "shop:3", "yes"),
        ("r2/r8", "shop:2", "-"),
    ]


def test_a_release_that_reached_some_servers_only_is_half() -> None:
    failed = past(9, "12:04", "3", "failed", cause="health: answered 503")
    result = Agents(
        {
            1: status(past(3, "12:00", "3"), past(2, "11:00", "2")),
            2: status(failed, past(8, "11:02", "2"), serving="r8"),
        }
    ).call(releases)
    assert not result.ok
    assert "half: released on app1, failed on app2" in result.lines[1]
    assert result.lines[1].endswith("health: answered 503")
    assert result.problems == ("shop is half: released on app1, failed on app2",)
    assert [row["serves"] for row in result.document["releases"]] == [["app1"], ["app2"]]  # type: ignore[attr-defined]


def test_a_release_that_a_server_never_had_is_half_unless_it_came_later() -> None:
    one, two = [past(3, "12:00", "3"), past(2, "11:00", "2"), past(1, "10:00", "1")], [past(8, "11:02", "2")]
    joined = join({"app1": one, "app2": two})
    assert [each.missing for each in joined] == [["app2"], [], []], "app2 is newer than the first release"


def test_going_to_and_fro_stays_in_order() -> None:
    one = [past(4, "10:20", "1", "rolled-back"), past(3, "10:10", "2"), past(2, "10:00", "1")]
    two = [past(7, "10:21", "1", "rolled-back"), past(6, "10:11", "2"), past(5, "10:01", "1")]
    joined = join({"app1": one, "app2": two})
    assert [sorted(past["id"] for past in each.parts.values()) for each in joined] == [
        ["r4", "r7"], ["r3", "r6"], ["r2", "r5"],
    ]  # fmt: skip
    again = [past(3, "10:10", "1"), past(2, "10:00", "1")]
    assert len(join({"app1": again, "app2": [past(6, "10:11", "1"), past(5, "10:01", "1")]})) == 2


@pytest.mark.parametrize(
    "wrong", [{"at": "never"}, {"at": None}, {"image": "\x1b[2J"}, {"digest": None, "by": None}]
)
def test_histories_of_a_strange_agent_are_shown_all_the_same(wrong: dict[str, Any]) -> None:
    result = Agents({1: status(past(1, "10:00", "1") | wrong)}).call(releases)
    assert len(result.lines) == 2
    assert "\x1b" not in "".join(result.lines)


@pytest.mark.parametrize("function", [releases, variables, address])
def test_a_silent_server_is_said_and_a_project_that_is_nowhere(function: Any) -> None:
    answers = {"variables": [], "release": None, **NOWHERE}
    result = Agents({1: answers, 2: None}).call(function)
    assert not result.ok
    assert [text.split(":")[0] for text in result.problems] == ["app2", "shop has no release on app1"]


def variables_of(*names: tuple[str, bool | None]) -> dict[str, Any]:
    return {
        "release": {"id": "r3"},
        "variables": [{"name": name, "secret": secret} for name, secret in names],
    }


def test_variables_have_sources_and_no_values() -> None:
    answer = variables_of(
        ("DATABASE_URL", False), ("LEVEL", False), ("MINIO_BUCKET_MENUS", False), ("PAYMENT", True),
        ("REDIS_PASSWORD", True), ("PORT", False),
    )  # fmt: skip
    result = Agents({1: answer}).call(variables)
    assert result.ok
    assert [line.split() for line in result.lines[1:7]] == [
        ["DATABASE_URL", "*****", "plain", "database"],
        ["LEVEL", "*****", "plain", "manifest"],
        ["MINIO_BUCKET_MENUS", "*****", "plain", "storage"],
        ["PAYMENT", "*****", "secret", "projectSecrets"],
        ["PORT", "*****", "plain", "platform"],
        ["REDIS_PASSWORD", "*****", "secret", "cache"],
    ]
    assert result.lines[-1] == "of release r3"


def test_a_variable_of_some_servers_only_is_said() -> None:
    result = Agents({1: variables_of(("A_NEW", False)), 2: variables_of()}).call(variables)
    assert result.lines[1].endswith("manifest (on app1 only)")
    assert source("ANY", None) == "manifest or projectSecrets"


def test_the_address_is_what_serves() -> None:
    result = Agents({1: NOWHERE, 2: status(past(1, "10:00", "1"))}).call(address)
    assert (result.ok, result.lines) == (True, ("https://shop.lab.test/",))
