"""Which image recovers a base backup after PostgreSQL was upgraded."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agent.archive.bases import Base
from agent.archive.elder import image_for
from agent.documents.errors import Failed
from agent.host import paths
from agent.host.ports import Result
from agent.images.postgres import version
from agent.store.settings import Server
from tests.unit.agent.fakes.host import FakeHost

DIGEST = "sha256:" + "2" * 64
SERVER = Server("docker.io/library/postgres:17-alpine", "postgres", "127.0.0.1", 5432)
OLD = f"docker.io/library/postgres@{DIGEST}"


def base(major: int) -> Base:
    return Base("x", "1", datetime(2026, 11, 28, tzinfo=UTC), 1.0, 1, 1, 2, 1, "a", 1, "b", major, DIGEST)


def host(serves: str | None) -> FakeHost:
    found = FakeHost()
    if serves is not None:
        found.put(f"{paths.POSTGRES}/PG_VERSION", f"{serves}\n")
    return found


@pytest.mark.parametrize("serves", ["17", None])
def test_a_base_backup_of_the_version_that_serves_is_recovered_by_its_image(serves: str | None) -> None:
    assert image_for(host(serves).ports(), SERVER, base(17)) == SERVER.image


@pytest.mark.parametrize("image", [SERVER.image, f"{SERVER.image}@sha256:{'3' * 64}"])
def test_an_older_one_is_recovered_by_the_image_that_made_it(image: str) -> None:
    found = host("17")
    found.answers[f"podman image exists {OLD}"] = Result(0)
    found.answers[" ".join(version(OLD))] = Result(0, "postgres (PostgreSQL) 16.14\n")
    assert image_for(found.ports(), Server(image, "postgres", "127.0.0.1", 5432), base(16)) == OLD


def test_when_that_image_is_not_to_be_had_the_versions_and_the_image_are_named() -> None:
    with pytest.raises(Failed) as refused:
        image_for(host("17").ports(), SERVER, base(16))
    failure = refused.value.failure
    assert failure.cause.startswith(f"the moment is PostgreSQL 16's, and 17 serves; {OLD}")
    assert "can't be had" in failure.cause
    assert "--backup" in failure.remedy


def test_an_image_that_is_another_version_by_now_is_not_used() -> None:
    found = host("17")
    found.answers[f"podman image exists {OLD}"] = Result(0)
    found.answers[" ".join(version(OLD))] = Result(0, "postgres (PostgreSQL) 15.9\n")
    with pytest.raises(Failed, match="is PostgreSQL 15"):
        image_for(found.ports(), SERVER, base(16))
