"""The account of backups on a real MinIO: what its policy lets it do, and what not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.host.s3 import Place, StoreError
from agent.real.s3 import RealS3
from agent.real.s3_link import Link

S3 = RealS3(pause=lambda _: None)


def test_it_does_all_that_a_backup_takes(account: Place) -> None:
    S3.upload(account, "database/shop/large", (bytes(1 << 20) for _ in range(20)))
    S3.put(account, "database/shop/small", b"x")
    S3.put(account, "database/shop/small", b"y")
    assert len(b"".join(S3.get(account, "database/shop/large"))) == 20 << 20
    assert [found.key for found in S3.objects(account, "database/")] == [
        "database/shop/large",
        "database/shop/small",
    ]
    found = list(S3.versions(account, "database/shop/small"))
    assert len(found) == 2
    for each in found:
        S3.delete(account, each.key, each.version)
    assert not list(S3.versions(account, "database/shop/small"))


def test_it_reads_and_brings_back_what_is_in_every_bucket_and_deletes_no_version_there(
    account: Place,
) -> None:
    for bucket in ("saved-files", "shop-files"):
        files = replace(account, bucket=bucket)
        before = {found.key: found.version for found in S3.versions(files, "")}
        S3.put(files, "back", b"of a backup")
        assert b"".join(S3.get(files, "back")) == b"of a backup"
        for found in list(S3.versions(files, "")):
            with pytest.raises(StoreError, match="AccessDenied"):
                S3.delete(files, found.key, found.version)
        S3.delete(files, "back")
        assert set(before) <= {found.key for found in S3.versions(files, "")}


@pytest.mark.parametrize(
    ("method", "query", "body"),
    [
        ("DELETE", {}, b""),
        (
            "PUT",
            {"versioning": ""},
            b"<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>",
        ),
        ("PUT", {"lifecycle": ""}, b"<LifecycleConfiguration></LifecycleConfiguration>"),
        ("PUT", {"policy": ""}, b"{}"),
    ],
)
def test_it_cannot_change_the_bucket_itself(
    account: Place, method: str, query: dict[str, str], body: bytes
) -> None:
    link = Link(account, pause=lambda _: None)
    with pytest.raises(StoreError, match="AccessDenied"):
        link.ask(method, query=query, body=body)
    link.close()
