"""Monthly costs: per server, pool and stack, and the words of a change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from codeb.catalogue import catalogue
from codeb.model import parse_settings
from codeb.plan import Costs, Fleet, Machine, SharedStorage, cost_line, make_plan
from codeb.plan.costs import costs_of

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0kxXQw8RwP8VXoR3wkzXkX0LhSCTY0zH8m6bYwJ1T"
APPS: dict[str, Any] = {"name": "default", "roles": ["app", "edge"], "count": 2, "plan": "vc2-6c-16gb"}
DATA: dict[str, Any] = {"name": "data", "roles": ["data"], "plan": "vc2-8c-32gb", "dataDisk": "200Gi"}


def own(*names: str) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "address": f"203.0.113.{i}",
            "privateAddress": f"10.1.0.{i}",
            "hostKey": KEY,
            "roles": ["app"],
        }
        for i, name in enumerate(names, 1)
    ]


def costs(*pools: dict[str, Any], **others: Any) -> Costs:
    data = {"domain": "example.com", "provider": "vultr", "pools": list(pools)} | others
    return make_plan(parse_settings(data), [], None).costs


def stored(found: Costs) -> Any:
    """As the stack's output gives it back."""
    return json.loads(json.dumps(found.output))


def test_each_server_pool_and_the_stack_have_a_price() -> None:
    assert costs(APPS, DATA | {"reservedIp": True}).output == {
        "currency": "USD",
        "as_of": catalogue().date,
        "monthly": 339.0,
        "servers": {"app-1": 80.0, "app-2": 80.0, "data-1": 168.0},
        "pools": {"default": 160.0, "data": 168.0},
        "items": {
            "app-1 vc2-6c-16gb": 80.0,
            "app-2 vc2-6c-16gb": 80.0,
            "data-1 vc2-8c-32gb": 160.0,
            "data-1 200 GB hdd disk": 5.0,
            "data-1 reserved address": 3.0,
            "balancer": 10.0,
            "shared storage 10 GB": 1.0,
        },
        "unknown": [],
    }


def test_existing_servers_are_unknown_and_not_nothing() -> None:
    found = costs(APPS, DATA, servers=own("own-1", "own-2"))
    assert found.output["unknown"] == ["own-1", "own-2"]
    assert found.output["monthly"] == 336.0
    assert "own-1" not in found.output["servers"]
    assert cost_line(found, None).endswith(", + 2 existing servers, unknown")
    assert cost_line(costs(APPS, DATA, servers=own("own-1")), None).endswith(", + 1 existing server, unknown")


def test_a_stack_of_existing_servers_says_nothing_and_knows_nothing() -> None:
    everything = [own("one")[0] | {"roles": ["app", "data", "edge"]}]
    found = make_plan(parse_settings({"domain": "a.b", "servers": everything}), [], None).costs
    assert (found.cents, found.unknown) == (0, ("one",))
    assert cost_line(found, None) == ""
    assert cost_line(found, stored(found)) == ""


def test_shared_storage_costs() -> None:
    machine = Machine("app-1", "l", "h", "default", "vc2-6c-16gb", 2625, ("app",), 1 << 34)
    fleet = Fleet("icn", "10.64.0.0", 20, (machine,), (), shared=SharedStorage(10, ("app-1",)))
    assert costs_of(fleet, ()).output["items"]["shared storage 10 GB"] == 1.0


def test_the_first_run_says_what_all_of_it_costs() -> None:
    assert cost_line(costs(APPS, DATA), None) == (
        "$336.00 a month: app-1 vc2-6c-16gb $80.00, app-2 vc2-6c-16gb $80.00, data-1 vc2-8c-32gb $160.00, "
        "data-1 200 GB hdd disk $5.00, balancer $10.00, shared storage 10 GB $1.00"
    )


BEFORE = stored(costs(APPS, DATA))


@pytest.mark.parametrize(
    ("pools", "line"),
    [
        ([APPS, DATA], ""),
        ([APPS | {"count": 3}, DATA], "+$80.00 a month: app-3 vc2-6c-16gb"),
        ([APPS, DATA | {"reservedIp": True}], "+$3.00 a month: data-1 reserved address"),
        (
            [APPS | {"count": 1}, DATA],
            "-$91.00 a month: without app-2 vc2-6c-16gb -$80.00, without balancer -$10.00, "
            "without shared storage 10 GB -$1.00",
        ),
        (
            [APPS, DATA | {"dataDisk": "400Gi"}],
            "+$5.00 a month: data-1 400 GB hdd disk +$10.00, without data-1 200 GB hdd disk -$5.00",
        ),
        (
            [APPS, DATA | {"plan": "vhf-16c-58gb"}],
            "+$160.00 a month: data-1 vhf-16c-58gb +$320.00, without data-1 vc2-8c-32gb -$160.00",
        ),
        (
            [APPS, DATA | {"plan": "voc-m-4c-32gb-200s-amd"}],
            "+$0.00 a month: data-1 voc-m-4c-32gb-200s-amd +$160.00, without data-1 vc2-8c-32gb -$160.00",
        ),
    ],
)
def test_a_change_is_said_with_its_sign(pools: list[dict[str, Any]], line: str) -> None:
    assert cost_line(costs(*pools), BEFORE) == line


@pytest.mark.parametrize("previous", [None, {}, [], "x", {"items": None}, {"items": ["app-1"]}, 7])
def test_what_an_earlier_run_left_may_be_anything(previous: Any) -> None:
    assert cost_line(costs(APPS, DATA), previous).startswith("$336.00 a month: ")


def test_a_changed_price_of_the_catalogue_is_a_change() -> None:
    before = {"items": BEFORE["items"] | {"balancer": 9.99}}
    assert cost_line(costs(APPS, DATA), before) == "+$0.01 a month: balancer"


def test_the_sums_in_the_docs_are_true() -> None:
    text = (Path(__file__).parents[3] / "docs" / "fleet.md").read_text()
    alone = {"name": "default", "roles": ["app", "data", "edge"], "plan": "vc2-6c-16gb"}
    small = costs(alone | {"dataDisk": "100Gi", "reservedIp": True})
    rows = {
        "production as in `Pulumi.prod.yaml`": costs(APPS, DATA),
        "one server with `dataDisk: 100Gi`": small,
    }
    for row, found in rows.items():
        (line,) = (line for line in text.splitlines() if line.startswith(f"| {row}"))
        assert line.endswith(f"| ${found.cents / 100:.2f} |".replace(".00 |", " |"))
