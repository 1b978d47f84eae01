"""The provider in this process, against a server that a test scripts; its waits take no time and are told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import pytest

from lab.providers import factory
from lab.providers.protocol import Provider
from lab.providers.vultr.api import Api
from tests.plugins.vultr.account import Account
from tests.plugins.vultr.lives import RESOURCES, Life
from tests.plugins.vultr.server import Answer, Server

KEY = "the-key"


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the provider waited, in seconds, in this order: nothing of it is waited in fact."""
    told: list[float] = []
    monkeypatch.setattr(Api, "wait", lambda _, seconds: told.append(seconds))
    return told


@pytest.fixture
def server(waits: list[float]) -> Iterator[Server]:
    made = Server(lambda _: Answer(500, {"error": "nobody said what to answer", "status": 500}))
    made.now = lambda: sum(waits)
    with made.running() as running:
        yield running


@pytest.fixture
def vultr(server: Server, monkeypatch: pytest.MonkeyPatch) -> Provider:
    """Configured for the server, with a key."""
    monkeypatch.setenv("CODEB_VULTR_API", server.url)
    provider = factory("vultr", "2.27.1")
    provider.configure({"apiKey": KEY})
    return provider


@pytest.fixture
def account(server: Server) -> Account:
    """What the server has; nothing at first."""
    made = Account()
    server.behaviour = made.answer
    return made


class Lives(Protocol):
    """Makes a resource of the recording known to a test, with its recorded inputs or others."""

    def __call__(self, resource: str, **inputs: Any) -> Life: ...


@pytest.fixture
def life(vultr: Provider, server: Server, waits: list[float]) -> Lives:
    def begin(resource: str, **inputs: Any) -> Life:
        return Life(vultr, server, waits, resource, **inputs)

    return begin


@pytest.fixture
def made(life: Lives, account: Account) -> Lives:
    """The same, created in the account; what is given replaces a recorded input, None takes it away."""

    def create(resource: str, **inputs: Any) -> Life:
        one = life(resource, **{**RESOURCES[resource].inputs, **inputs})
        one.create()
        return one

    return create
