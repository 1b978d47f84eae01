"""Which edges wait before visitors are sent to them."""

from __future__ import annotations

from typing import Any

import pytest

from codeb.fleet import State, arriving, read_state

EDGES = ("app-1", "app-2", "app-3")
INSTANCE, BALANCER = "vultr:index/instance:Instance", "vultr:index/loadBalancer:LoadBalancer"


def state(attached: object = None, *, doomed: bool = False) -> State:
    found: list[dict[str, Any]] = [
        {"urn": f"u::{name}", "id": f"id-{name}", "type": INSTANCE, "inputs": {"label": f"codeb-{name}"}}
        for name in EDGES
    ]
    if attached is not None:
        inputs = {"attachedInstances": attached}
        found.append({"urn": "u::b", "id": "b", "type": BALANCER, "inputs": inputs, "delete": doomed})
    return read_state({"deployment": {"resources": found}})


def fleet(*edges: str) -> dict[str, Any]:
    return {
        "servers": {**{name: {"roles": ["app", "edge"]} for name in edges}, "data-1": {"roles": ["data"]}}
    }


@pytest.mark.parametrize(
    ("known", "before", "expected"),
    [
        (state(["id-app-1"]), fleet("app-1"), {"app-2", "app-3"}),
        (
            state(["id-app-1", "id-app-2", "id-app-3"]),
            fleet("app-1"),
            set(),
        ),  # attached, and then the run failed
        (state(["id-app-1"]), fleet(*EDGES), {"app-2", "app-3"}),  # detached, and then the run failed
        (state(["id-app-1"]), {}, {"app-2", "app-3"}),  # a first update that failed
        (state([]), {}, set()),
        (state(), {}, set()),
        (None, {}, set()),
        (None, fleet("app-1"), {"app-2", "app-3"}),
        (state(), fleet("app-1", "app-2"), {"app-3"}),  # no balancer, or one that is yet to come
        (state(["id-app-1"], doomed=True), fleet("app-1", "app-2"), {"app-3"}),
        (state("nonsense"), fleet("app-1"), {"app-1", "app-2", "app-3"}),
        (None, {"servers": {"app-1": None}}, set()),
    ],
)
def test_who_waits(known: State | None, before: dict[str, Any], expected: set[str]) -> None:
    assert arriving(EDGES, known, before) == expected


def test_a_server_made_anew_waits_though_its_name_is_attached() -> None:
    everybody = state([f"id-{name}" for name in EDGES])
    assert arriving(EDGES, everybody, fleet(*EDGES), frozenset({"app-2", "data-1"})) == {"app-2"}
    assert arriving(EDGES, state(), {}, frozenset({"app-2"})) == frozenset(), "nobody was served yet"
