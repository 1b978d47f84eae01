"""The second place on a real MinIO, by the policy that docs/backup.md gives: written to, never read, nothing deleted."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agent.host.s3 import Features, Place, StoreError
from agent.real.s3 import RealS3
from agent.real.s3_link import Link
from agent.store.oldest import Oldest
from tests.backup.accounts import LOCK, Accounts

S3 = RealS3(pause=lambda _: None)
BUCKET = "codeb-backups"
PAGE = Path(__file__).parents[2] / "docs" / "backup.md"


def policy(bucket: str) -> str:
    """As the page has it."""
    found = re.search(r"```json\n(\{\"Version\": \"2012-10-17\".*?)```", PAGE.read_text(), re.DOTALL)
    assert found
    return found[1].replace(BUCKET, bucket)


@pytest.fixture(scope="module")
def second(accounts: Accounts) -> Place:
    """A bucket with lock, by an account that can only put."""
    accounts.bucket(BUCKET, LOCK)
    return accounts.account("put-only", "secret of second", policy(BUCKET), BUCKET)


def test_all_that_backups_write_is_taken(second: Place) -> None:
    S3.put(second, "database/shop/small", b"x")
    S3.upload(second, "database/shop/large", (bytes(1 << 20) for _ in range(20)))
    assert [found.size for found in S3.objects(second, "database/shop/")] == [20 << 20, 1]
    locked = replace(second, lock_days=1)
    S3.put(locked, "database/shop/locked", b"x")
    S3.upload(locked, "database/shop/locked-large", (bytes(1 << 20) for _ in range(20)))


def test_it_says_what_it_can(second: Place, accounts: Accounts) -> None:
    assert S3.features(second) == Features(versions=True, locks=True, deletes=False)
    admin = accounts.bucket("plain-bucket")
    assert S3.features(admin) == Features(versions=False, locks=False, deletes=True)
    assert not list(S3.versions(accounts.admin(BUCKET), "probe-")), "asking leaves nothing"


def test_a_bucket_that_is_not_there_and_a_place_that_is_away_are_errors(accounts: Accounts) -> None:
    with pytest.raises(StoreError, match="NoSuchBucket"):
        S3.features(accounts.admin("no-such-bucket"))


@pytest.mark.parametrize(
    "act",
    [
        lambda place: list(S3.get(place, "kept")),
        lambda place: S3.delete(place, "kept"),
        lambda place: S3.delete(place, "kept", next(iter(S3.versions(place, "kept"))).version),
        lambda place: _ask(place, "PUT", {"versioning": ""}),
        lambda place: _ask(place, "PUT", {"lifecycle": ""}),
        lambda place: _ask(place, "PUT", {"object-lock": ""}),
        lambda place: _ask(place, "PUT", {"policy": ""}),
        lambda place: _ask(place, "DELETE", {}),
    ],
)
def test_whoever_has_its_keys_reads_deletes_and_changes_nothing(
    second: Place, act: Callable[[Place], object]
) -> None:
    S3.put(second, "kept", b"kept")
    with pytest.raises(StoreError) as caught:
        act(second)
    assert caught.value.kind == "refused"


def test_what_a_thief_puts_over_a_backup_does_not_come_back(second: Place, accounts: Accounts) -> None:
    S3.put(second, "database/shop/taken", b"ours")
    S3.put(second, "database/shop/taken", b"the thief's")
    admin = accounts.admin(BUCKET)
    reading = Oldest(S3, [admin])
    assert b"".join(S3.get(admin, "database/shop/taken")) == b"the thief's"
    assert b"".join(reading.get(admin, "database/shop/taken")) == b"ours"
    assert [found.size for found in reading.objects(admin, "database/shop/taken")] == [len(b"ours")]


def test_what_is_locked_not_even_the_owner_deletes(second: Place, accounts: Accounts) -> None:
    admin = accounts.admin(BUCKET)
    for key, size in (("locked-small", 1), ("locked-large", 20)):
        S3.upload(replace(second, lock_days=1), key, (bytes(1 << 20) for _ in range(size)))
        (found,) = S3.versions(admin, key)
        with pytest.raises(StoreError):
            S3.delete(admin, key, found.version)
    S3.put(second, "free", b"x")
    (found,) = S3.versions(admin, "free")
    S3.delete(admin, "free", found.version)


def test_a_bucket_without_lock_refuses_to_lock(accounts: Accounts) -> None:
    """So nothing is asked to be locked where nothing can be (`agent.store.ability`)."""
    plain = accounts.bucket("no-lock")
    with pytest.raises(StoreError):
        S3.put(replace(plain, lock_days=1), "x", b"x")


def _ask(place: Place, method: str, query: dict[str, str]) -> None:
    link = Link(place, pause=lambda _: None)
    try:
        link.ask(method, query=query, body=b"<x/>" if method == "PUT" else b"")
    finally:
        link.close()
