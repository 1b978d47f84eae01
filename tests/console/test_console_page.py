"""What a reader of the console sees, hears and can do: in a real browser, with a made-up Prometheus behind a real Caddy."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from lab.console import vendored
from lab.host import Progress
from lab.host.paths import Folders
from tests.console.conftest import HOST, Console
from tests.console.fake_prometheus import QUERIES, Prometheus
from tests.console.reading import DASH

pytestmark = pytest.mark.lab

HOSTILE = (
    '<img src=x onerror="document.title=1">',
    "</script><script>document.title=1</script>",
    '"} or vector(1) #',
    "__proto__",
    "{{constructor.constructor('document.title=1')()}}",
    "${document.title=1}",
    "a" * 300,
    "‮gnp.exe",
    "한국어 プロジェクト",
)
STATES = {"shop": 0, "blog": 1, "crm": 2, "wiki": 3}


def opened(page: Page, console: Console, query: str = "") -> Page:
    """The page after its first answers."""
    page.goto(console.url + query)
    expect(page.locator("#asof")).not_to_have_text(DASH)
    expect(page.locator("#said")).to_be_attached()
    page.wait_for_function("document.querySelector('.plot canvas, .chart p:not([hidden])') !== null")
    return page


def column(page: Page, number: int) -> list[str]:
    return page.locator(f"#table tbody tr > :nth-child({number})").all_inner_texts()


def names(page: Page) -> list[str]:
    return page.locator("#table tbody th").evaluate_all("heads => heads.map(head => head.firstChild.data)")  # type: ignore[no-any-return]


def ready(fake: Prometheus) -> None:
    fake.projects(STATES)
    fake.platform(total=1_234_567, mean=0.0456, errors=0.0512)


def test_the_figures_are_prometheus_own(page: Page, console: Console, fake: Prometheus) -> None:
    ready(fake)
    opened(page, console)
    assert page.locator("#total").inner_text() == "1,234,567"
    assert page.locator("#mean").inner_text() == "45.6 ms"
    assert page.locator("#errors").inner_text() == "5.12 %"
    counts = page.locator("#counts").inner_text().replace("\u00a0", " ")
    assert counts == "1 DOWN, 1 DEGRADED, 1 MAINTENANCE, 1 HEALTHY"
    assert page.locator("#latency .keys").inner_text().split("\n") == [
        "p50: 20.0 ms",
        "p95: 200 ms",
        "p99: 900 ms",
    ]
    row = page.locator("#table tbody tr", has_text="shop").inner_text().split("\t")
    assert [cell.strip() for cell in row[1:]] == [
        "HEALTHY",
        "2.00/s",
        "1.00 %",
        "250 ms",
        "256 MiB",
        "0.50",
        "r1",
    ]


def test_the_worst_are_on_top_and_a_head_s_button_sorts(
    page: Page, console: Console, fake: Prometheus
) -> None:
    ready(fake)
    fake.vectors[QUERIES["every_project"]["rate"]] = [({"project": "shop"}, 5.0), ({"project": "wiki"}, 7.0)]
    opened(page, console)
    assert names(page) == ["crm", "blog", "wiki", "shop"]
    head = page.locator("#table thead th", has_text="Requests")
    head.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert names(page) == ["wiki", "shop", "blog", "crm"], "what is missing comes last"
    assert head.get_attribute("aria-sort") == "descending"
    page.keyboard.press("Space")
    assert names(page) == ["shop", "wiki", "blog", "crm"]
    assert head.get_attribute("aria-sort") == "ascending"
    assert page.locator("[aria-sort]").count() == 1
    assert "sort=rate" in page.url


def test_a_reader_filters_by_keyboard_and_an_address_keeps_it(
    page: Page, console: Console, fake: Prometheus
) -> None:
    ready(fake)
    opened(page, console)
    page.get_by_label("Name or domain").press_sequentially("I")
    assert names(page) == ["wiki"]
    assert page.locator("#shown").inner_text() == "1 of 4 shown"
    page.get_by_label("Name or domain").fill("")
    page.get_by_label("State").select_option("DOWN")
    assert names(page) == ["crm"]
    opened(page, console, page.url.removeprefix(console.url))
    assert names(page) == ["crm"]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_is_text_everywhere(page: Page, console: Console, fake: Prometheus, name: str) -> None:
    fake.projects({name: 2, "shop": 0})
    fake.vectors[QUERIES["every_project"]["info"]][0][0]["domain"] = f"javascript:alert(1)//{name}"
    labels = {"alertname": name, "severity": name, "project": name}
    annotations = {"summary": name, "runbook": "javascript:document.title=1"}
    fake.alerts = [
        {
            "labels": labels,
            "annotations": annotations,
            "state": "firing",
            "activeAt": "2026-11-28T01:00:00Z",
            "value": "1",
        }
    ]
    fake.platform(1, 1, 0)
    opened(page, console)
    page.get_by_label("Figures of").select_option(label=name)
    asked = f"codeb:latency_seconds:p50{{project={json.dumps(name, ensure_ascii=False)}}}"
    expect(page.locator("#figures-of")).to_contain_text(name)
    page.wait_for_function("document.querySelector('#latency p:not([hidden])') !== null")
    assert any(asked in each for each in fake.asked)
    assert names(page) == [name, "shop"]
    assert page.locator("#alerts tbody tr").inner_text().count(name) == 4
    fake.projects({name: 0, "shop": 0})
    page.get_by_role("button", name="Refresh now").click()
    expect(page.locator("#said")).to_contain_text(f"{name} is HEALTHY, was DOWN")
    assert page.title() == "CodeB console"
    assert page.locator("img, main script, iframe").count() == 0
    assert page.locator("a[href^='javascript']").count() == 0


def test_a_thousand_projects_are_shown_sorted_and_filtered(
    page: Page, console: Console, fake: Prometheus
) -> None:
    fake.projects({f"project-{index:04}": index % 4 for index in range(1000)})
    opened(page, console)
    assert len(names(page)) == 1000
    assert page.locator("#shown").inner_text() == "1000 of 1000 shown"
    page.get_by_label("Name or domain").fill("0999")
    assert names(page) == ["project-0999"]
    asked = len(fake.asked)
    assert asked < 30, "a look asks for the same number of things, however many projects there are"


def test_no_data_is_said_to_be_none(page: Page, console: Console, fake: Prometheus) -> None:
    opened(page, console)
    expect(page.locator("#stale")).to_contain_text("has had no figures of projects")
    assert page.locator("#counts").inner_text() == "none"
    assert [page.locator(f"#{each}").inner_text() for each in ("total", "mean", "errors")] == [DASH] * 3
    assert page.locator("#latency").get_by_text("No data in this time range.").is_visible()
    assert page.locator("#no-alerts").inner_text() == "None fires."


def test_old_data_is_said_to_be_old(page: Page, console: Console, fake: Prometheus) -> None:
    ready(fake)
    fake.vectors[QUERIES["age"]["evaluated"]] = [({}, time.time() - 900)]
    fake.vectors[QUERIES["age"]["told"]] = [({"server": "app-7"}, 600.0)]
    opened(page, console)
    expect(page.locator("#stale")).to_contain_text("worked figures out 15 min ago")
    expect(page.locator("#stale")).to_contain_text("What app-7 says of its projects is 10 min old.")


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ((503, "Service Unavailable"), "the monitoring server doesn't answer (503)"),
        ((200, "<html>a proxy's page</html>"), "isn't Prometheus"),
        ((403, "Internal clients only."), "for internal clients"),
    ],
)
def test_a_prometheus_out_of_reach_is_said_and_old_figures_stay(
    page: Page, console: Console, fake: Prometheus, broken: tuple[int, str], said: str
) -> None:
    ready(fake)
    opened(page, console)
    asof = page.locator("#asof").inner_text()
    fake.broken = broken
    page.get_by_role("button", name="Refresh now").click()
    expect(page.get_by_role("alert")).to_contain_text(said)
    expect(page.get_by_role("alert")).to_contain_text(f"What is shown is as of {asof}")
    assert len(names(page)) == 4
    fake.broken = None
    page.get_by_role("button", name="Refresh now").click()
    expect(page.get_by_role("alert")).to_be_hidden()


def passes(page: Page, seen: Callable[[], bool]) -> None:
    """Time, by eleven seconds, until something is seen: a busy browser answers later than the page's clock is set."""
    for _ in range(40):
        page.clock.run_for(11_000)
        time.sleep(0.25)
        if seen():
            return


