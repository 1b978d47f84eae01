"""Objects copied between two real MinIO servers, of which one stands for Vultr's: parts, types, and what was cut off."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.documents.errors import Failed
from agent.documents.reader import Reader
from agent.host import paths
from agent.host.s3 import Place
from agent.moving import objects
from agent.moving.buckets import Buckets, Pair
from agent.real.s3 import RealS3
from codeb import names
from components.backup import backup_policy
from tests.backup.accounts import LOCK, Accounts
from tests.minio import PASSWORD, USER, minio_server
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.store.sealing import settings

S3 = RealS3(pause=lambda _: None)
PLAIN = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::*"]},
            {"Effect": "Deny", "Action": ["admin:*"]},
        ],
    }
)
HOSTILE = 'faces/ü a+b "x"?#%2F.png'


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accounts]:
    with minio_server() as server:
        yield Accounts(server, tmp_path_factory.mktemp("elsewhere"))


@pytest.fixture(scope="module")
def pair(accounts: Accounts, elsewhere: Accounts) -> Pair:
    accounts.bucket(names.BACKUP_BUCKET, LOCK)
    accounts.bucket("shop-files")
    elsewhere.bucket("3fa9c1-shop-files")
    own = accounts.account(names.BACKUP_USER, "secret of backups", backup_policy(), "shop-files")
    there = elsewhere.account("subscription", "secret of a subscription", PLAIN, "3fa9c1-shop-files")
    return Pair(own, there)


@pytest.fixture
def host(tmp_path: Path, pair: Pair, monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    """The certificate of the store elsewhere is the test's own: of Vultr's the system knows who signs."""
    found = FakeHost()
    found.put(paths.BACKUP_SETTINGS, json.dumps(settings()), 0o600)
    found.s3 = S3  # type: ignore[assignment]
    for place in (pair.here, pair.managed):
        for each in list(S3.objects(place, "")):
            S3.delete(replace(place, access_key=USER, secret_key=PASSWORD), each.key)
    serves(monkeypatch, pair, "here")
    return found


def serves(monkeypatch: pytest.MonkeyPatch, pair: Pair, side: Any) -> None:
    user = replace(pair.here, access_key="gone", secret_key="secret of nobody")
    monkeypatch.setattr(objects, "load_buckets", lambda *_: Buckets("shop", side, (pair,), user))


def copied(host: FakeHost, to: str = "managed", **more: Any) -> dict[str, Any]:
    document = {"version": 1, "project": "shop", "to": to, **more}
    run = objects.copy_objects(host.ports(), Reader(document, ""), "ann")
    while True:
        try:
            next(run)
        except StopIteration as end:
            (bucket,) = end.value["buckets"]
            return bucket  # type: ignore[no-any-return]


def content(place: Place) -> dict[str, str]:
    return {
        each.key: hashlib.sha256(b"".join(S3.get(place, each.key))).hexdigest()
        for each in S3.objects(place, "")
    }


def test_objects_go_there_and_come_back_as_they_were(
    host: FakeHost, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = os.urandom((17 << 20) + 3)
    told = {"content-type": "image/png", "cache-control": "max-age=60", "x-amz-meta-owner": "7"}
    S3.upload(pair.here, HOSTILE, [large], len(large), told)
    S3.put(pair.here, "note", b"first")
    S3.put(pair.here, "empty", b"")
    first = copied(host)
    assert (first["copied"], first["same"]) == (3, 0)
    assert content(pair.managed) == content(pair.here)
    head = S3.head(pair.managed, HOSTILE)
    assert head
    assert head.headers == told
    S3.put(pair.here, "note", b"second")
    again = copied(host)
    assert (again["copied"], again["same"]) == (1, 2)
    assert content(pair.managed) == content(pair.here)

    serves(monkeypatch, pair, "managed")
    S3.put(pair.managed, "new", b"by the app")
    S3.delete(pair.managed, "empty")
    with pytest.raises(Failed, match="what it has written"):
        copied(host, exact=True)
    back = copied(host, "here", exact=True)
    assert (back["copied"], back["removed"]) == (1, 1)
    assert content(pair.here) == content(pair.managed)
    assert set(content(pair.here)) == {HOSTILE, "note", "new"}


def test_a_copy_that_is_cut_off_goes_on_where_it_was(
    host: FakeHost, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        S3.put(pair.here, f"object-{number}", os.urandom(1000))
    real, count = objects.put, iter(range(100))

    def put(*arguments: Any) -> Any:
        if next(count) == 3:
            raise Failed("copy", "the host went down", "")
        return real(*arguments)

    monkeypatch.setattr(objects, "put", put)
    with pytest.raises(Failed, match="went down"):
        copied(host)
    assert len(content(pair.managed)) == 3
    monkeypatch.setattr(objects, "put", real)
    rest = copied(host)
    assert (rest["copied"], rest["same"]) == (3, 3)
    assert content(pair.managed) == content(pair.here)


def test_what_was_left_goes_when_it_is_told_to(
    host: FakeHost, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    S3.put(pair.here, "a", b"one")
    copied(host)
    serves(monkeypatch, pair, "managed")
    assert copied(host, forget=True)["forgotten"] == 1
    assert content(pair.here) == {}
    assert set(content(pair.managed)) == {"a"}
