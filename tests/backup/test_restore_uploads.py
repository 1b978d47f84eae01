"""A bucket brought back on a real MinIO by the account of backups: names of every kind, parts, versions, and back again."""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.documents.errors import Failed
from agent.host.s3 import Place, StoreError
from agent.real.s3 import RealS3
from agent.real.s3_link import Link
from agent.restore.taken import Taken, taken_back
from agent.restore.uploads import Brought, Goal, brought
from agent.store.settings import load_settings
from agent.store.source import Source, sources
from agent.uploads import undo
from agent.uploads.mirror import Mirrored, mirrored
from codeb import names
from components.backup import backup_policy
from tests.backup.accounts import LOCK, Accounts
from tests.backup.test_second_place import policy
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.store.sealing import host_with_key, install, needs_age, settings

pytestmark = needs_age
S3 = RealS3(pause=lambda _: None)
VERSIONS = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
GOAL = Goal("shop", "shop-files")
HOSTILE = (
    "line\nbreak",
    "ü ☃ a+b%2F?#&=.png",
    "q\"'\\<>|*",
    "...",
    "a..b/.c",
    "tab\t",
    "~" * 250 + "/" + "x" * 250,
    "trailing ",
)


@pytest.fixture(scope="module")
def saved(accounts: Accounts) -> Place:
    accounts.bucket(names.BACKUP_BUCKET, LOCK)
    return accounts.account(names.BACKUP_USER, "secret of backups", backup_policy(), names.BACKUP_BUCKET)


@pytest.fixture
def files(accounts: Accounts, saved: Place) -> Place:
    """The project's bucket, empty and with versions, as the administrator sees it; what was there, and runs, are gone."""
    empty(accounts.admin("shop-files"))
    empty(accounts.admin(names.BACKUP_BUCKET))
    return versioned(accounts, "shop-files")


def versioned(accounts: Accounts, name: str) -> Place:
    try:
        place = accounts.bucket(name)
    except StoreError:
        place = accounts.admin(name)
    link = Link(place)
    link.ask("PUT", query={"versioning": ""}, body=VERSIONS)
    link.close()
    return place


def empty(place: Place) -> None:
    with suppress(StoreError):  # the first of all tests finds no bucket
        for found in list(S3.versions(place, "")):
            S3.delete(place, found.key, found.version)


@pytest.fixture
def host(tmp_path: Path, saved: Place) -> FakeHost:
    found = host_with_key(tmp_path)
    store = settings()["stores"][0] | {
        "endpoint": saved.endpoint, "bucket": saved.bucket, "access_key": saved.access_key,
        "secret_key": saved.secret_key, "ca": saved.ca,
    }  # fmt: skip
    install(found, stores=[store])
    found.s3 = S3  # type: ignore[assignment]
    found.time = datetime.now(UTC).timestamp()
    return found


def ended(run: Generator[Any, None, Any]) -> Any:
    while True:
        try:
            next(run)
        except StopIteration as end:
            return end.value


def mirror(host: FakeHost) -> Mirrored:
    made = ended(mirrored(host.ports(), load_settings(host.ports()), "shop", "shop-files"))
    host.time += 60
    assert isinstance(made, Mirrored)
    return made


def bring(host: FakeHost, goal: Goal = GOAL) -> Brought:
    found = load_settings(host.ports())
    made = ended(brought(host.ports(), found, found.stores, goal))
    assert isinstance(made, Brought)
    return made


def take_back(host: FakeHost) -> Taken:
    here = load_settings(host.ports()).stores[0].place
    (note,) = undo.notes(host.ports(), here, "shop")
    made = ended(taken_back(host.ports(), here, note))
    assert isinstance(made, Taken)
    return made


def now(place: Place) -> dict[str, bytes]:
    return {found.key: b"".join(S3.get(place, found.key)) for found in S3.objects(place, "")}


def told_of(place: Place, *keys: str) -> list[Mapping[str, str]]:
    heads = [S3.head(place, key) for key in keys]
    return [head.headers for head in heads if head]


def counted(found: Brought) -> tuple[int, int, int, int]:
    return found.missing, found.differ, found.extra, found.same


def test_names_that_nobody_likes_come_back_and_a_second_time_there_is_nothing_to_do(
    host: FakeHost, files: Place
) -> None:
    for key in HOSTILE:
        S3.put(files, key, key.encode())
    before = now(files)
    assert len(before) == len(HOSTILE)
    mirror(host)
    for key in HOSTILE:
        S3.delete(files, key)
    assert bring(host).written == len(HOSTILE)
    assert now(files) == before
    assert counted(bring(host)) == (0, 0, 0, len(HOSTILE))


@pytest.mark.parametrize("key", ["../../etc/passwd", "a/../b", "/leading", "./x"])
def test_names_that_lead_elsewhere_are_none_that_an_object_could_ever_have(
    host: FakeHost, files: Place, key: str
) -> None:
    """So no list names them, and none comes back under another name."""
    try:
        S3.put(files, key, b"x")
    except StoreError:
        assert now(files) == {}
        return
    before = now(files)
    mirror(host)
    empty(files)
    bring(host)
    assert now(files) == before


