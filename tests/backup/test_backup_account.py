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


def test_it_reads_what_it_mirrors_and_changes_nothing_there(account: Place) -> None:
    files = replace(account, bucket="saved-files")
    assert [found.key for found in S3.versions(files, "")] == ["x"]
    assert b"".join(S3.get(files, "x")) == b"of a visitor"
    for action in (lambda: S3.put(files, "x", b"y"), lambda: S3.delete(files, "x")):
        with pytest.raises(StoreError) as caught:
            action()
        assert caught.value.kind == "refused"


def test_it_reads_nothing_of_a_project_that_is_not_backed_up(account: Place) -> None:
    other = replace(account, bucket="shop-files")
    for action in (lambda: list(S3.objects(other, "")), lambda: S3.put(other, "x", b"x")):
        with pytest.raises(StoreError) as caught:
            action()
        assert caught.value.kind == "refused"


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
