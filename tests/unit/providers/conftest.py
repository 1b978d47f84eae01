"""Real servers on loopback for the provider tests: an SSH server, a PostgreSQL cluster, a MinIO server.

Each is started by the tests, with keys and data in a temporary folder, and ended with them.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from lab.engine.provider import Provider
from lab.providers import factory

START_TIMEOUT_S = 30


def free_port() -> int:
    """A loopback port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until something listens on the port; fail with the log if the server ends first."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"server did not come up on port {port}:\n{log.read_text(errors='replace')[-2000:]}")


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@dataclass(frozen=True)
class Server:
    """An SSH server: how to connect to it (`connection` of a remote command), and its process."""

    connection: dict[str, Any]
    host_key: str
    port: int


@pytest.fixture(scope="session")
def ssh_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    sshd = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:" + os.environ.get("PATH", ""))
    if sshd is None or os.geteuid() != 0:
        pytest.skip("needs sshd (package openssh-server) and root")
    folder = tmp_path_factory.mktemp("sshd")
    host_key, user_key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    (folder / "host").write_bytes(host_key.export_private_key())
    (folder / "host").chmod(0o600)
    (folder / "authorized").write_bytes(user_key.export_public_key())
    port = free_port()
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\n"
        "PermitRootLogin prohibit-password\nStrictModes no\nUsePAM no\nPidFile none\nAcceptEnv PULUMI_* OK_*\n"
    )
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen([sshd, "-D", "-e", "-f", str(folder / "config")], stderr=output)
    wait_for_port(port, process, log)
    public = host_key.export_public_key().decode().strip()
    connection = {
        "host": "127.0.0.1",
        "port": port,
        "privateKey": user_key.export_private_key().decode(),
        "hostKey": public,
    }
    yield Server(connection, public, port)
    end(process)


@pytest.fixture
def command() -> Iterator[Provider]:
    provider = factory("command", "1.2.1")
    provider.configure({})
    yield provider
    provider.close()
