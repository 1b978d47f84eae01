"""`alerts`: what fires, what is about to, silences; from Prometheus and Alertmanager, or from the one that answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ops_watching import SERVERS, WATCHER, Watching, series

from ops import watch_commands
from ops.alerts import alerts, silence, unsilence
from ops.cli import main
from ops.result import Result
from ops.watch_commands import length

NOW = datetime(2026, 11, 28, 6, 0, tzinfo=UTC)
ID = "3f1c2b9e-6c1d-4c9b-9a63-6a5c7e0d7d11"


def rule(name: str, state: str = "firing", **labels: str) -> dict[str, Any]:
    return {
        "labels": {"alertname": name, "severity": "critical", **labels},
        "annotations": {
            "summary": f"{name} of {labels.get('project')}",
            "cause": "c",
            "runbook": "https://r",
        },
        "state": state,
        "activeAt": "2026-11-28T05:58:00.123Z",
    }


def managed(name: str, silenced: bool = False, inhibited: bool = False, **labels: str) -> dict[str, Any]:
    status = {
        "state": "active",
        "silencedBy": [ID] if silenced else [],
        "inhibitedBy": ["x"] if inhibited else [],
    }
    labels = {"alertname": name, "severity": "critical", "stack": "live", **labels}
    return {
        "labels": labels,
        "annotations": {"summary": "s"},
        "status": status,
        "startsAt": "2026-11-28T05:59:00Z",
    }


SILENCE = {
    "id": ID,
    "status": {"state": "active"},
    "matchers": [{"name": "project", "value": "shop", "isRegex": False, "isEqual": True}],
    "endsAt": "2026-11-28T08:00:00.000Z",
    "createdBy": "ann@laptop",
    "comment": "load test",
}


def watching(
    rules: list[Any], managed: list[Any], silences: list[Any] | None = None, **more: Any
) -> Watching:
    return Watching(
        {
            ("prometheus", "/api/v1/alerts"): {"status": "success", "data": {"alerts": rules}},
            ("alertmanager", "/api/v2/alerts"): managed,
            ("alertmanager", "/api/v2/silences"): silences or [],
            ("prometheus", "/api/v1/query", "codeb:project:servers"): series(shop=1, blog=2),
        },
        **more,
    )


def states(result: Result) -> list[tuple[str, str, str]]:
    rows: Any = result.document["alerts"]
    return [(row["name"], row["project"], row["state"]) for row in rows]


def test_what_fires_comes_first_and_what_nobody_is_told_last() -> None:
    rules = [
        rule("ProjectSlow", project="shop"),
        rule("ProjectErrors", "pending", project="shop"),
        rule("ProjectDown", project="blog"),
        rule("ProjectDown", project="away"),
        rule("ProjectInMaintenance", project="away"),
    ]
    known = [
        managed("ProjectSlow", silenced=True, project="shop"),
        managed("ProjectDown", project="blog"),
        managed("ProjectDown", inhibited=True, project="away"),
        managed("ProjectInMaintenance", project="away"),
    ]
    result = alerts(
        "live", SERVERS, watching(rules, known, [SILENCE, {**SILENCE, "status": {"state": "expired"}}]).ask
    )
    assert states(result) == [
        ("ProjectDown", "blog", "firing"),
        ("ProjectErrors", "shop", "pending"),
        ("ProjectSlow", "shop", "silenced"),
        ("ProjectDown", "away", "inhibited"),
    ]
    assert not result.ok
    assert result.lines[0].split() == ["ALERT", "OF", "SEVERITY", "STATE", "SINCE", "SUMMARY"]
    assert result.lines[1].split()[:6] == [
        "ProjectDown",
        "blog",
        "critical",
        "firing",
        "2026-11-28",
        "05:58:00",
    ]
    assert result.lines[-1] == (
        f"silent: project=shop until 2026-11-28 08:00:00 UTC, by ann@laptop: load test (id {ID})"
    )
    silences: Any = result.document["silences"]
    assert [each["id"] for each in silences] == [ID]


def test_alerts_of_one_project_are_its_own() -> None:
    rules = [
        rule("ProjectDown", project="blog"),
        rule("DiskFull", instance="h1"),
        rule("ProjectSlow", project="shop"),
    ]
    assert states(alerts("live", SERVERS, watching(rules, []).ask, "shop")) == [
        ("ProjectSlow", "shop", "firing")
    ]


def test_when_nothing_fires_that_is_said_and_silenced_alerts_are_no_trouble() -> None:
    result = alerts("live", SERVERS, watching([], []).ask)
    assert (result.ok, result.lines) == (True, ("nothing fires, and nothing is about to",))
    quiet = watching(
        [rule("ProjectSlow", project="shop")], [managed("ProjectSlow", silenced=True, project="shop")]
    )
    assert alerts("live", SERVERS, quiet.ask).ok


def test_a_project_that_nobody_watches_is_no_quiet_one() -> None:
    result = alerts("live", SERVERS, watching([], []).ask, "shpo")
    assert (result.ok, result.lines) == (False, ())
    assert "Prometheus knows no project shpo: `codeb status --stack live`" in result.problems[0]
    quiet = alerts("live", SERVERS, watching([], []).ask, "shop")
    assert (quiet.ok, quiet.lines) == (True, ("nothing fires, and nothing is about to",))
    gone = watching([rule("ProjectDown", project="gone")], [])
    assert alerts("live", SERVERS, gone.ask, "gone").problems == ()


@pytest.mark.parametrize(("down", "state"), [("alertmanager", "firing"), ("prometheus", "firing")])
def test_one_of_both_is_enough_to_say_what_fires(down: str, state: str) -> None:
    here = watching(
        [rule("ProjectDown", project="blog")],
        [managed("ProjectDown", project="blog")],
        down=frozenset({down}),
    )
    result = alerts("live", SERVERS, here.ask)
    assert states(result) == [("ProjectDown", "blog", state)]
    assert len(result.problems) == 1
    assert f"{down} on 127.0.0.1" in result.problems[0]


def test_with_prometheus_down_and_nothing_managed_it_is_not_said_that_nothing_fires() -> None:
    result = alerts("live", SERVERS, watching([], [], down=frozenset({"prometheus"})).ask)
    assert (result.ok, result.lines) == (False, ())


def test_answers_of_another_shape_are_left_out() -> None:
    hostile = Watching(
        {
            ("prometheus", "/api/v1/alerts"): {
                "data": {"alerts": [1, {}, {"labels": 3}, {"labels": {"alertname": "A"}}]}
            },
            ("alertmanager", "/api/v2/alerts"): [None, {"labels": {"alertname": "B"}, "status": 7}],
            ("alertmanager", "/api/v2/silences"): [
                {"id": 1},
                {"status": {"state": "active"}, "matchers": "x"},
            ],
        }
    )
    result = alerts("live", SERVERS, hostile.ask)
    assert [name for name, _, _ in states(result)] == ["B", "A"]


def test_a_silence_is_made_by_labels_and_says_how_to_take_it_back() -> None:
    here = Watching({("alertmanager", "/api/v2/silences"): {"silenceID": ID}})
    names = {"alertname": "ProjectSlow", "project": "shop"}
    result = silence(names, timedelta(hours=2), 'load "test"', "ann@laptop", NOW, WATCHER, here.ask)
    assert result.ok
    assert result.lines == (
        "ProjectSlow of shop: nobody is told until 2026-11-28 08:00:00 UTC",
        f"Take it back: codeb alerts unsilence {ID}",
    )
    (question,) = here.asked
    assert (question["method"], question["path"]) == ("POST", "/api/v2/silences")
    content = question["json"]
    assert content["matchers"] == [
        {"name": "alertname", "value": "ProjectSlow", "isRegex": False, "isEqual": True},
        {"name": "project", "value": "shop", "isRegex": False, "isEqual": True},
    ]
    assert (content["endsAt"], content["createdBy"], content["comment"]) == (
        "2026-11-28T08:00:00Z", "ann@laptop", 'load "test"',
    )  # fmt: skip
    assert content["startsAt"] < "2026-11-28T06:00:00Z", "clocks differ, and a silence is to begin now"


def test_a_silence_that_is_refused_or_not_answered_is_not_there() -> None:
    for answer in ((400, '"start time must not be in the past"'), "not JSON", {}):
        here = Watching({("alertmanager", "/api/v2/silences"): answer})
        result = silence({"project": "shop"}, timedelta(hours=2), "w", "ann", NOW, WATCHER, here.ask)
        assert not result.ok
        assert "Alertmanager" in result.problems[0]


def test_a_silence_ends_and_one_that_is_not_there_is_said() -> None:
    path = f"/api/v2/silence/{ID}"
    here = Watching({("alertmanager", path): (200, "")})
    assert unsilence(ID, WATCHER, here.ask).ok
    assert (here.asked[0]["method"], here.asked[0]["path"]) == ("DELETE", path)
    assert "there is no silence" in unsilence(ID, WATCHER, Watching().ask).problems[0]


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Watching:
    here = Watching({("alertmanager", "/api/v2/silences"): {"silenceID": ID}})
    monkeypatch.setattr("ops.access.app_servers", lambda *_, **__: SERVERS)
    monkeypatch.setattr("ops.ssh.ask", here.ask)
    monkeypatch.setattr(watch_commands, "caller", lambda: "ann@laptop")
    return here


def test_a_silence_is_in_the_audit_log(stack: Watching, capsys: pytest.CaptureFixture[str]) -> None:
    line = [
        "alerts",
        "silence",
        "shop",
        "ProjectSlow",
        "--for",
        "2h",
        "--why",
        "load test",
        "--stack",
        "live",
    ]
    assert main(line) == 0
    (note,) = stack.notes
    assert (note["act"], note["what"], note["by"]) == (
        "silence",
        "ProjectSlow of shop: load test",
        "ann@laptop",
    )
    assert "nobody is told until" in capsys.readouterr().out


WRONG = [
    ["silence", "shop", "--why", "x"],
    ["silence", "shop", "--for", "2h"],
    ["silence", "--for", "2h", "--why", "x"],
    ["silence", "shop", "blog", "--for", "2h", "--why", "x"],
    ["silence", "Shop;reboot", "--for", "2h", "--why", "x"],
    ["silence", 'ProjectSlow"}', "--for", "2h", "--why", "x"],
    ["silence", "ProjectErorrs", "blog", "--for", "2h", "--why", "x"],
    ["unsilence"],
    ["unsilence", "../../-/reload"],
    ["unsilence", ID + "/x"],
    ["shop", "blog"],
    ["$(reboot)"],
    ["shop", "--for", "2h"],
]


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_what_is_no_silence_reaches_nobody(words: list[str], stack: Watching) -> None:
    assert main(["alerts", *words, "--stack", "live"]) == 2
    assert not stack.asked


def test_an_alert_that_there_is_not_is_said_with_the_nearest_that_there_is(
    stack: Watching, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["alerts", "silence", "ProjectErorrs", "--for", "2h", "--why", "x", "--stack", "live"]) == 2
    assert "there is no alert ProjectErorrs: did you mean ProjectErrors?" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "2", "2s", "0h", "31d", "-1h", "1h30m", "99999d", "2h\n"])
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(Exception, match="is no time"):
        length(text)


def test_lengths_are_minutes_hours_and_days() -> None:
    assert [length(text) for text in ("30m", "2h", "30d")] == [
        timedelta(minutes=30), timedelta(hours=2), timedelta(days=30),
    ]  # fmt: skip
