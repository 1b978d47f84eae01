"""Real servers on loopback for the provider tests: an SSH server, a PostgreSQL cluster, a MinIO server.

Each is started by the tests, with keys and data in a temporary folder, and ended with them.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lab.host.paths import Folders
from lab.providers import factory
from lab.providers.protocol import Provider
from tests.ports import free_port

START_TIMEOUT_S = 30
STARTING_UP = 1  # exit status of pg_isready


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


@dataclass(frozen=True)
class Cluster:
    """A PostgreSQL server with TLS; `config` is the provider's configuration for its superuser."""

    config: dict[str, str]
    certificate: Path
    log: Path


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if not binaries or os.geteuid() != 0:
        pytest.skip("needs a PostgreSQL server (package postgresql) and root, to run it as user postgres")
    with tempfile.TemporaryDirectory(prefix="codeb-postgres-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        (home / "password").write_text("super secret\n")
        certificate = write_certificate(home)
        for path in (home, *home.iterdir()):
            shutil.chown(path, "postgres")
        init: list[str | Path] = [
            binaries[-1] / "initdb",
            "-D",
            home / "data",
            "-U",
            "admin",
            "--pwfile",
            home / "password",
        ]
        subprocess.run(
            [*init, "-A", "scram-sha-256", "--locale=C.UTF-8", "-E", "UTF8"],
            user="postgres",
            cwd=home,
            check=True,
            capture_output=True,
        )
        port = free_port()
        settings = {
            "port": port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": home,
            "ssl": "on",
            "ssl_cert_file": home / "server.crt",
            "ssl_key_file": home / "server.key",
            "log_statement": "all",
            "fsync": "off",
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        log = home / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [binaries[-1] / "postgres", "-D", home / "data", *options],
                user="postgres",
                cwd=home,
                stderr=output,
            )
        wait_for_port(port, process, log)
        ready: list[str | Path] = [
            binaries[-1] / "pg_isready",
            "-q",
            "-t",
            str(START_TIMEOUT_S),
            "-h",
            "127.0.0.1",
            "-p",
            str(port),
        ]
        while subprocess.run(ready).returncode == STARTING_UP:
            time.sleep(0.05)
        config = {
            "host": "127.0.0.1",
            "port": str(port),
            "username": "admin",
            "password": "super secret",
            "sslmode": "verify-full",
            "sslrootcert": str(certificate),
            "connectTimeout": "10",
        }
        yield Cluster(config, certificate, log)
        end(process)


def write_certificate(folder: Path) -> Path:
    """A self-signed certificate for 127.0.0.1 and its key: server.crt and server.key in the folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "provider tests")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.key").write_bytes(private)
    (folder / "server.key").chmod(0o600)
    (folder / "server.crt").write_bytes(certificate.public_bytes(encoding))
    return folder / "server.crt"


@pytest.fixture
def postgresql(cluster: Cluster) -> Iterator[Provider]:
    provider = factory("postgresql", "3.18.2")
    provider.configure(cluster.config)
    yield provider
    provider.close()


@pytest.fixture(scope="session")
def minio_config() -> Iterator[dict[str, str]]:
    """A MinIO server with TLS; the value is the provider's configuration for its administrator."""
    built = sorted(Folders.here().cache.glob("minio-*/minio"))
    binary = shutil.which("minio") or (str(built[-1]) if built else None)
    if binary is None:
        pytest.skip("needs a MinIO server: on the PATH, or as built by `make lab`")
    with tempfile.TemporaryDirectory(prefix="codeb-minio-") as folder:
        home = Path(folder)
        certificate = write_certificate(home)
        certificate.rename(home / "public.crt")
        (home / "server.key").rename(home / "private.key")
        port = free_port()
        log = home / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [binary, "server", "--quiet", "--address", f"127.0.0.1:{port}",
                 "--console-address", f"127.0.0.1:{free_port()}", "--certs-dir", home, home / "data"],
                env={"MINIO_ROOT_USER": "labadmin", "MINIO_ROOT_PASSWORD": "super secret", "HOME": folder},
                stdout=output,
                stderr=output,
            )  # fmt: skip
        wait_for_port(port, process, log)
        yield {
            "minioServer": f"127.0.0.1:{port}",
            "minioUser": "labadmin",
            "minioPassword": "super secret",
            "minioSsl": "true",
            "minioCacertFile": str(home / "public.crt"),
        }
        end(process)


@pytest.fixture
def minio(minio_config: dict[str, str]) -> Iterator[Provider]:
    provider = factory("minio", "0.17.1")
    provider.configure(minio_config)
    yield provider
    provider.close()
