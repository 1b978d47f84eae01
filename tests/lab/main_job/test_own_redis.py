"""A project that takes a Redis of its own and gives it back, under requests, with a rollback in between."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from inside import REDIS, in_app
from stack import Stack, new_project, served_all_the_time

pytestmark = pytest.mark.lab

DOMAIN = "shop.lab.test"


def shop(cache: dict[str, Any], **variables: str) -> dict[str, Any]:
    manifest = new_project("shop", **variables)
    manifest["project"]["lifecycle"] = "destroy"
    manifest.setdefault("resources", {})["cache"] = cache
    return manifest


@pytest.fixture
def shared(stack: Stack) -> Iterator[Stack]:
    stack.write("shop", shop({}))
    added = stack.up()
    assert added.status == 0, added.text
    yield stack
    stack.remove("shop")
    assert stack.up().status == 0


def instances(stack: Stack) -> set[str]:
    names = stack.on_host("podman", "ps", "--format", "{{.Names}}").stdout.decode().split()
    return {name for name in names if name.startswith("redis-")}


@pytest.mark.slow
def test_a_project_moves_to_a_redis_of_its_own_and_back(shared: Stack) -> None:
    stack, before = shared, shared.entry("shop")["redis"]
    with served_all_the_time(DOMAIN, "blog.lab.test"):
        stack.write("shop", shop({"dedicated": "64Mi", "eviction": "noeviction"}))
        moved = stack.up()
        assert moved.status == 0, moved.text
    assert stack.entry("shop")["redis"]["instance"] == "redis-shop"
    assert stack.outputs()["allocations"]["shop"]["redis"] == "redis-shop (64Mi, noeviction)"
    assert instances(stack) == {"redis-0", "redis-shop"}
    unit = stack.on_host("cat", "/etc/containers/systemd/redis-shop.container").stdout.decode()
    assert f"--memory={(2 * 64 + 64) << 20}b" in unit, "what the lab's nested control groups can't enforce"
    assert in_app(stack, "shop", REDIS, "PUBLISH anything x") == ":0"
    assert in_app(stack, "shop", REDIS, "SET k v") == "+OK"
    assert in_app(stack, "shop", REDIS, "CONFIG GET maxmemory").startswith("-NOPERM")
    assert in_app(stack, "blog", REDIS.replace("Number(REDIS_PORT)", "8001"), "PING").startswith("-NOAUTH")
    assert stack.on_host("codeb-agent", "doctor", stdin="{}").returncode == 0

    with served_all_the_time(DOMAIN):
        assert stack.codeb("rollback", "shop").returncode == 0
        assert in_app(stack, "shop", REDIS, f"SELECT {before['db_index']:.0f}") == "+OK", (
            "its index is still its own"
        )
        assert stack.codeb("rollback", "shop", "--forward").returncode == 0
        assert in_app(stack, "shop", REDIS, "GET k") == "$1"

        stack.write("shop", shop({}))
        back = stack.up()
        assert back.status == 0, back.text
        assert stack.entry("shop")["redis"]["db_index"] == before["db_index"]
        assert stack.up().status == 0
        assert "redis-shop" in instances(stack), "the release before uses it"
        stack.write("shop", shop({}, GREETING="hello"))
        assert stack.up().status == 0
        assert stack.up().status == 0
    assert instances(stack) == {"redis-0"}
    assert in_app(stack, "shop", REDIS, "PUBLISH shop:news x") == ":0"
