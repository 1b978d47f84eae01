"""The stand-in as the CLI has it, a process of its own: what is secret on the wire, and what a kill leaves."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from lab.plugins.values import Secret, decode
from lab.providers.protocol import ProviderError
from tests.plugins.client import plugin
from tests.plugins.life import urn
from tests.plugins.vultr.account import Account
from tests.plugins.vultr.conftest import KEY
from tests.plugins.vultr.lives import RESOURCES
from tests.plugins.vultr.server import Server

INSTANCE, BALANCER = RESOURCES["Instance"], RESOURCES["LoadBalancer"]
WAITS_S = 30


@pytest.fixture(autouse=True)
def environment(server: Server, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEB_VULTR_API", server.url)
    monkeypatch.setenv("CODEB_VULTR_PACE", "0.001")


def test_secrets_are_marked_on_the_wire() -> None:
    ssl = {"privateKey": "KEY", "certificate": "CERTIFICATE"}
    with plugin("vultr", {"apiKey": KEY}) as running:
        inputs = decode(
            running.check_on_the_wire(
                BALANCER.type, urn(BALANCER.type), {}, {**BALANCER.inputs, "ssl": ssl}
            ).inputs
        )
        made = running.create_on_the_wire(BALANCER.type, urn(BALANCER.type), inputs)
        outputs = decode(made.properties)
        for found in (inputs, outputs):
            assert (found["ssl"]["privateKey"], found["ssl"]["certificate"]) == (Secret("KEY"), "CERTIFICATE")
        checked = running.check(INSTANCE.type, urn(INSTANCE.type), {}, INSTANCE.inputs)
        instance = running.create_on_the_wire(INSTANCE.type, urn(INSTANCE.type), checked.inputs)
        assert decode(instance.properties)["defaultPassword"] == Secret("p4ss-EXAMPLE")


def test_an_instance_of_a_run_that_was_killed_is_made_once_more(
    account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Other stand-ins take over what a killed run began; the real plugin does not, and neither does this one."""
    monkeypatch.setenv("CODEB_VULTR_PACE", "1")
    with plugin("vultr", {"apiKey": KEY}, tmp_path) as doomed:
        inputs = doomed.check(INSTANCE.type, urn(INSTANCE.type), {}, INSTANCE.inputs).inputs
        killer = threading.Thread(target=_kill_once_it_is_there, args=(doomed, account))
        killer.start()
        with pytest.raises(ProviderError):
            doomed.create(INSTANCE.type, urn(INSTANCE.type), inputs)
        killer.join()
    monkeypatch.setenv("CODEB_VULTR_PACE", "0.001")
    with plugin("vultr", {"apiKey": KEY}, tmp_path) as second:
        assert second.create(INSTANCE.type, urn(INSTANCE.type), inputs).id == "instances-2"
    assert len(account.of("instances")) == 2


def _kill_once_it_is_there(running: object, account: Account) -> None:
    deadline = time.monotonic() + WAITS_S
    while not account.things and time.monotonic() < deadline:
        time.sleep(0.05)
    running.process.kill()  # type: ignore[attr-defined]
