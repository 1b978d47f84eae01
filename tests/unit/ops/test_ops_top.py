"""`top`: figures of projects from Prometheus, and what is said when it has none or does not answer."""

from __future__ import annotations

from typing import Any

import pytest
from ops_servers import server
from ops_watching import DOWN, SERVERS, Watching, series

from ops.ssh import Answer
from ops.top import RULES, top

PATH = "/api/v1/query"


def prometheus(**answers: Any) -> Watching:
    """`answers` by the key of a row."""
    return Watching({("prometheus", PATH, RULES[key][0]): found for key, found in answers.items()})


def full() -> Watching:
    return prometheus(
        state=series(shop=1, blog=0, old_app=3),
        cpu_cores=series(shop=0.25, blog=1.5),
        memory_bytes=series(shop=120_000_000, blog=64_000_000, old_app=1000),
        requests_per_s=series(shop=12.34, blog=0),
        p95_s=series(shop=0.1234, blog="NaN"),
        error_ratio=series(shop=0.055, blog="NaN"),
    )


def test_a_row_a_project_with_what_takes_most_first() -> None:
    result = top("live", SERVERS, full().ask)
    assert result.lines == (
        "PROJECT  STATE        CPU   MEMORY   REQ/S  P95     5XX",
        "blog     HEALTHY      1.50  64.0 MB  0.0    -       -",
        "shop     DEGRADED     0.25  120 MB   12.3   123 ms  5.5 %",
        "old-app  MAINTENANCE  -     1.0 kB   -      -       -",
    )
    rows: Any = result.document["projects"]
    assert result.document["ok"] is True
    assert rows[1] == {
        "project": "shop", "state": "DEGRADED", "cpu_cores": 0.25, "memory_bytes": 120_000_000, "requests_per_s": 12.34,
        "p95_s": 0.1234, "error_ratio": 0.055,
    }  # fmt: skip
    assert rows[0]["p95_s"] is None, "NaN is in no JSON"


@pytest.mark.parametrize(
    ("by", "order"),
    [
        ("memory", ["shop", "blog", "old-app"]),
        ("requests", ["shop", "blog", "old-app"]),
        ("p95", ["shop", "blog", "old-app"]),
        ("project", ["blog", "old-app", "shop"]),
    ],
)
def test_rows_are_sorted_as_asked(by: str, order: list[str]) -> None:
    rows: Any = top("live", SERVERS, full().ask, by).document["projects"]
    assert [row["project"] for row in rows] == order


def test_replicas_of_a_project_are_added_and_the_worst_of_their_states_counts() -> None:
    def twice(one: float, other: float) -> dict[str, Any]:
        found = series(shop=one)
        found["data"]["result"] += series(shop=other)["data"]["result"]
        return found

    watching = prometheus(cpu_cores=twice(0.5, 0.25), state=twice(2, 0), p95_s=twice(0.1, 0.3))
    rows: Any = top("live", SERVERS, watching.ask).document["projects"]
    assert (rows[0]["cpu_cores"], rows[0]["state"], rows[0]["p95_s"]) == (0.75, "DOWN", 0.3)


def test_a_prometheus_that_has_no_figures_yet_is_no_failure() -> None:
    empty = {"status": "success", "data": {"resultType": "vector", "result": []}}
    result = top("live", SERVERS, Watching({("prometheus", PATH): empty}).ask)
    assert result.ok
    assert "no figures of projects yet" in result.problems[0]


def test_a_prometheus_that_is_down_is_said_once() -> None:
    result = top("live", SERVERS, Watching(down=frozenset({"prometheus"})).ask)
    assert result.problems == (f"Prometheus does not answer: {DOWN}",)
    assert not result.ok


def test_a_prometheus_that_refuses_says_why() -> None:
    refused = (503, '{"status":"error","error":"TSDB not ready\\nsecond line"}')
    result = top("live", SERVERS, Watching({("prometheus", PATH): refused}).ask)
    assert result.problems == ("Prometheus answers 503: TSDB not ready",)


def test_a_server_that_does_not_answer_leaves_all_other_commands() -> None:
    result = top("live", SERVERS, Watching(gone="root@10.0.0.9 port 22: Connection refused").ask)
    assert not result.ok
    (said,) = result.problems
    assert "watch1, which watches the stack, does not answer: root@10.0.0.9" in said
    assert "all other commands work without" in said


def test_a_stack_that_nothing_watches_is_told_what_to_do() -> None:
    watching = Watching()
    result = top("live", (server(1),), watching.ask)
    assert "no server of stack live has the role monitoring" in result.problems[0]
    assert not watching.asked


@pytest.mark.parametrize(
    "answer",
    [
        Answer(
            1,
            {
                "ok": False,
                "phase": "ask",
                "cause": "this server has no monitoring",
                "remedy": "run `pulumi up`",
            },
        ),
        Answer(2, {"ok": False, "cause": "unknown verb"}),
        Answer(0, {"ok": True}),
        Answer(0, {"ok": True, "answers": []}),
        Answer(0, {"ok": True, "answers": "x"}),
    ],
)
def test_an_agent_that_can_t_ask_is_said(answer: Answer) -> None:
    result = top("live", SERVERS, lambda target, verb, document: answer)
    assert not result.ok
    assert "watch1, which watches the stack" in result.problems[0]
    assert "pulumi up" in result.problems[0]


HOSTILE = [
    [],
    "x",
    {"data": 1},
    {"data": {"result": "x"}},
    {
        "data": {
            "result": [
                1,
                {"metric": 1},
                {"metric": {"project": 1}, "value": [1, "1"]},
                {"metric": {}, "value": [1]},
            ]
        }
    },
    {"data": {"result": [{"metric": {"project": "a"}, "value": [1, "many"]}]}},
]


@pytest.mark.parametrize("document", HOSTILE)
def test_an_answer_of_another_shape_has_no_rows(document: object) -> None:
    result = top("live", SERVERS, Watching({("prometheus", PATH): document}).ask)
    assert result.document["projects"] == []


def test_what_services_say_reaches_a_terminal_without_control_characters() -> None:
    result = top("live", SERVERS, prometheus(state=series(**{"a\x1b[2J": 0})).ask)
    assert "\x1b" not in "".join([*result.lines, *result.problems])
