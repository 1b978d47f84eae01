"""A plugin's process: how it says where it is, how it ends, what it leaves."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from google.protobuf import empty_pb2

from lab.plugins.protos import provider_pb2
from lab.providers.command.local import TYPE
from lab.providers.protocol import ProviderError
from lab.pulumi.home import START
from tests.plugins.client import VERSIONS, Plugin, plugin
from tests.plugins.life import urn

SOON_S = 30
HOLDER = "import subprocess, sys; subprocess.run(sys.argv[1:], stdin=subprocess.PIPE)"
"""A program that holds a plugin's standard input, as the CLI does."""


@pytest.mark.parametrize("package", VERSIONS)
def test_a_plugin_tells_who_it_is(package: str) -> None:
    with plugin(package) as running:
        assert running.stub.Handshake(provider_pb2.ProviderHandshakeRequest()).accept_secrets
        assert running.stub.GetPluginInfo(empty_pb2.Empty()).version == VERSIONS[package]
        schema = running.stub.GetSchema(provider_pb2.GetSchemaRequest()).schema
        assert schema == f'{{"name":"{package}","version":"{VERSIONS[package]}"}}'
        configured = running.stub.Configure(provider_pb2.ConfigureRequest())
        assert configured.acceptSecrets
        assert configured.supportsPreview


@pytest.mark.parametrize("how", ["input closed", signal.SIGINT, signal.SIGTERM])
def test_the_end_ends_what_runs(how: str | signal.Signals, tmp_path: Path) -> None:
    running = Plugin("command", tmp_path / "journal")
    running.configure({})
    with ThreadPoolExecutor(1) as pool:
        line = f"echo $$ > {tmp_path}/part; mv {tmp_path}/part {tmp_path}/pid; sleep 60"
        call = pool.submit(running.create, TYPE, urn(TYPE), {"create": line})
        _wait_for(tmp_path / "pid")
        if isinstance(how, signal.Signals):
            running.process.send_signal(how)
        else:
            assert running.process.stdin is not None
            running.process.stdin.close()
        assert running.process.wait(SOON_S) == 0
        with pytest.raises(ProviderError):
            call.result(SOON_S)
    assert running.ended() == 0
    assert not _runs(int((tmp_path / "pid").read_text())), "the command went on without its plugin"


def test_a_killed_cli_leaves_no_plugin(tmp_path: Path) -> None:
    line = [sys.executable, str(START), "lab.plugins.resource", "command", VERSIONS["command"], str(tmp_path)]
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, *line], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert int(holder.stdout.readline()) > 0
    children = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().split()
    holder.kill()
    holder.wait()
    assert holder.stdout.read() == b"", "the plugin has closed its output: it has ended"
    holder.stdout.close()
    assert [child for child in children if _runs(int(child))] == []


@pytest.mark.parametrize(("asked", "notes"), [(True, 0), (False, 1)])
def test_only_a_cli_that_ends_in_order_has_written_what_it_was_told(
    asked: bool, notes: int, tmp_path: Path
) -> None:
    running = Plugin("command", tmp_path)
    running.create(TYPE, urn(TYPE), {"create": "true"})
    assert len(list(tmp_path.iterdir())) == 1, "noted before it was begun"
    if asked:
        running.close()
    else:
        assert running.process.stdin is not None
        running.process.stdin.close()
        assert running.process.wait(SOON_S) == 0
        running.ended()
    assert len(list(tmp_path.iterdir())) == notes


def test_a_cancelled_creation_stays_noted(tmp_path: Path) -> None:
    """Nobody knows how far it came: the next run asks."""
    journal = tmp_path / "journal"
    with plugin("command", {}, journal) as running, ThreadPoolExecutor(1) as pool:
        call = pool.submit(running.create, TYPE, urn(TYPE), {"create": f"touch {tmp_path}/begun; sleep 60"})
        _wait_for(tmp_path / "begun")
        running.cancel()
        with pytest.raises(ProviderError, match="killed"):
            call.result(SOON_S)
        with pytest.raises(ProviderError):
            running.create(TYPE, urn(TYPE, "other"), {"create": "exit 1"})
    assert len(list(journal.iterdir())) == 2


def test_messages_are_larger_than_what_grpc_lets_through_by_itself(command: Plugin) -> None:
    text = "x" * (6 << 20)
    news = command.check(TYPE, urn(TYPE), {}, {"create": "cat", "stdin": text}, b"").inputs
    assert command.create(TYPE, urn(TYPE), news).outputs["stdout"] == text


def test_a_preview_that_ends_has_loaded_no_ssh_library() -> None:
    """It takes longer than all else of a preview's end."""
    with plugin("command", {}) as running:
        running.cancel()
        loaded = Path(f"/proc/{running.process.pid}/maps").read_text()
    assert "_cffi_backend" not in loaded
    assert "cryptography" not in loaded


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + SOON_S
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _runs(pid: int) -> bool:
    """Whether it still does after a while."""
    deadline = time.monotonic() + SOON_S
    while time.monotonic() < deadline:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except FileNotFoundError:
            return False
        if stat.rsplit(")", 1)[1].split()[0] == "Z":
            return False
        time.sleep(0.05)
    return True
