"""What the console shows, as numbers, beside what Prometheus answers to the same queries at the same moment."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from playwright.sync_api import Page

from tests.console.fake_prometheus import QUERIES

Ask = Callable[[str, float], list[dict[str, Any]]]
"""A query and a moment (seconds) → the vector that Prometheus answers."""

DASH = "\u2013"
"""What is not known."""
FACTORS = {"": 1, "s": 1, "ms": 1e-3, "%": 1e-2, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
COLUMNS = {"rate": 3, "errors": 4, "p95": 5, "memory": 6, "cpu": 7}
STATES = ("HEALTHY", "DEGRADED", "DOWN", "MAINTENANCE")


def number(text: str) -> tuple[float, float]:
    """A figure of the page, and how far rounding may have moved it; NaN for a dash."""
    match = re.fullmatch(r"([\d,]+(?:\.(\d+))?)(?:/s| ?([A-Za-z%]+))?", text.strip())
    if match is None:
        return math.nan, 0
    factor = FACTORS[match[3] or ""]
    return float(match[1].replace(",", "")) * factor, 0.51 * 10 ** -len(match[2] or "") * factor


def moment(page: Page) -> float:
    """When Prometheus answered what is shown."""
    return datetime.fromisoformat(page.locator("#asof").get_attribute("datetime") or "").timestamp()


def differences(page: Page, ask: Ask, span: str = "1h") -> list[str]:
    """What the page shows otherwise than Prometheus has it; `span` is the time range that is chosen.

    On a platform at work rules are worked out between a page's queries: who compares there looks twice.
    """
    at = moment(page)
    found = []
    for name, query in QUERIES["all"]["figures"].items():
        answer = ask(query.replace("$range", span), at)
        wanted = float(answer[0]["value"][1]) if answer else math.nan
        found += _differs(f"figure {name}", page.locator(f"#{name}").inner_text(), wanted)
    rows = {_name(row): row for row in page.locator("#table tbody tr").all()}
    states = _by_project(ask(QUERIES["every_project"]["state"], at))
    if set(rows) != set(states):
        found.append(f"projects {sorted(rows)}, Prometheus has {sorted(states)}")
    for name, place in COLUMNS.items():
        values = _by_project(ask(QUERIES["every_project"][name], at))
        for project, row in rows.items():
            cell = row.locator(f":nth-child({place})").inner_text()
            found += _differs(f"{project} {name}", cell, values.get(project, math.nan))
    for project, row in rows.items():
        shown, state = row.locator(".state").inner_text(), STATES[int(states.get(project, -1))]
        found += [f"{project} is {shown}, Prometheus has {state}"] if shown != state else []
    return found


def _name(row: Any) -> str:
    return str(row.locator("th").evaluate("head => head.firstChild.data"))


def _by_project(answer: list[dict[str, Any]]) -> dict[str, float]:
    return {each["metric"]["project"]: float(each["value"][1]) for each in answer}


def _differs(what: str, shown: str, wanted: float) -> list[str]:
    value, room = number(shown)
    same = (math.isnan(value) and math.isnan(wanted)) or abs(value - wanted) <= room
    return [] if same else [f"{what}: the page has {shown}, Prometheus {json.dumps(wanted)}"]
