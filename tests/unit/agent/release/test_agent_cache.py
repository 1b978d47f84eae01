"""A project's user in Redis while releases come, go back and move: who may what, and whose an index is."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from agent.documents.errors import BadDocument
from tests.unit.agent.fakes.documents import release_document
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.fakes.podman import App
from tests.unit.agent.verbs import V1, V2, back, call, fails, new_host, run


@pytest.fixture
def host() -> FakeHost:
    return new_host()


def rules_of(host: FakeHost) -> list[str]:
    """Without the servers that have the user, which are selectors that allow nothing."""
    return [rule for rule in host.redis.users["shop"] if not rule.startswith("(~codeb:server:")]


def test_cache_user_may_select_its_own_index_only(host: FakeHost) -> None:
    run(host)
    wanted = release_document(V1)["cache"]["rules"]
    assert rules_of(host) == ["reset", "on", ">cache-password-of-shop", *wanted]
    assert host.redis.flushed == [2]


@pytest.mark.parametrize("changes", [{}, {"site": "shop-app.lab.test {\n\t# new\n}\n"}])
def test_rules_of_the_cache_change_without_a_release(host: FakeHost, changes: dict[str, Any]) -> None:
    run(host)
    cache = release_document(V1)["cache"]
    narrower = {**cache, "rules": ["~*", "resetchannels", "-@all", "+get", "+select|2"]}
    answer = run(host, cache=narrower, **changes)
    assert answer["release"]["id"] == "r1", "nothing is restarted"
    assert rules_of(host)[3:] == narrower["rules"]
    assert host.redis.flushed == [2], "nothing is emptied again"


def test_rules_change_where_a_rollback_is_in_force_too(host: FakeHost) -> None:
    run(host, V1)
    run(host, V2)
    back(host)
    narrower = {**release_document(V2)["cache"], "rules": ["~*", "resetchannels", "-@all", "+select|2"]}
    answer = run(host, V2, cache=narrower)
    assert answer["image"] == V1
    assert rules_of(host)[3:] == narrower["rules"]


def test_going_back_to_another_redis_makes_the_user_there_again(host: FakeHost) -> None:
    own = {**release_document(V1)["cache"], "port": 8001, "index": 0, "rules": ["~*", "&*", "+@all"]}
    run(host, V1)
    answer = run(host, V1, cache=own)
    assert answer["caches"] == ["10.77.0.2:6379", "10.77.0.2:8001"]
    assert host.redis.flushed == [2], "the fake knows one server: the user was there"
    host.redis.users.clear()
    assert run(host, V1)["release"]["why"] == "released again"
    assert "+select|2" in host.redis.users["shop"]
    host.redis.users.clear()
    host.redis.users["default"] = ["on", "~*"]
    run(host, V1, cache=own)
    assert host.redis.flushed[-1] == 0, "an instance of its own is emptied whole for a user that is new to it"
    assert sorted(host.redis.users) == ["default", "shop"], "its administrator stays"


@pytest.mark.parametrize(
    "rule",
    [">stolen", "#abc", "nopass", "on", "allkeys", "+@all on", "+select|2\nx", "&a b", "(+@all ~*)", "%R~*"],
)
def test_a_rule_that_is_more_than_a_rule_is_refused(host: FakeHost, rule: str) -> None:
    cache = {**release_document(V1)["cache"], "rules": [rule]}
    with pytest.raises(BadDocument, match=r"cache\.rules\[0\]"):
        run(host, cache=cache)
    assert host.redis.users == {}


def test_cache_index_is_emptied_for_a_new_owner_only(host: FakeHost) -> None:
    host.redis.users["left"] = ["on", "+select|2"]
    host.redis.users["neighbour"] = ["on", "+select|12"]
    run(host)
    run(host, V2)
    assert host.redis.flushed == [2]
    assert sorted(host.redis.users) == ["neighbour", "shop"]


def test_the_old_password_stays_valid_while_the_old_colour_stands_by(host: FakeHost) -> None:
    run(host)
    cache = {**release_document(V1)["cache"], "password": "rotated-password"}
    run(host, V2, cache=cache)
    rules = host.redis.users["shop"]
    assert ">rotated-password" in rules
    hashed = [rule for rule in rules if rule.startswith("#")]
    assert len(hashed) == 1
    run(host, V2, cache=cache)
    assert [rule for rule in host.redis.users["shop"] if rule.startswith("#")] == hashed, (
        "it may be gone back to"
    )


def test_an_index_that_another_project_serves_with_is_not_given_away(host: FakeHost) -> None:
    """The plan never does; a registry of an earlier version may have."""
    first = release_document(V1)["cache"]
    run(host, V1)
    rules = dict(host.redis.users)
    taken = fails(
        host,
        V1,
        project="other-app",
        pair=(3003, 3004),
        cache={**first, "user": "other", "rules": first["rules"]},
    )
    assert taken.failure.cause == "index 2 of Redis at 10.77.0.2:6379 is what shop-app serves with"
    assert host.redis.users == rules


def two_servers() -> tuple[FakeHost, FakeHost]:
    """Two servers that run the project, and the Redis of both."""
    first, second = new_host(), new_host()
    second.redis = first.redis
    for name, host in (("first", first), ("second", second)):
        host.put("/etc/machine-id", f"{name}\n")
        run(host)
    return first, second


@pytest.mark.parametrize("leaves", [0, 1])
@pytest.mark.parametrize("document", [release_document(V1), {"project": "shop-app"}])
def test_a_server_that_leaves_takes_no_user_that_another_one_serves_with(
    leaves: int, document: dict[str, Any]
) -> None:
    servers = two_servers()
    stays = servers[1 - leaves]
    password = rules_of(stays)
    call(servers[leaves].ports(), "remove", document)
    assert rules_of(stays) == password
    assert call(stays.ports(), "remove", release_document(V1))[1]["warnings"] == []
    assert ("shop" in stays.redis.users) is ("cache" not in document), "nobody told who left of the password"


def test_the_last_of_several_servers_takes_the_user_with_it() -> None:
    first, second = two_servers()
    for host in (second, first):
        call(host.ports(), "remove", release_document(V1))
    assert first.redis.users == {}


def test_a_first_release_that_fails_on_a_second_server_leaves_the_user(host: FakeHost) -> None:
    """It is put back by what `remove` does."""
    first, second = new_host(), new_host()
    second.redis = first.redis
    first.put("/etc/machine-id", "first\n")
    run(first)
    second.podman.registry[V2] = App(status=500)
    fails(second, V2)
    assert rules_of(first)[:2] == ["reset", "on"]


def test_a_user_that_an_older_agent_made_goes_with_its_project(host: FakeHost) -> None:
    run(host)
    host.redis.users["shop"] = rules_of(host)
    call(host.ports(), "remove", release_document(V1))
    assert host.redis.users == {}


def accepted(host: FakeHost) -> set[str]:
    """Passwords that the project's user is let in by, those that are kept as hashes by their first letters."""
    known = {sha256(f"{name} password".encode()).hexdigest(): name for name in ("first", "second", "third")}
    rules = [rule for rule in rules_of(host) if rule[:1] in (">", "#")]
    return {known[rule[1:]] if rule[0] == "#" else rule[1:].removesuffix(" password") for rule in rules}


def with_password(host: FakeHost, image: str, name: str) -> None:
    run(host, image, cache={**release_document(V1)["cache"], "password": f"{name} password"})


def test_a_password_is_taken_as_long_as_a_colour_has_it_and_refused_right_then(host: FakeHost) -> None:
    with_password(host, V1, "first")
    with_password(host, V1, "second")
    assert accepted(host) == {"first", "second"}
    with_password(host, V1, "third")
    assert accepted(host) == {"second", "third"}
    with_password(host, V2, "third")
    assert accepted(host) == {"third"}


def test_a_release_that_fails_leaves_the_password_of_what_serves(host: FakeHost) -> None:
    with_password(host, V1, "first")
    with_password(host, V1, "second")
    host.podman.registry[V2] = App(status=500)
    fails(host, V2, cache={**release_document(V1)["cache"], "password": "third password"})
    assert "second" in accepted(host)
    assert "first" not in accepted(host), "what stood by was given up for the release that failed"
