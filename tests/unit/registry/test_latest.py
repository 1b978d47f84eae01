"""Which of what is known of a release is the newest, and when it is worth saying."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codeb import registry
from tests.unit.registry.test_registry import ANSWER, manifest, plan_of

BEFORE, THEN, LATER = "2026-11-23T03:00:00Z", "2026-11-23T04:00:00Z", "2026-11-23T05:00:00Z"
NEW, OLD = "ghcr.io/x/blog:1", "ghcr.io/x/blog:0"
FIRST: dict[str, Any] = {
    "id": "r12", "image": NEW, "digest": ANSWER["digest"], "at": THEN, "by": "pulumi", "why": "released",
}  # fmt: skip
BACK: dict[str, Any] = FIRST | {
    "id": "r13", "image": OLD, "digest": "sha256:" + "b" * 64, "at": LATER, "by": "ann@laptop",
    "why": f"rolled back from r12 ({NEW}) by ann@laptop",
}  # fmt: skip


def entry(**answer: Any) -> registry.Entry:
    """As Pulumi's own release command left it at THEN."""
    planned = registry.planned_entry(plan_of(None, manifest("blog")).project("blog"))
    return registry.with_release(planned, ANSWER | {"release": FIRST} | answer)


def live(checked_at: str, release: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """As the host's agent tells it."""
    return {
        "project": "blog", "status": "healthy", "active": "green", "image": release["image"],
        "digest": release["digest"], "container_id": "0123", "created_at": ANSWER["created_at"], "release": release,
        "maintenance": False, "checked_at": checked_at, **changes,
    }  # fmt: skip


def test_a_release_says_which_one_and_why() -> None:
    found = entry()
    assert (found["release"], found["image"], found["status"]) == (FIRST, NEW, "running")


def test_after_a_rollback_the_host_s_word_counts() -> None:
    found = registry.latest(entry(), None, live(LATER, BACK, active="blue"))
    assert found["release"] == BACK
    assert (found["image"], found["digest"], found["active"]) == (OLD, BACK["digest"], "blue")
    assert found["status"] == "running"
    assert found["health"] == {"status": "healthy", "last_check": LATER}


def test_an_answer_of_this_run_is_newer_than_what_the_host_said_before_it() -> None:
    assert registry.latest(entry(), None, live(BEFORE, BACK)) == entry()


def test_a_host_that_says_the_same_changes_nothing_not_even_the_time() -> None:
    found = entry()
    assert registry.latest(found, json.loads(json.dumps(found)), live(LATER, FIRST)) == found


def test_what_the_last_run_learned_stays_true_while_its_host_is_silent() -> None:
    rolled_back = registry.latest(entry(), None, live(LATER, BACK))
    assert registry.latest(entry(), rolled_back, None) == rolled_back


def test_a_release_after_a_rollback_ends_it_in_the_registry_too() -> None:
    rolled_back = registry.latest(entry(), None, live(LATER, BACK))
    third = FIRST | {"id": "r14", "at": "2026-11-23T06:00:00Z"}
    fresh = entry(release=third, health={"status": "healthy", "last_check": "2026-11-23T06:00:00Z"})
    assert registry.latest(fresh, rolled_back, live("2026-11-23T05:59:00Z", BACK)) == fresh


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"maintenance": True}, "maintenance"), ({"status": "unhealthy"}, "unhealthy")],
)
def test_maintenance_and_bad_health_are_said(changes: dict[str, Any], status: str) -> None:
    found = registry.latest(entry(), None, live(LATER, FIRST, **changes))
    assert (found["status"], found["release"]) == (status, FIRST)


def test_a_release_of_a_manifest_in_maintenance_says_so() -> None:
    quiet = manifest("blog", features={"maintenance": {"message": "back soon"}})
    planned = registry.planned_entry(plan_of(None, quiet).project("blog"))
    assert registry.with_release(planned, ANSWER)["status"] == "maintenance"


def test_an_agent_of_before_says_nothing_of_its_release() -> None:
    old = live(LATER, BACK) | {"release": None}
    assert registry.latest(entry(), None, old) == entry()


def test_a_run_registers_what_it_knows_before_it_touches_anything() -> None:
    plan = plan_of(None, manifest("blog"))
    before = registry.document({"blog": entry()})
    carried = registry.carried(registry.planned_entries(plan), before, {"blog": live(LATER, BACK)})
    assert carried["blog"]["release"] == BACK
    assert registry.carried(registry.planned_entries(plan), None)["blog"]["status"] == "planned"


def test_a_registry_of_before_is_still_understood() -> None:
    past = {key: value for key, value in entry().items() if key not in ("release", "maintenance")}
    carried = registry.carried(
        registry.planned_entries(plan_of(None, manifest("blog"))), registry.document({"blog": past})
    )
    assert (carried["blog"]["status"], carried["blog"]["release"]) == ("running", None)
