"""Uploads by way of a real MinIO and by the account of backups: versions, parts, types, and what comes back."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from agent.host.s3 import Place
from agent.real.s3 import RealS3
from agent.real.s3_link import Link
from agent.store.settings import load_settings
from agent.uploads import back, runs
from agent.uploads.mirror import Mirrored, mirrored
from agent.uploads.prune import pruned
from codeb import names
from components.backup import backup_policy
from tests.backup.accounts import LOCK, Accounts
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.store.sealing import host_with_key, install, needs_age, settings

pytestmark = needs_age
S3 = RealS3(pause=lambda _: None)
WHAT = ("shop", "shop-files")
VERSIONS = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"


@pytest.fixture(scope="module")
def saved(accounts: Accounts) -> Place:
    accounts.bucket(names.BACKUP_BUCKET, LOCK)
    link = Link(accounts.bucket("shop-files"))
    link.ask("PUT", query={"versioning": ""}, body=VERSIONS)
    link.close()
    accounts.bucket("shop-files-back")
    policy = backup_policy()
    return accounts.account(names.BACKUP_USER, "secret of backups", policy, names.BACKUP_BUCKET)


@pytest.fixture
def host(tmp_path: Path, saved: Place) -> FakeHost:
    found = host_with_key(tmp_path)
    store = settings()["stores"][0] | {
        "endpoint": saved.endpoint, "bucket": saved.bucket, "access_key": saved.access_key,
        "secret_key": saved.secret_key, "ca": saved.ca,
    }  # fmt: skip
    install(found, stores=[store])
    found.s3 = S3  # type: ignore[assignment]
    return found


def mirror(host: FakeHost) -> Mirrored:
    run = mirrored(host.ports(), load_settings(host.ports()), *WHAT)
    while True:
        try:
            next(run)
        except StopIteration as end:
            host.time += 60
            return end.value  # type: ignore[no-any-return]


def test_uploads_come_back_from_before_they_were_overwritten_and_deleted(
    host: FakeHost, saved: Place, accounts: Accounts
) -> None:
    files, target = accounts.admin("shop-files"), accounts.admin("shop-files-back")
    large = os.urandom((17 << 20) + 3)
    told = {"content-type": "image/png", "cache-control": "max-age=60", "x-amz-meta-owner": "7"}
    S3.upload(files, "faces/ü a+b.png", [large], len(large), told)
    S3.put(files, "note", b"first")
    first = mirror(host)
    assert (first.run.objects, first.run.added) == (2, 2)
    S3.put(files, "note", b"second")
    S3.delete(files, "faces/ü a+b.png")
    second = mirror(host)
    assert (second.run.objects, second.run.added) == (1, 1)
    entries = runs.entries(host.ports(), saved, first.run)
    assert len(list(back.brought_back(host.ports(), saved, first.run, entries, target))) == 2
    found = b"".join(S3.get(target, "faces/ü a+b.png"))
    assert hashlib.sha256(found).digest() == hashlib.sha256(large).digest()
    head = S3.head(target, "faces/ü a+b.png")
    assert head
    assert head.headers == told
    assert b"".join(S3.get(target, "note")) == b"first"
    host.time += 9 * 86_400
    mirror(host)
    gone, contents, warning = pruned(host.ports(), load_settings(host.ports()), WHAT, 7)
    assert (len(gone), contents, warning) == (2, 2, "")
    left = list(S3.versions(replace(saved), "uploads/shop/shop-files/objects/"))
    assert len(left) == 1
