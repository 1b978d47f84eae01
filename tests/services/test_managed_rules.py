"""The rules of a project's user at Vultr's Valkey, given to a real server in whatever order the service may take them."""

from __future__ import annotations

import random

import pytest

from codeb.render import cache_access
from tests.services.redis_server import Client, RedisServer
from tests.services.test_redis_attacks import ATTACKS, REFUSED, commands, table, verdict

OTHERWISE = {"acl|whoami": "denied", "flushdb": "allowed"}
"""What the service keeps to itself, and what an index is emptied with."""
PASSWORD = "of-the-service"


def given(server: RedisServer, seed: int) -> None:
    """As the service gives them: categories, commands in some order, keys, channels.

    Commands that this server is too old for are left out.
    """
    access = cache_access(2, "blog:")
    admin = server.admin()
    has = {*commands(admin), *admin.do("COMMAND", "LIST"), "select|2"}
    rules = [rule for rule in access.commands if rule.lstrip("+-") in has]
    random.Random(seed).shuffle(rules)  # noqa: S311 - an order, no secret
    where = [*(f"~{key}" for key in access.keys), *(f"&{channel}" for channel in access.channels)]
    answer = server.admin().do(
        "ACL",
        "SETUSER",
        "there",
        "reset",
        "on",
        f">{PASSWORD}",
        "resetchannels",
        *access.categories,
        *rules,
        *where,
    )
    assert answer == "OK", answer


@pytest.mark.parametrize("seed", range(3))
def test_every_command_is_judged_as_on_a_shared_instance(shared: RedisServer, seed: int) -> None:
    given(shared, seed)
    admin, rows = shared.admin(), table()
    wrong = {
        name: found
        for name, words in commands(admin).items()
        if (found := verdict(admin, "there", name, words)) != OTHERWISE.get(name, rows[name][0])
    }
    assert not wrong


@pytest.mark.parametrize("attack", [name for name in ATTACKS if name != "empty an index"])
def test_nothing_of_a_neighbour_is_reached(shared: RedisServer, attack: str) -> None:
    given(shared, 7)
    answer = Client(shared.port, ("there", PASSWORD), "2").do(*ATTACKS[attack])
    assert isinstance(answer, str), answer
    assert REFUSED.search(answer), answer


def test_its_own_index_is_its_own_to_empty(shared: RedisServer) -> None:
    given(shared, 1)
    there, admin = Client(shared.port, ("there", PASSWORD), "2"), shared.admin()
    admin.do("SELECT", "3")
    admin.do("SET", "a-neighbour", "1")
    assert there.do("SET", "own", "1") == "OK"
    assert there.do("FLUSHDB") == "OK"
    assert there.do("EXISTS", "own") == 0
    assert admin.do("EXISTS", "a-neighbour") == 1
