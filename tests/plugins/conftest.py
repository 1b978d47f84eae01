"""Plugins' processes, and real servers on loopback for them: an SSH server, a PostgreSQL cluster, a MinIO server.

Each is started by the tests, with keys and data in a temporary folder, and ended with them. A plugin that a test cancels or
kills is its own (`client.plugin`); all others share one of each package.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from tests.minio import PASSWORD, USER, minio_server
from tests.plugins.client import Plugin, plugin
from tests.plugins.processes import end, wait_for_port
from tests.ports import free_port
from tests.postgres import Cluster, postgres_cluster


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


@pytest.fixture(scope="session")
def command() -> Iterator[Plugin]:
    with plugin("command", {}) as running:
        yield running


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    settings = {"log_statement": "all", "fsync": "off"}
    with postgres_cluster(settings=settings, prepare=with_tls) as running:
        yield running


def with_tls(home: Path) -> dict[str, object]:
    """Settings for the certificate of the cluster's folder."""
    return {"ssl": "on", "ssl_cert_file": home / "server.crt", "ssl_key_file": home / "server.key"}


@pytest.fixture(scope="session")
def postgresql(cluster: Cluster) -> Iterator[Plugin]:
    with plugin("postgresql", cluster.config) as running:
        yield running


@pytest.fixture(scope="session")
def minio_config() -> Iterator[dict[str, str]]:
    """A MinIO server with TLS; the value is the provider's configuration for its administrator."""
    with minio_server() as server:
        yield {
            "minioServer": f"127.0.0.1:{server.port}",
            "minioUser": USER,
            "minioPassword": PASSWORD,
            "minioSsl": "true",
            "minioCacertFile": str(server.certificate),
        }


@pytest.fixture(scope="session")
def minio(minio_config: dict[str, str]) -> Iterator[Plugin]:
    with plugin("minio", minio_config) as running:
        yield running


@pytest.fixture(scope="session")
def provider_of() -> Iterator[Callable[[str], Plugin]]:
    """The plugin for a resource type, not configured: it can check, diff and preview."""
    with ExitStack() as running:

        @cache
        def of(package: str) -> Plugin:
            return running.enter_context(plugin(package))

        yield lambda type_: of(type_.split(":")[0])
