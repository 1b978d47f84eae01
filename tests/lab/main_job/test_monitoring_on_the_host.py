"""What an operator sees: figures, the console, dashboards, alerts, logs and traces of a project that begins to fail."""

from __future__ import annotations

import json
import time

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from stack import ADDRESS, Stack, get
from visitors import NAME, Visitors, asked, by_project, lines, series, told, until

from codeb.dashboards.made import dashboards
from lab import browser as chromium
from lab import paths
from lab.receiver import Receiver
from tests.console.reading import DASH, differences
from tests.grafana import asked as asked_by

pytestmark = pytest.mark.lab

HEALTHY, DEGRADED = 0, 1
CONSOLE = "https://console.lab.test/"


def test_top_shows_what_each_project_takes(watched: Stack, visitors: Visitors) -> None:
    def rows() -> dict[str, dict[str, object]]:
        done = watched.codeb("top", "--json")
        assert done.returncode == 0, done.stderr
        found = {row["project"]: row for row in json.loads(done.stdout)["projects"]}
        mine = found.get(NAME, {})
        busy = (mine.get("requests_per_s") or 0) > 10
        return found if busy and mine.get("memory_bytes") and mine.get("cpu_cores") else {}

    found = until(rows, 120, "figures of the project")
    assert set(found) == set(watched.outputs()["registry"]["projects"])
    assert found[NAME]["requests_per_s"] < 30
    assert {row["state"] for row in found.values()} == {"HEALTHY"}
    assert NAME in watched.codeb("top").stdout
    assert visitors.wrong == []


def test_a_project_that_fails_is_degraded_within_a_minute_and_it_alone(
    watched: Stack, visitors: Visitors
) -> None:
    visitors.failing, began = True, time.time()

    def degraded() -> bool:
        answer = get("https://console.lab.test/api/v1/query?query=codeb:state")
        found = {
            each["metric"]["project"]: float(each["value"][1]) for each in answer.json()["data"]["result"]
        }
        others = {state for project, state in found.items() if project != NAME}
        assert others == {HEALTHY}, found
        return found[NAME] == DEGRADED

    until(degraded, 120, "DEGRADED on the console")
    since = f'min_over_time(timestamp(codeb:state{{project="{NAME}"}} == {DEGRADED})[5m:1s])'
    first = until(lambda: series(watched, since), 10, "a whole second since it is degraded")
    assert float(first[0]["value"][1]) - began < 60


def test_one_message_tells_of_it(watched: Stack, visitors: Visitors, receiver: Receiver) -> None:
    until(lambda: told(receiver.requests, "ProjectErrors", NAME), 180, "an alert at the webhook")
    said = watched.codeb("alerts").stdout
    assert "ProjectErrors" in said, said
    assert NAME in said
    others = [each.document.get("commonLabels", {}).get("project", NAME) for each in receiver.requests]
    assert set(others) == {NAME}


def test_the_console_shows_what_prometheus_has(watched: Stack, visitors: Visitors) -> None:
    program = chromium.found()
    if program is None:
        pytest.skip("needs Chromium (package chromium-headless-shell)")
    with sync_playwright() as playwright:
        arguments = chromium.arguments(["console.lab.test"], ADDRESS)
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        page = browser.new_page(ignore_https_errors=True, viewport={"width": 1200, "height": 900})
        page.goto(f"{CONSOLE}?range=15m")
        expect(page.locator("#total")).not_to_have_text(DASH)
        until(
            lambda: compared(page, watched) == [],
            60,
            "a look between two evaluations that is like Prometheus",
        )
        expect(page.locator("#table tbody tr", has_text=NAME)).to_contain_text("DEGRADED")
        page.screenshot(path=paths.LAB / "console.png", full_page=True)
        browser.close()


def compared(page: Page, stack: Stack) -> list[str]:
    page.reload()
    expect(page.locator("#total")).not_to_have_text(DASH)

    def ask(query: str, at: float) -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads(at_time(stack, query, at))["data"]["result"]
        return found

    return differences(page, ask, "15m")


def at_time(stack: Stack, query: str, at: float) -> str:
    return asked(stack, 9090, "/api/v1/query", query=query, time=at)


def test_each_query_of_each_dashboard_returns_series(watched: Stack, visitors: Visitors) -> None:
    for project in ("blog", NAME):
        assert watched.codeb("backup", project).returncode == 0
    assert watched.codeb("prove", "blog").returncode == 0
    for name in (
        "codeb_backup_proven_timestamp_seconds",
        f'codeb_backup_last_timestamp_seconds{{project="{NAME}"}}',
    ):
        until(lambda name=name: series(watched, name), 150, f"the agent's {name}")
    empty = []
    for each in asked_by(dashboards("victorialogs"), project=NAME, seconds=900):
        if each.source == "prometheus":
            found: object = series(watched, each.expr, over=0 if each.instant else 900)
        else:
            found = lines(watched, each.expr, limit=5)
        if not found:
            empty.append(f"{each.dashboard}: {each.panel}: {each.source}: {each.expr}")
    assert not empty, "\n".join(empty)


def test_one_request_is_found_by_its_trace(watched: Stack, visitors: Visitors) -> None:
    found = until(
        lambda: lines(watched, f'project:={NAME} kind:=access "/fail"', 1), 60, "a failed request's line"
    )
    trace = (
        json.loads(found[0]["_msg"])["traceID"] if found[0]["_msg"].startswith("{") else found[0]["traceID"]
    )

    def joined() -> dict[str, list[object]]:
        document = json.loads(watched.codeb("trace", trace, "--json").stdout)
        return document if document["spans"] and document["lines"] and document["requests"] else {}

    document = until(joined, 60, "access line, app's line and spans of one request")
    assert {span["service"] for span in document["spans"]} == {"caddy", NAME}
    assert trace in json.dumps(document["lines"])
    visitors.failing = False


def test_it_is_told_when_it_is_over(watched: Stack, visitors: Visitors, receiver: Receiver) -> None:
    visitors.failing = False
    until(lambda: by_project(watched, "codeb:state")[NAME] == HEALTHY, 240, "HEALTHY again")
    until(
        lambda: "resolved" in told(receiver.requests, "ProjectErrors", NAME), 180, "a message that it is over"
    )
    assert told(receiver.requests, "ProjectErrors", NAME) == ["firing", "resolved"]
    assert visitors.wrong == []
    assert visitors.made > 1000
