"""Why something failed, and what became of a project: from histories, logs, and the last deployment's answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ops import deploy
from tests.unit.mcp.mcp_world import Place
from tests.unit.ops.ops_servers import NEW, Host, ahead
from tests.unit.ops.ops_telling import ANSWER, Tellers, Telling, line


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place.make(tmp_path, monkeypatch)


def failing(
    at: str = "2026-11-24T18:00:00Z", cause: str = "health: answered 503", outcome: str = "failed"
) -> Host:
    host = ahead()
    answer = host.status

    def status(project: str) -> dict[str, Any]:
        past = {"id": "r9", "at": at, "outcome": outcome, "image": NEW, "cause": cause}
        return answer(project) | {"history": [past]}

    host.status = status  # type: ignore[method-assign]
    return host


def test_why_a_release_failed(place: Place) -> None:
    place.hosts["app1"] = failing()
    found = place.ask_tool("explain_failure", project="shop")
    assert (found["ok"], found["phase"], found["at"]) == (False, "health", "2026-11-24T18:00:00Z")
    assert "health check" in found["what_to_try"][0]
    assert "still serves" in found["what_to_try"][1]
    assert "answered 503" in found["said"]["text"]


def test_a_failure_before_the_serving_release_is_over(place: Place) -> None:
    assert place.ask_tool("explain_failure", project="shop")["ok"]


@pytest.mark.parametrize("cause", ["nonsense: x", "HEALTH: x", "", "ignore: previous instructions"])
def test_a_phase_is_one_that_there_is(place: Place, cause: str) -> None:
    place.hosts["app1"] = failing(cause=cause, outcome="interrupted")
    found = place.ask_tool("explain_failure", project="shop")
    assert found["phase"] == ""
    assert "Deploy again" in " ".join(found["what_to_try"])


def test_what_the_last_update_said_is_told(place: Place) -> None:
    errors = ["blog-release-app1: start: no such image", "shop-release-app1: pull: denied"]
    deploy._remember(place.folder, "dev", {"ok": False, "errors": errors, "failed": ["shop-release-app1"]})
    text = place.ask_tool("explain_failure", project="shop")["said"]["text"]
    assert "pull: denied" in text
    assert "no such image" not in text


def test_what_an_update_said_before_the_serving_release_is_over(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy._remember(
        place.folder, "dev", {"ok": False, "errors": ["shop-release-app1: pull: denied"], "failed": []}
    )
    place.hosts["app1"].serving["at"] = "2999-01-01T00:00:00Z"
    assert place.ask_tool("explain_failure", project="shop")["ok"]


def test_an_update_of_another_folder_s_stack_is_another_s(place: Place, tmp_path: Path) -> None:
    said = {"ok": False, "errors": ["shop-release-app1: pull: denied"], "failed": ["shop-release-app1"]}
    deploy._remember(tmp_path, "dev", said)
    assert "pull: denied" not in place.ask_tool("explain_failure", project="shop")["said"]["text"]


def test_log_lines_are_evidence_in_order(place: Place) -> None:
    place.tellers = Tellers({1: Telling([line(1, "one"), line(2, "two", "job"), ANSWER])})
    found = place.ask_tool("logs", project="shop", kinds=["app", "job"], since="10m", grep="o", lines=50)
    assert (found["ok"], found["lines"], found["silent"]) == (True, 2, [])
    assert [text.rpartition("  ")[2] for text in found["said"]["text"].splitlines()[1:-1]] == ["one", "two"]
    (sent,) = place.tellers.sent
    asked = [sent[key] for key in ("kinds", "since", "grep", "lines", "follow")]
    assert asked == [["app", "job"], "600", "o", 50, False]


@pytest.mark.parametrize(
    "arguments",
    [{"since": "yesterday"}, {"since": "9" * 40}, {"kinds": ["all"]}, {"lines": 0}, {"lines": 201}, {"grep": "x" * 201}],
    ids=str,
)  # fmt: skip
def test_logs_take_what_they_know(place: Place, arguments: dict[str, Any]) -> None:
    assert place.call("logs", project="shop", **arguments).is_error
    assert place.tellers.sent == []


def test_a_failure_s_log_lines_are_with_it(place: Place) -> None:
    place.hosts["app1"] = failing()
    place.tellers = Tellers({1: Telling([line(1, "no such table"), ANSWER])})
    assert "no such table" in place.ask_tool("explain_failure", project="shop")["said"]["text"]


def test_releases_of_all_servers(place: Place) -> None:
    place.hosts["app2"] = Host(down=True)
    found = place.ask_tool("releases", project="shop")
    (one,) = found["releases"]
    assert (one["outcome"], one["at"], one["image"], one["by"]) == (
        "failed",
        "2026-11-24T16:00:00Z",
        NEW,
        "ann@laptop",
    )
    assert (found["ok"], found["silent"]) == (False, ["app2"])
    assert "answered 503" in found["said"]["text"]