def test_a_large_object_with_its_headers_comes_back_and_is_known_to_be_the_same(
    host: FakeHost, files: Place
) -> None:
    large = os.urandom((17 << 20) + 3)
    sent = {"content-type": "image/png", "x-amz-meta-owner": "7", "x-amz-meta-name": "=?UTF-8?Q?=C3=BC_b?="}
    S3.upload(files, "face.png", [large], 1 << 40, sent)
    S3.upload(files, "plain", [b"x"], 1, {"content-encoding": "gzip", "content-language": "de"})
    mirror(host)
    heads = told_of(files, "face.png", "plain")
    S3.delete(files, "face.png")
    S3.put(files, "plain", b"y")
    assert counted(bring(host)) == (1, 1, 0, 0)
    assert told_of(files, "face.png", "plain") == heads
    assert b"".join(S3.get(files, "face.png")) == large
    assert counted(bring(host)) == (0, 0, 0, 2)


def test_a_moment_between_two_runs_is_brought_back_and_taken_back_by_an_account_that_deletes_no_version(
    host: FakeHost, files: Place
) -> None:
    S3.put(files, "a", b"first")
    S3.put(files, "gone", b"was there")
    mirror(host)
    S3.put(files, "a", b"second")
    moment = max(found.at for found in S3.versions(files, "a"))
    S3.put(files, "a", b"third")
    S3.delete(files, "gone")
    S3.put(files, "new", b"since")
    before, kept = now(files), list(S3.versions(files, ""))
    found = bring(host, replace(GOAL, at=moment, exact=True))
    assert (counted(found), found.written, found.removed) == ((1, 1, 1, 0), 2, 1)
    assert now(files) == {"a": b"second", "gone": b"was there"}
    assert {(each.key, each.version) for each in kept} < {
        (each.key, each.version) for each in S3.versions(files, "")
    }
    taken = take_back(host)
    assert (taken.back, taken.removed, taken.left, taken.lost) == (2, 1, 0, 0)
    assert now(files) == before


def test_a_bucket_that_was_lost_is_whole_again(host: FakeHost, files: Place, accounts: Accounts) -> None:
    for number in range(20):
        S3.put(files, f"{number:02}", b"content %d" % number)
    before = now(files)
    mirror(host)
    empty(files)
    assert counted(bring(host)) == (20, 0, 0, 0)
    assert now(files) == before


def test_a_bucket_without_versions_is_not_overwritten(
    host: FakeHost, files: Place, accounts: Accounts
) -> None:
    S3.put(files, "a", b"x")
    S3.put(files, "b", b"y")
    mirror(host)
    plain = accounts.bucket("lab-files")
    S3.put(plain, "a", b"of the lab")
    goal = replace(GOAL, into="lab-files", owner="lab")
    with pytest.raises(Failed, match="lab-files keeps no versions: 1 objects"):
        bring(host, goal)
    assert now(plain) == {"a": b"of the lab"}
    assert counted(bring(host, replace(goal, replace=True))) == (1, 1, 0, 0)
    assert now(plain) == {"a": b"x", "b": b"y"}


def test_a_bucket_that_is_not_there_is_said(host: FakeHost, files: Place) -> None:
    S3.put(files, "a", b"x")
    mirror(host)
    with pytest.raises(Failed, match="NoSuchBucket"):
        bring(host, replace(GOAL, into="no-such-bucket", owner="lab"))


READER = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": ["s3:ListBucketVersions"], "Resource": ["arn:aws:s3:::codeb-backups"]},
        {
            "Effect": "Allow", "Action": ["s3:GetObject", "s3:GetObjectVersion"],
            "Resource": ["arn:aws:s3:::codeb-backups/*"],
        },
    ],
}  # fmt: skip


def test_what_is_in_a_second_place_alone_comes_back_by_keys_that_read_and_as_it_was_first_written(
    host: FakeHost, files: Place, accounts: Accounts, saved: Place
) -> None:
    """By the rights that docs/backup.md asks for: the server's keys put, the person's keys read."""
    accounts.bucket("codeb-backups", LOCK)
    second = accounts.account("puts", "secret of puts", policy("codeb-backups"), "codeb-backups")
    reader = accounts.account("reads", "secret of reads", json.dumps(READER), "codeb-backups")
    known = settings()["stores"]
    stores = [
        {**store, "endpoint": place.endpoint, "bucket": place.bucket, "access_key": place.access_key,
         "secret_key": place.secret_key, "ca": place.ca}
        for store, place in zip(known, (saved, second), strict=True)
    ]  # fmt: skip
    install(host, stores=stores)
    S3.put(files, "a", b"content")
    assert mirror(host).stores == ("here", "second")
    empty(files)
    empty(accounts.admin(names.BACKUP_BUCKET))
    for found in list(S3.objects(accounts.admin("codeb-backups"), "")):
        S3.put(second, found.key, b"of a thief")
    with pytest.raises(Failed, match="second lets nobody read by these keys") as caught:
        bring(host)
    assert "`--from second --keys FILE` reads it by yours" in str(caught.value)
    own = load_settings(host.ports())
    _, read = sources(host.ports(), own, Source("second", reader.access_key, reader.secret_key))
    assert ended(brought(host.ports(), own, read.stores, GOAL)).written == 1
    assert now(files) == {"a": b"content"}
    _, wrong = sources(host.ports(), own, Source("second", reader.access_key, "another secret"))
    with pytest.raises(Failed, match=r"second can't be asked: .*SignatureDoesNotMatch") as caught:
        ended(brought(host.ports(), own, wrong.stores, GOAL))
    assert "another secret" not in str(caught.value.failure)