def test_a_prometheus_that_comes_later_is_found(page: Page, console: Console, fake: Prometheus) -> None:
    ready(fake)
    fake.broken = (502, "")
    page.clock.install()
    page.goto(console.url)
    expect(page.get_by_role("alert")).to_contain_text("the monitoring server doesn't answer (502)")
    expect(page.get_by_role("alert")).to_contain_text("Sites and releases don't depend on it.")
    assert page.locator("#asof").inner_text() == DASH
    fake.broken = None
    passes(page, lambda: page.get_by_role("alert").is_hidden())
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(page.locator("#shown")).to_have_text("4 of 4 shown")
    assert page.locator("#said").inner_text() == "", "what is first seen is no change"


def test_one_query_that_fails_takes_only_its_figure_away(
    page: Page, console: Console, fake: Prometheus
) -> None:
    ready(fake)
    fake.failing = {QUERIES["every_project"]["cpu"]}
    opened(page, console)
    expect(page.get_by_role("alert")).to_contain_text("No answer for “cpu”: too many samples.")
    assert names(page) == ["crm", "blog", "wiki", "shop"]
    assert set(column(page, 7)) == {DASH}
    assert DASH not in column(page, 3)


def test_it_refreshes_by_itself_and_says_what_changed(page: Page, console: Console, fake: Prometheus) -> None:
    ready(fake)
    page.clock.install()
    opened(page, console)
    page.get_by_role("link", name="p0.lab.test").focus()
    fake.projects(STATES | {"shop": 2})
    passes(page, lambda: "shop is DOWN, was HEALTHY." in page.locator("#said").inner_text())
    expect(page.locator("#said")).to_contain_text("shop is DOWN, was HEALTHY.")
    assert page.locator("#said").get_attribute("role") == "status"
    assert page.evaluate("document.activeElement.textContent") == "p0.lab.test", "rows move, focus stays"
    page.locator("#refresh").select_option("off")
    asked = len(fake.asked)
    page.clock.run_for(600_000)
    assert len(fake.asked) == asked


