"""Parts of monitoring are away for a minute each, the host is restarted: no line is lost or doubled, no visitor notices."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from stack import HOST, Stack, get
from visitors import NAME, URL, Visitors, lines, series, until

from codeb.watch_names import COLLECTOR, PROMETHEUS

pytestmark = [pytest.mark.lab, pytest.mark.slow]

AWAY_S = 60
COUNT = re.compile(r"count ([0-9a-f]{8}) ([0-9]+)")


def numbers(text: str) -> Counter[tuple[str, int]]:
    """How often each number of each start of the app is in a text."""
    return Counter((unit, int(number)) for unit, number in COUNT.findall(text))


def written(stack: Stack) -> Counter[tuple[str, int]]:
    """What the journal has of the app."""
    done = stack.on_host(
        "journalctl",
        "--output=cat",
        f"CONTAINER_NAME=codeb-{NAME}-blue",
        f"CONTAINER_NAME=codeb-{NAME}-green",
    )
    return numbers(done.stdout.decode())


def kept(stack: Stack) -> Counter[tuple[str, int]]:
    """What the log store has of it."""
    return numbers("\n".join(line["_msg"] for line in lines(stack, f'project:={NAME} "count"', 1_000_000)))


def differences(stack: Stack) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """What the store lacks of that which the journal had a while ago, and what it has twice."""
    before = written(stack)
    until(lambda: not before - kept(stack), 90, "all lines in the store") if before - kept(stack) else None
    found = kept(stack)
    return sorted((before - found).elements()), sorted(each for each, count in found.items() if count > 1)


@contextmanager
def away(stack: Stack, unit: str) -> Iterator[None]:
    """A service is stopped for a minute."""
    stack.on_host("systemctl", "stop", f"{unit}.service")
    time.sleep(AWAY_S)
    yield
    stack.on_host("systemctl", "start", f"{unit}.service")


@pytest.mark.parametrize("unit", [COLLECTOR, PROMETHEUS, "victorialogs"])
def test_what_is_away_for_a_minute_costs_no_line_and_no_request(
    watched: Stack, visitors: Visitors, unit: str
) -> None:
    wrong = len(visitors.wrong)
    with away(watched, unit):
        told = watched.codeb(
            "top" if unit == PROMETHEUS else "logs", *([] if unit == PROMETHEUS else [NAME, "--store"])
        )
        assert unit == COLLECTOR or told.returncode != 0, told.stdout
        assert watched.codeb("status").returncode == 0
    assert differences(watched) == ([], [])
    assert visitors.wrong[wrong:] == []
    # Four a minute.
    (looks,) = series(watched, f"count_over_time(up{{job='node'}}[{AWAY_S + 60}s])")
    count = int(looks["value"][1])
    assert count <= 5 if unit == PROMETHEUS else count >= 7, (
        "figures are missing while their own service was away"
    )


def test_a_host_that_is_restarted_has_all_lines_in_the_store(watched: Stack, visitors: Visitors) -> None:
    watched.lab.down((HOST,))
    watched.lab.ensure((HOST,))
    until(lambda: get(f"{URL}/page").status == 200, 120, "the app after the restart")
    time.sleep(10)
    assert differences(watched) == ([], [])
