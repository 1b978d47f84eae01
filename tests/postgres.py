"""PostgreSQL servers as processes of the tests: a fresh cluster in a temporary folder, on loopback, with TLS."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.plugins.processes import START_TIMEOUT_S, end, wait_for_port, write_certificate
from tests.ports import free_port

STARTING_UP = 1  # exit status of pg_isready


@dataclass(frozen=True)
class Cluster:
    """A PostgreSQL server with TLS; `config` is the provider's configuration for its superuser."""

    config: dict[str, str]
    certificate: Path
    log: Path


@contextmanager
def postgres_cluster(
    admin: str = "admin",
    settings: Mapping[str, object] | None = None,
    prepare: Callable[[Path], Mapping[str, object]] = lambda home: {},
) -> Iterator[Cluster]:
    """A running cluster. `prepare` may put files into its folder (certificate and key are there) and gives more settings."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if not binaries or os.geteuid() != 0:
        pytest.skip("needs a PostgreSQL server (package postgresql) and root, to run it as user postgres")
    programs = binaries[-1]
    with tempfile.TemporaryDirectory(prefix="codeb-postgres-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        (home / "password").write_text("super secret\n")
        certificate = write_certificate(home)
        port, log = free_port(), home / "log"
        options = {
            "port": port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": home,
            **(settings or {}),
            **prepare(home),
        }
        for path in (home, *home.iterdir()):
            shutil.chown(path, "postgres")
        init: list[str | Path] = [
            programs / "initdb",
            "-D",
            home / "data",
            "-U",
            admin,
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
        given = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [programs / "postgres", "-D", home / "data", *given],
                user="postgres",
                cwd=home,
                stderr=output,
            )
        try:
            wait_for_port(port, process, log)
            _wait_until_ready(programs, port)
            yield Cluster(
                {
                    "host": "127.0.0.1",
                    "port": str(port),
                    "username": admin,
                    "password": "super secret",
                    "sslmode": "verify-full",
                    "sslrootcert": str(certificate),
                    "connectTimeout": "10",
                },
                certificate,
                log,
            )
        finally:
            end(process)


def _wait_until_ready(programs: Path, port: int) -> None:
    ready: list[str | Path] = [
        programs / "pg_isready",
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
