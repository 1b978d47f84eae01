"""The platform's data services as real servers on loopback, with the settings and rules that are rendered for a stack."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.services.redis_server import RedisServer, redis_server
from tests.services.stack import Stack, example


@pytest.fixture(scope="session")
def stack() -> Stack:
    """Two projects that share what is shared (`blog`, `food-delivery-app`), and `shop`, whose Redis is its own."""
    return example()


@contextmanager
def _running(stack: Stack, instance: str, *more: str) -> Iterator[RedisServer]:
    if shutil.which("redis-server") is None:
        pytest.skip("needs a Redis server (package redis-server)")
    with (
        tempfile.TemporaryDirectory(prefix="codeb-redis-") as folder,
        redis_server(stack, instance, Path(folder), *more) as server,
    ):
        yield server


@pytest.fixture(scope="module")
def shared(stack: Stack) -> Iterator[RedisServer]:
    """`redis-0` with the users of `blog` and `food-delivery-app`."""
    with _running(stack, "redis-0") as server:
        for project in ("blog", "food-delivery-app"):
            server.grant(project)
        yield server


@pytest.fixture(scope="module")
def own(stack: Stack) -> Iterator[RedisServer]:
    """`redis-shop` with the user of `shop`."""
    with _running(stack, "redis-shop") as server:
        server.grant("shop")
        yield server


@pytest.fixture
def start_redis(stack: Stack) -> Iterator[Callable[..., RedisServer]]:
    """Starts an instance for one test; further arguments are the server's."""
    with ExitStack() as running:
        yield lambda instance, *more: running.enter_context(_running(stack, instance, *more))
