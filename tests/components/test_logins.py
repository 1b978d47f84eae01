"""An update logs in once to each server before the command plugin does, which tries again whatever the reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pulumi
import pytest

from codeb.ssh import SshTarget
from ops.ssh import Answer, LoginRefused, SshError
from tests.components.recording import record

SHOP = "project: {id: shop}\nenvironment: {domain: shop.lab.test, image: 'registry.lab.test:5000/shop:1'}\n"
REFUSED = "root@192.0.2.10 port 22: Permission denied (publickey).; put the public half"


class Server:
    """Stands in for `ops.ssh.ask`; notes who was asked, and whether as one that is in use."""

    def __init__(self, error: SshError) -> None:
        self.error = error
        self.asked: list[tuple[str, bool]] = []

    def __call__(self, target: SshTarget, *_: object, known: bool, **__: Any) -> Answer:
        self.asked.append((target.address, known))
        raise self.error


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return record(tmp_path_factory.mktemp("first"), {"shop.yaml": SHOP}).outputs[-1]["registry"]


@pytest.mark.parametrize("first", [True, False])
def test_a_refused_key_ends_an_update_before_anything_is_declared(
    tmp_path: Path, registry: Any, first: bool
) -> None:
    server = Server(LoginRefused(REFUSED))
    with pytest.raises(pulumi.RunError, match=r"one: root@192\.0\.2\.10 port 22: Permission denied"):
        record(tmp_path, {"shop.yaml": SHOP}, ask=server, registry=None if first else registry)
    assert server.asked == [("192.0.2.10", not first)]


def test_a_preview_goes_on(tmp_path: Path, registry: Any, caplog: pytest.LogCaptureFixture) -> None:
    record(tmp_path, {"shop.yaml": SHOP}, ask=Server(LoginRefused(REFUSED)), registry=registry, preview=True)
    assert "one was not asked what it runs" in caplog.text
    assert "Permission denied" in caplog.text


def test_a_new_server_without_an_agent_is_no_word_worth(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = Server(SshError("has no codeb-agent"))
    record(tmp_path, {"shop.yaml": SHOP}, ask=server)
    assert server.asked == [("192.0.2.10", False)]
    assert "has no codeb-agent" not in caplog.text


@pytest.mark.parametrize("preview", [True, False])
def test_a_server_in_use_that_is_silent_is_said(
    tmp_path: Path, registry: Any, caplog: pytest.LogCaptureFixture, preview: bool
) -> None:
    server = Server(SshError("Connection refused; if the server is up, Fail2Ban"))
    record(tmp_path, {"shop.yaml": SHOP}, ask=server, registry=registry, preview=preview)
    assert server.asked == [("192.0.2.10", True)]
    assert "one was not asked what it runs: Connection refused" in caplog.text
