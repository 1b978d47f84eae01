"""Stores as real servers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from agent.host.s3 import Place
from agent.real.s3_link import Link
from tests.minio import PASSWORD, USER, Minio, minio_server

_COUNT = count()


@pytest.fixture(scope="session")
def minio() -> Iterator[Minio]:
    with minio_server() as server:
        yield server


@pytest.fixture
def place(minio: Minio, request: pytest.FixtureRequest) -> Place:
    """An empty bucket with versions, named after the test."""
    name = f"{request.node.originalname.replace('_', '-')[:50].strip('-')}-{next(_COUNT)}"
    found = Place(
        f"https://127.0.0.1:{minio.port}", "us-east-1", name, USER, PASSWORD, str(minio.certificate)
    )
    link = Link(found)
    link.ask("PUT", headers={"x-amz-bucket-object-lock-enabled": "true"})
    link.close()
    return found