def test_a_chosen_range_and_project_are_asked_for(page: Page, console: Console, fake: Prometheus) -> None:
    ready(fake)
    opened(page, console)
    page.get_by_label("Time range").select_option("7 days")
    expect(page.locator("#figures-of")).to_have_text("all projects, last 7 days")
    assert any("codeb:platform:requests:rate1m[7d:1m]" in each for each in fake.asked)
    page.get_by_label("Figures of").select_option("shop")
    expect(page.locator("#figures-of")).to_have_text("shop, last 7 days")
    assert any('codeb:requests:rate1m{project="shop"}[7d:1m]' in each for each in fake.asked)


def test_a_chart_is_a_table_too(page: Page, console: Console, fake: Prometheus) -> None:
    ready(fake)
    opened(page, console)
    assert page.locator("#latency .plot").get_attribute("aria-hidden") == "true"
    page.get_by_text("Latency as a table").click()
    table = page.get_by_role("table", name="Latency", exact=True)
    assert table.locator("thead").inner_text().strip().split("\t") == ["Time", "p50", "p95", "p99"]
    assert table.locator("tbody tr").last.inner_text().split("\t")[1:] == ["20.0 ms", "200 ms", "900 ms"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_is_accessible_in_both_colour_schemes_and_at_phone_width(
    page: Page, console: Console, fake: Prometheus, axe: str, scheme: Any, width: int
) -> None:
    ready(fake)
    fake.alerts = [
        {
            "labels": {"alertname": "ProjectDown", "severity": "critical", "project": "crm"},
            "annotations": {
                "summary": "crm answers nothing " * 6,
                "runbook": "https://docs.test/#projectdown",
            },
            "state": "firing",
            "activeAt": "2026-11-28T01:00:00Z",
        }
    ]
    fake.vectors[QUERIES["age"]["evaluated"]] = [({}, time.time() - 900)]
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    opened(page, console)
    page.get_by_text("Latency as a table").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width, (
        "the page itself never scrolls sideways"
    )
    assert page.locator("#latency canvas").bounding_box()["width"] <= width  # type: ignore[index]
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") == (scheme == "light")
    # The page's own policy forbids such a script, so this goes past it, in a world of its own.
    session = page.context.new_cdp_session(page)
    frame = session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
    world = session.send("Page.createIsolatedWorld", {"frameId": frame})["executionContextId"]
    session.send("Runtime.evaluate", {"expression": axe, "contextId": world})
    violations = (
        "found.violations.map(each => [each.id, each.nodes.map(node => node.html + node.failureSummary)])"
    )
    run = f"axe.run(document).then(found => JSON.stringify({violations}))"
    done = session.send(
        "Runtime.evaluate",
        {"expression": run, "contextId": world, "awaitPromise": True, "returnByValue": True},
    )
    assert json.loads(done["result"]["value"]) == []


def test_every_control_is_reached_by_tab_in_the_order_of_the_page(
    page: Page, console: Console, fake: Prometheus
) -> None:
    ready(fake)
    opened(page, console)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the projects"
    seen = []
    for _ in range(24):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
    wanted = [
        "range",
        "scope",
        "refresh",
        "Refresh now",
        "grafana",
        "text",
        "state",
        "Project",
        "State",
        "p95",
        "Release",
        "p2.lab.test",
    ]
    assert [each for each in seen if each in wanted] == wanted


def test_a_stack_without_grafana_has_no_way_there(page: Page, console: Console, fake: Prometheus) -> None:
    ready(fake)
    opened(page, console)
    assert page.locator("#grafana").is_visible()
    del fake.vectors[QUERIES["age"]["grafana"]]
    page.get_by_role("button", name="Refresh now").click()
    expect(page.locator("#grafana")).to_be_hidden()


def test_caddy_offers_what_reads_and_nothing_else(page: Page, console: Console, fake: Prometheus) -> None:
    ask = page.request
    here = f"http://127.0.0.1:{console.port}"
    host = {"Host": f"{HOST}:{console.port}", "Cookie": "session=secret", "Authorization": "Bearer secret"}
    for path in ("query?query=time()", "alerts"):
        assert ask.get(f"{here}/api/v1/{path}", headers=host).status == 200
    assert len(fake.asked) == 2
    refused = [
        "admin/tsdb/delete_series",
        "series",
        "labels",
        "targets",
        "status/config",
        "rules",
        "write",
        "query/../targets",
    ]
    for path in (
        *(f"/api/v1/{each}" for each in refused),
        "/-/reload",
        "/-/quit",
        "/metrics",
        "/federate",
        "/graph",
        "/api/v1/alerts/",
    ):
        assert ask.get(here + path, headers=host).status == 404, path
    for path in ("query?query=time()", "query_range", "alerts", "admin/tsdb/delete_series"):
        assert ask.post(f"{here}/api/v1/{path}", headers=host).status in (404, 405), path
    assert len(fake.asked) == 2, "nothing of that reached Prometheus"


def test_every_answer_has_the_policy_and_the_policy_has_no_hole(
    page: Page, console: Console, fake: Prometheus
) -> None:
    fake.platform(1, 1, 0)
    for path in ("", "app.mjs", "vendor/uplot.js", "queries.json", "nothing", "api/v1/alerts"):
        headers = page.goto(console.url + path).headers  # type: ignore[union-attr]
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';"), path
        assert not re.search(r"unsafe|\*|data:|https?:", policy)
        assert (headers["x-content-type-options"], headers["x-frame-options"]) == ("nosniff", "DENY")
        assert headers["cache-control"] == "no-cache"


@pytest.fixture(scope="module")
def axe() -> str:
    """axe-core, which finds what is inaccessible."""
    return vendored.axe(Folders.here(), Progress())
