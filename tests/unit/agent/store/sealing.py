"""A host with a store in memory and a real key, on which age and zstd are the real programs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from agent.host import paths
from agent.host.pipes import Session
from agent.host.s3 import Place
from agent.real.pipes import RealPipes
from codeb.age import age_identity, age_recipient
from tests.unit.agent.fakes.host import FakeHost

SEED = bytes(range(32))
RECIPIENT = age_recipient(SEED)
HERE = Place("http://127.0.0.1:9000", "us-east-1", "backup", "codeb_backup", "secret of here")
SECOND = Place("https://s3.example.com", "eu", "elsewhere", "put-only", "secret of second")

needs_age = pytest.mark.skipif(
    not all(map(shutil.which, ("age", "zstd"))), reason="needs age and zstd (packages of these names)"
)


class Programs:
    """The real programs, with the key where the test has put it; `renamed` may change the words of each."""

    def __init__(self, key: Path, renamed: Callable[[list[str]], list[str]] = lambda words: words) -> None:
        self.key, self.renamed = key, renamed
        self.ran: list[list[str]] = []

    def flow(
        self,
        stages: Sequence[Sequence[str]],
        source: Iterable[bytes] | None = None,
        *,
        unless: Callable[[], object] = lambda: False,
    ) -> Generator[bytes, None, None]:
        return RealPipes().flow([self._here(argv) for argv in stages], source, unless=unless)

    def session(self, argv: Sequence[str]) -> AbstractContextManager[Session]:
        return RealPipes().session(self._here(argv))

    def _here(self, argv: Sequence[str]) -> list[str]:
        self.ran.append(list(argv))
        return self.renamed([str(self.key) if word == paths.BACKUP_KEY else word for word in argv])


def host_with_key(folder: Path, seed: bytes = SEED) -> FakeHost:
    """A data server with the stack's key."""
    key = folder / "backup.key"
    key.write_text(age_identity(seed))
    key.chmod(0o600)
    host = FakeHost()
    host.put(paths.BACKUP_KEY, age_identity(seed), 0o600)
    host.pipes = Programs(key)
    return host


def settings(**changes: object) -> dict[str, Any]:
    """What `backup.json` says, with both stores and one project."""
    stores = [
        {
            "name": name,
            "endpoint": place.endpoint,
            "region": place.region,
            "bucket": place.bucket,
            "access_key": place.access_key,
            "secret_key": place.secret_key,
            "ca": place.ca,
        }
        for name, place in (("here", HERE), ("second", SECOND))
    ]
    shop = {
        "id": "shop", "database": "shop_db", "buckets": ["shop-files"], "retention_days": 7, "point_in_time": False,
    }  # fmt: skip
    found: dict[str, Any] = {
        "version": 1,
        "stores": stores,
        "recipient": RECIPIENT,
        "projects": [shop],
        "image": "docker.io/library/postgres:16-alpine",
        "container": "postgres",
        "host": "127.0.0.1",
        "port": 5432,
    }
    return found | changes


def install(host: FakeHost, **changes: object) -> None:
    """Put `backup.json` there."""
    host.put(paths.BACKUP_SETTINGS, json.dumps(settings(**changes)), 0o600)
