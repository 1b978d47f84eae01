"""vegeta's results: what is read from a line, what failed, percentiles, windows."""

from __future__ import annotations

import base64
import json
import math
from itertools import islice
from typing import Any

import pytest

from lab.load import CORE_CMS, PROBE, Shape, samples
from lab.load.samples import Sample
from lab.load.vegeta import KINDS, targets

ORDERS = "https://app/api/orders?reference=h2-kept-1-7"
REFUSED = f'Post "{ORDERS}": dial tcp 10.77.0.2:443: connect: connection refused'


def result(
    method: str = "GET", code: int = 200, body: str = '{"colour": "blue"}', **more: Any
) -> dict[str, Any]:
    """What `vegeta encode -to json` writes for a request."""
    url = ORDERS if method == "POST" else "https://app/api/version"
    found = {"attack": "", "seq": 3, "code": code, "timestamp": "2026-11-25T02:36:17.629125784Z"}
    found |= {"latency": 118_500_000, "bytes_out": 0, "bytes_in": len(body), "error": "", "method": method}
    return {**found, "body": base64.b64encode(body.encode()).decode(), "url": url, "headers": None, **more}


def read(*results: dict[str, Any]) -> list[Sample]:
    lines = (json.dumps(one).encode() for one in results)
    return samples.requests(lines, "h2-kept", samples.judge(PROBE.marks))


def sample(began: float, ms: float, wrong: str | None = None) -> Sample:
    return Sample(began, ms, "h2-kept", "GET", wrong)


def test_a_result_says_when_it_began_and_how_long_it_took() -> None:
    [found] = read(result())
    assert found.began == pytest.approx(1795574177.629125)
    assert found.ended == pytest.approx(1795574177.747625)
    assert (found.kind, found.method, found.wrong) == ("h2-kept", "GET", None)


@pytest.mark.parametrize(
    ("one", "wrong"),
    [
        (result("POST", 201, '{"reference":"h2-kept-1-7"}'), None),
        (result("POST", 201, '{"reference":"h2-kept-1-77"}'), "another answer"),
        (result("POST", 200, '{"reference":"h2-kept-1-7"}'), "status 200"),
        (result("POST", 0, "", error=REFUSED), "error: connection refused"),
        (result("GET", 502, "", error="502 Bad Gateway"), "status 502"),
        (result("GET", 301, ""), "status 301"),
        (result("GET", 200, "<html>"), "another answer"),
        (result("GET", 200, body="", error=""), "another answer"),
        (result("GET", 0, '{"colour"', error="unexpected EOF"), "error: unexpected EOF"),
    ],
)
def test_what_a_visitor_would_miss_is_wrong(one: dict[str, Any], wrong: str | None) -> None:
    assert [found.wrong for found in read(one)] == [wrong]


def test_failures_are_counted_by_kind_method_and_reason() -> None:
    failed = [result("POST", 0, "", error=REFUSED), result("POST", 0, "", error=REFUSED), result()]
    assert samples.failures(read(*failed)) == {"h2-kept POST: error: connection refused": 2}


def test_each_order_has_a_reference_of_its_own_in_url_and_body() -> None:
    gets, posts = (
        [json.loads(line) for line in islice(targets("https://app", PROBE, KINDS[0]), first, 100, 2)]
        for first in (0, 1)
    )
    assert {(one["method"], one["url"]) for one in gets} == {("GET", "https://app/api/version")}
    references = [json.loads(base64.b64decode(one["body"]))["reference"] for one in posts]
    assert len(set(references)) == len(references)
    assert [one["url"].partition("reference=")[2] for one in posts] == references


def test_an_app_that_takes_no_orders_is_asked_what_it_has_in_turn() -> None:
    found = [json.loads(line) for line in islice(targets("https://app", CORE_CMS, KINDS[0]), 4)]
    assert [(one["method"], one["url"]) for one in found] == 2 * [
        ("GET", "https://app/api/restaurants"),
        ("GET", "https://app/api/health"),
    ]


def test_each_path_s_answer_holds_what_is_its_own() -> None:
    wrong = samples.judge(CORE_CMS.marks)
    rows, health = '{"restaurants":[],"total":0,"cached":true}', '{"status":"ok","colour":"blue"}'
    told = {path: f"https://app{path}" for path in ("/api/restaurants", "/api/health")}
    assert wrong(result(body=rows, url=told["/api/restaurants"])) is None
    assert wrong(result(body=health, url=told["/api/health"])) is None
    assert wrong(result(body=health, url=told["/api/restaurants"])) == "another answer"
    assert wrong(result(body=rows, url=told["/api/health"])) == "another answer"


def test_a_load_leaves_out_what_the_app_does_not_have() -> None:
    shape = Shape(rate=9, sockets=3, events=2, upload_seconds=4)
    assert shape.on(PROBE) == shape
    assert shape.on(CORE_CMS) == Shape(rate=9, sockets=0, events=2, upload_seconds=0)


@pytest.mark.parametrize(("sent", "missing"), [(400, 0), (300, 100), (401, 0)])
def test_requests_that_were_not_sent_are_counted(sent: int, missing: int) -> None:
    assert samples.unsent(sent, rate=200, seconds=2) == missing


@pytest.mark.parametrize(
    ("percent", "expected"), [(50, 50.0), (99, 99.0), (100, 100.0), (0, 1.0), (99.5, 100.0)]
)
def test_percentiles_are_by_nearest_rank(percent: float, expected: float) -> None:
    assert samples.percentile([float(value) for value in range(100, 0, -1)], percent) == expected


def test_no_values_have_no_percentile() -> None:
    assert math.isnan(samples.percentile([], 99))


def test_a_request_counts_in_a_window_that_it_touches() -> None:
    before, across, inside, astride, after = (
        sample(8, 500),
        sample(9.5, 1000),
        sample(11, 10),
        sample(9, 9000),
        sample(15.1, 10),
    )
    found = samples.within([before, across, inside, astride, after], [(10, 12), (14, 15)])
    assert found == [across, inside, astride]
