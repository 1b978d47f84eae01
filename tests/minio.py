"""MinIO servers as processes of the tests: empty, in a temporary folder, on loopback, with TLS."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.host.paths import Folders
from tests.plugins.processes import end, wait_for_port, write_certificate
from tests.ports import free_port

USER, PASSWORD = "labadmin", "super secret"


@dataclass(frozen=True)
class Minio:
    """`certificate` is the server's own, which clients have to trust."""

    port: int
    certificate: Path
    process: subprocess.Popen[bytes]


@contextmanager
def minio_server(*others: str) -> Iterator[Minio]:
    """A server whose administrator is USER with PASSWORD; `others` are addresses beside 127.0.0.1 that it is reached at."""
    built = sorted(Folders.here().cache.glob("minio-*/minio"))
    binary = shutil.which("minio") or (str(built[-1]) if built else None)
    if binary is None:
        pytest.skip("needs a MinIO server: on the PATH, or as built by `make lab`")
    with tempfile.TemporaryDirectory(prefix="codeb-minio-") as folder:
        home = Path(folder)
        certificate = write_certificate(home, *others)
        certificate.rename(home / "public.crt")
        (home / "server.key").rename(home / "private.key")
        port = free_port()
        log = home / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [binary, "server", "--quiet", "--address", f"{'' if others else '127.0.0.1'}:{port}",
                 "--console-address", f"127.0.0.1:{free_port()}", "--certs-dir", home, home / "data"],
                env={"MINIO_ROOT_USER": USER, "MINIO_ROOT_PASSWORD": PASSWORD, "HOME": folder},
                stdout=output,
                stderr=output,
            )  # fmt: skip
        try:
            wait_for_port(port, process, log)
            yield Minio(port, home / "public.crt", process)
        finally:
            end(process)
