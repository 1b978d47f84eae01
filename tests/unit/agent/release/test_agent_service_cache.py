"""A cache at Vultr's Valkey: looked at before a release serves with it, emptied once, and its user left to Vultr."""

from __future__ import annotations

from typing import Any

import pytest

from agent.documents.errors import BadDocument
from agent.documents.reader import Reader
from agent.project import record
from agent.project.spec_reader import read_release
from tests.unit.agent.fakes.documents import release_document
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.verbs import V1, V2, back, call, fails, new_host, run

PLACE = {"host": "vultr-prod-1.vultrdb.example", "port": 16752, "index": 2, "user": "shop"}
THERE: dict[str, Any] = {**PLACE, "rules": [], "tls": True, "password": "cache-password-of-shop"}
EMPTY: dict[str, Any] = {"version": 1, "project": "shop-app", **PLACE, "password": "cache-password-of-shop"}


@pytest.fixture
def host() -> FakeHost:
    found = new_host()
    found.redis.theirs = {"shop": (2,)}
    return found


def test_a_release_serves_with_it_and_gives_no_rules(host: FakeHost) -> None:
    answer = run(host, cache=THERE)
    assert answer["caches"] == ["rediss://vultr-prod-1.vultrdb.example:16752"]
    assert (host.redis.users, host.redis.flushed, host.redis.emptied) == ({}, [], [])


@pytest.mark.parametrize(
    ("state", "cause"),
    [
        ({"theirs": {"shop": (1, 2)}}, "may select other indexes than 2"),
        ({"theirs": {"shop": ()}}, "Redis refused SELECT"),
        ({"service_users": {"shop": "another"}}, "Redis refused AUTH"),
        ({"silent": True}, "can't be reached"),
    ],
)
def test_a_release_does_not_begin_where_the_service_is_not_as_it_is_to_be(
    host: FakeHost, state: dict[str, Any], cause: str
) -> None:
    run(host, V1)
    for name, value in state.items():
        setattr(host.redis, name, value)
    failure = fails(host, V2, cache=THERE).failure
    assert failure.phase == "cache"
    assert cause in failure.cause
    assert "cache-password-of-shop" not in failure.text()
    known = record.load(host.ports(), "shop-app")
    assert known is not None
    assert record.serving_spec(host.ports(), "shop-app") == known.colours["blue"].spec


def test_a_certificate_that_nobody_vouches_for_is_said_at_once_with_where_to_write_it(host: FakeHost) -> None:
    run(host, V1)
    began = host.ports().clock.monotonic()
    host.redis.untrusted = True
    failure = fails(host, V2, cache=THERE).failure
    assert host.ports().clock.monotonic() - began < 10
    assert "the certificate of Redis at vultr-prod-1.vultrdb.example:16752: self-signed" in failure.cause
    assert "into codeb:managed.valkey.ca, then `pulumi up`" in failure.remedy


def test_rules_that_come_a_moment_later_are_waited_for(host: FakeHost) -> None:
    ports = host.ports()
    began = ports.clock.monotonic()
    host.redis.theirs = {"shop": (1, 2)}
    asked = host.redis.call_as

    def later(*arguments: Any) -> list[object]:
        if ports.clock.monotonic() - began > 10:
            host.redis.theirs = {"shop": (2,)}
        return asked(*arguments)

    host.redis.call_as = later  # type: ignore[method-assign]
    run(host, cache=THERE)
    assert ports.clock.monotonic() - began > 10


def test_going_there_and_back_again(host: FakeHost) -> None:
    run(host, V1)
    there = run(host, V1, cache=THERE)
    assert there["caches"] == ["10.77.0.2:6379", "rediss://vultr-prod-1.vultrdb.example:16752"]
    assert there["release"]["id"] == "r2"  # type: ignore[index]
    back(host)
    assert run(host, V2)["caches"] == ["10.77.0.2:6379"], "what stood by at the service is gone"


def test_removing_the_project_leaves_its_user_there_to_vultr(host: FakeHost) -> None:
    run(host, cache=THERE)
    code, answer, _ = call(host.ports(), "remove", {"version": 1, "project": "shop-app"})
    assert (code, answer.get("warnings") or []) == (0, [])


def test_a_first_release_that_fails_leaves_its_user_there_to_vultr(host: FakeHost) -> None:
    host.podman.registry[V1].status = 500
    assert fails(host, V1, cache=THERE).failure.phase == "health"


def test_the_container_is_another_one_there_and_the_same_here_as_before() -> None:
    here = read_release(Reader(release_document(V1), ""))
    said = {**release_document(V1)["cache"], "tls": False}
    assert read_release(Reader(release_document(V1, cache=said), "")).fingerprint() == here.fingerprint()
    assert read_release(Reader(release_document(V1, cache=THERE), "")).fingerprint() != here.fingerprint()


def test_an_index_is_emptied_as_the_project_s_own_user(host: FakeHost) -> None:
    code, answer, _ = call(host.ports(), "empty-cache", EMPTY)
    assert (code, answer) == (0, {"ok": True, "index": 2})
    assert host.redis.emptied == [("shop", 2)]


def test_nothing_is_emptied_by_who_might_empty_others(host: FakeHost) -> None:
    host.redis.theirs = {"shop": (1, 2, 3)}
    code, answer, err = call(host.ports(), "empty-cache", EMPTY)
    assert (code, answer["phase"], host.redis.emptied) == (1, "cache", [])
    assert "cache-password-of-shop" not in err


@pytest.mark.parametrize(
    "changes",
    [
        {"index": 0},
        {"index": 16},
        {"host": "a b"},
        {"user": "shop app"},
        {"project": "../etc"},
        {"port": 0},
        {"more": 1},
    ],
)
def test_a_document_that_names_no_project_s_index_is_refused(host: FakeHost, changes: dict[str, Any]) -> None:
    assert call(host.ports(), "empty-cache", EMPTY | changes)[0] == 2
    assert host.redis.emptied == []


def test_an_administrator_s_password_is_not_for_the_service(host: FakeHost) -> None:
    with pytest.raises(BadDocument, match="admin_password"):
        run(host, cache={**THERE, "admin_password": "cache-admin-password"})


def test_a_record_says_so_of_those_there_alone(host: FakeHost) -> None:
    """An agent of before, which knew no service, reads what is remembered of a cache here."""
    for cache, said in ((release_document(V1)["cache"], False), (THERE, True)):
        spec = read_release(Reader(release_document(V1, cache=cache), "")).spec
        written = spec.to_json()["cache"]
        assert isinstance(written, dict)
        assert ("tls" in written) == said
        run(host, cache=cache)
        known = record.load(host.ports(), "shop-app")
        assert known is not None
        assert spec.cache in [each.spec.cache for each in known.colours.values()]
