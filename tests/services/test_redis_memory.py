"""Memory that is shared: who loses keys when one project fills it."""

from __future__ import annotations

from collections.abc import Callable

from agent.host.ports import RedisRefused
from agent.real.redis import _encoded
from tests.services.redis_server import Client, RedisServer

SESSIONS = 300
SMALL = ("--maxmemory", "24mb")
"""The limit of these tests; the eviction and all else is as rendered."""
FLOOD = 60_000
VALUE = "x" * 1000


def flood(client: Client, keys: int = FLOOD) -> list[str]:
    """Write keys without end of life, once each, as a cache that has run away does; what was refused."""
    refused = []
    for start in range(0, keys, 1000):
        for key in range(start, start + 1000):
            client.send(_encoded(["SET", f"page:{key}", VALUE]))
        answers = [client.read() for _ in range(1000)]
        refused += [answer for answer in answers if answer != "OK"]
    return refused


def sign_in(client: Client, since: str = "") -> None:
    """Sessions with an end of life, each looked at again by the next page, as every session is."""
    for key in range(SESSIONS):
        assert client.do("SET", f"session{since}:{key}", VALUE, "EX", "86400") == "OK"
        assert client.do("GET", f"session{since}:{key}") == VALUE
        assert client.do("GET", f"session{since}:{key}") == VALUE


def left(client: Client) -> int:
    return sum(client.do("EXISTS", f"session:{key}") for key in range(SESSIONS))


def test_sessions_are_not_what_a_neighbour_s_flood_takes(start_redis: Callable[..., RedisServer]) -> None:
    server = start_redis("redis-0", *SMALL)
    for project in ("blog", "food-delivery-app"):
        server.grant(project)
    blog, greedy = server.app("blog"), server.app("food-delivery-app")
    sign_in(blog)
    assert flood(greedy) == [], "nor does anybody's write fail"
    kept = left(blog)
    assert greedy.do("DBSIZE") < FLOOD / 2, "the memory was full long before"
    assert kept >= SESSIONS * 0.99, f"{kept} of {SESSIONS} sessions are left"


def test_an_instance_of_its_own_refuses_writes_instead_of_losing_keys_when_it_is_told_so(
    start_redis: Callable[..., RedisServer],
) -> None:
    server = start_redis("redis-shop", *SMALL)
    server.grant("shop")
    shop = server.app("shop")
    sign_in(shop)
    refused = flood(shop)
    assert refused
    assert all(answer.startswith("OOM") for answer in refused)
    assert left(shop) == SESSIONS


def test_a_client_that_does_not_read_is_disconnected_before_it_takes_others_keys(
    start_redis: Callable[..., RedisServer],
) -> None:
    server = start_redis("redis-0", *SMALL)
    for project in ("blog", "food-delivery-app"):
        server.grant(project)
    blog, greedy = server.app("blog"), server.app("food-delivery-app")
    sign_in(blog)
    assert greedy.do("SET", "big", "x" * 1_000_000) == "OK"
    try:
        for _ in range(200):
            greedy.send(_encoded(["GET", "big"]))
    except OSError:
        pass
    assert blog.do("PING") == "PONG"
    assert left(blog) == SESSIONS
    try:
        while True:
            greedy.read()
    except (RedisRefused, OSError):
        pass
    assert "OK" in server.app("food-delivery-app").do("SET", "k", "v")
