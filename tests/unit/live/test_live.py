"""What the program says of projects whose servers run something else than Pulumi thinks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codeb.live import Live, gather, servers_to_ask, silence, words
from codeb.model import ManifestSource, load_manifests, parse_settings
from codeb.plan import Plan, make_plan

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0kxXQw8RwP8VXoR3wkzXkX0LhSCTY0zH8m6bYwJ1T"
NEW, OLD, NEWER = "ghcr.io/x/blog:2", "ghcr.io/x/blog:1", "ghcr.io/x/blog:3"


def plan(image: str, replicas: int = 1) -> Plan:
    servers = [
        {"name": f"s{n}", "address": f"10.0.0.{n}", "hostKey": KEY, "roles": ["app", "data", "edge"] if n == 1 else ["app"]}
        for n in (1, 2)
    ]  # fmt: skip
    settings = parse_settings({"domain": "lab.test", "servers": servers})
    manifest = {
        "project": {"id": "blog"}, "environment": {"domain": "blog.lab.test", "image": image},
        "servers": {"replicas": replicas},
    }  # fmt: skip
    return make_plan(
        settings, load_manifests([ManifestSource("blog.yaml", json.dumps(manifest))], settings), None
    )


def status(image: str, withdrawn: str | None = None) -> dict[str, Any]:
    release = {"id": "r3", "image": image, "at": "2026-11-24T17:00:00Z", "by": "ann@laptop"}
    return {
        "project": "blog", "status": "healthy", "image": image, "digest": image, "release": release,
        "withdrawn": {"id": "r2", "image": withdrawn} if withdrawn else None,
    }  # fmt: skip


def answer(*statuses: dict[str, Any]) -> dict[str, Any]:
    return {"ok": True, "host": {"time": "2026-11-24T18:00:00Z"}, "projects": list(statuses)}


def said(image: str, *statuses: dict[str, Any], replicas: int = 1) -> list[tuple[str, bool]]:
    made = plan(image, replicas)
    servers = made.project("blog").servers
    live = gather({server: answer(each) for server, each in zip(servers, statuses, strict=True)}, {})
    return [(word.text, word.wrong) for word in words(made, live, "dev")]


def test_a_project_as_it_was_released_needs_no_words() -> None:
    assert said(NEW, status(NEW)) == []


def test_a_rollback_that_the_manifest_does_not_know_of_is_left_and_said() -> None:
    ((text, wrong),) = said(NEW, status(OLD, withdrawn=NEW))
    assert wrong
    assert text == (
        f"blog: rolled back at 2026-11-24T17:00:00Z by ann@laptop from r2 ({NEW}) to r3 ({OLD}); its manifest still asks "
        "for r2: this update leaves it on r3, unless its environment or resources changed since. Change environment.image, "
        "or run `codeb rollback blog --forward --stack dev`."
    )


def test_a_rollback_between_releases_of_one_image_is_told_by_their_numbers() -> None:
    ((text, wrong),) = said(NEW, status(NEW, withdrawn=NEW))
    assert wrong
    assert f"from r2 ({NEW}) to r3 ({NEW})" in text
    assert "Change what differs between them, as both have one image, or run" in text


def test_another_image_in_the_manifest_ends_the_rollback() -> None:
    ((text, wrong),) = said(NEWER, status(OLD, withdrawn=NEW))
    assert not wrong
    assert text.endswith(
        f"its manifest asks for {NEWER}: this update releases that, which ends the rollback."
    )


def test_a_manifest_set_back_makes_the_rollback_its_release() -> None:
    ((text, wrong),) = said(OLD, status(OLD, withdrawn=NEW))
    assert not wrong
    assert text.endswith("this update makes that its release.")


def test_servers_that_run_different_releases_are_named() -> None:
    ((text, wrong),) = said(NEW, status(NEW), status(OLD), replicas=2)
    assert wrong
    assert text.startswith(f"blog: its servers run different releases: s1 serves {NEW}, s2 serves {OLD}.")


@pytest.mark.parametrize(
    "document",
    [{}, {"projects": None}, {"projects": ["text"]}, {"host": 1, "projects": [{"project": "blog", "release": "r1"}]}],
)  # fmt: skip
def test_an_answer_that_makes_no_sense_tells_nothing(document: dict[str, Any]) -> None:
    assert gather({"s1": document}, {}) == Live()


def test_only_servers_with_running_projects_are_asked() -> None:
    entries = {
        "a": {"status": "running", "servers": ["s1"]},
        "b": {"status": "retained", "servers": ["s2"]},
        "c": {"status": "planned", "servers": ["s3"]},
        "d": {"status": "maintenance", "servers": ["s1", "s4"]},
    }
    assert servers_to_ask({"version": 1, "projects": entries}) == ["s1", "s4"]
    assert servers_to_ask(None) == []


def test_silent_servers_are_named() -> None:
    (word,) = silence(Live({}, {"s1": "it is off"}))
    assert word.wrong
    assert "s1 was not asked what it runs: it is off" in word.text


def test_the_time_of_the_host_comes_along() -> None:
    live = gather({plan(NEW).project("blog").servers[0]: answer(status(NEW))}, {})
    assert live.by_project(plan(NEW))["blog"]["checked_at"] == "2026-11-24T18:00:00Z"
