"""Buckets and accounts of a real MinIO, made by its own client."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from agent.host.s3 import Place
from agent.real.s3_link import Link
from lab.host.paths import Folders
from tests.minio import PASSWORD, USER, Minio

LOCK = {"x-amz-bucket-object-lock-enabled": "true"}


@dataclass(frozen=True)
class Accounts:
    """Of one server; `home` is the client's."""

    server: Minio
    home: Path

    def admin(self, bucket: str) -> Place:
        """A bucket as the server's administrator sees it."""
        where, ca = f"https://127.0.0.1:{self.server.port}", str(self.server.certificate)
        return Place(where, "us-east-1", bucket, USER, PASSWORD, ca)

    def bucket(self, name: str, headers: Mapping[str, str] | None = None) -> Place:
        """A new bucket."""
        place = self.admin(name)
        link = Link(place)
        link.ask("PUT", headers=headers or {})
        link.close()
        return place

    def account(self, name: str, secret: str, policy: str, bucket: str) -> Place:
        """A new account with this policy, and a bucket as it sees it."""
        (self.home / f"{name}.json").write_text(policy)
        for words in (
            ["alias", "set", "tests", f"https://127.0.0.1:{self.server.port}", USER, PASSWORD],
            ["admin", "user", "add", "tests", name, secret],
            ["admin", "policy", "create", "tests", name, str(self.home / f"{name}.json")],
            ["admin", "policy", "attach", "tests", name, "--user", name],
        ):
            self._mc(words)
        return replace(self.admin(bucket), access_key=name, secret_key=secret)

    def _mc(self, words: list[str]) -> None:
        line = [_client(), "--quiet", "--insecure", "--config-dir", str(self.home / "config"), *words]
        subprocess.run(line, check=True, capture_output=True, env={"HOME": str(self.home)})


def _client() -> str:
    built = sorted(Folders.here().cache.glob("minio-*/mc"))
    found = shutil.which("mc") or (str(built[-1]) if built else None)
    if found is None:
        pytest.skip("needs MinIO's client: on the PATH, or as built by `make lab`")
    return found
