"""The agent's own S3 against a real MinIO: signatures, parts, versions, refusals."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.host.s3 import Place, StoreError
from agent.real.s3 import RealS3
from agent.real.s3_link import Link
from tests.minio import Minio
from tests.plugins.processes import write_certificate
from tests.ports import refusing_port

S3 = RealS3(pause=lambda _: None)
HOSTILE = "a b/ü+=&%2F'\"<>?#/~x:@;,!*()$"


def test_names_of_every_kind_are_signed_and_come_back(place: Place) -> None:
    S3.put(place, HOSTILE, b"content")
    assert b"".join(S3.get(place, HOSTILE)) == b"content"
    assert [found.key for found in S3.objects(place, "a b/")] == [HOSTILE]
    assert [found.key for found in S3.versions(place, "a b/ü+")] == [HOSTILE]
    found = S3.head(place, HOSTILE)
    assert found
    assert (found.size, found.etag) == (7, hashlib.md5(b"content", usedforsecurity=False).hexdigest())


@pytest.mark.parametrize("size", [0, 1, 16 << 20, (16 << 20) + 1, (33 << 20) + 7])
def test_an_object_of_any_size_is_stored_whole(place: Place, size: int) -> None:
    content = os.urandom(size)
    sent = S3.upload(place, "large", (content[at : at + 700_001] for at in range(0, size, 700_001)))
    assert sent.size == size
    assert sent.sha256 == hashlib.sha256(content).hexdigest()
    assert b"".join(S3.get(place, "large")) == content


def test_an_upload_whose_source_fails_leaves_nothing(place: Place) -> None:
    def pieces() -> Iterator[bytes]:
        yield bytes(40 << 20)
        raise ValueError("the dump failed")

    with pytest.raises(ValueError, match="the dump failed"):
        S3.upload(place, "half", pieces())
    assert S3.head(place, "half") is None
    link = Link(place)
    assert b"<UploadId>" not in link.ask("GET", query={"uploads": ""}).body
    link.close()


def test_versions_are_listed_the_newest_first_and_deleted_one_by_one(place: Place) -> None:
    S3.put(place, "name", b"old")
    S3.put(place, "name", b"newer")
    S3.delete(place, "name")
    found = list(S3.versions(place, "name"))
    assert [(each.size, each.marker, each.latest) for each in found] == [
        (0, True, True), (5, False, False), (3, False, False)]  # fmt: skip
    assert S3.head(place, "name") is None
    assert b"".join(S3.get(place, "name", found[-1].version)) == b"old"
    for each in found:
        S3.delete(place, "name", each.version)
    assert list(S3.versions(place, "name")) == []
    S3.delete(place, "name")


def test_more_objects_than_a_page_holds_are_all_listed(place: Place) -> None:
    link = Link(place)
    names = [f"many/{number:04}" for number in range(1005)]
    for name in names:
        link.ask("PUT", name, body=b"x")
    link.close()
    assert [found.key for found in S3.objects(place, "many/")] == names
    assert [found.key for found in S3.versions(place, "many/")] == names


@pytest.mark.parametrize(
    ("change", "kind", "says"),
    [
        ({"secret_key": "wrong secret key"}, "refused", "SignatureDoesNotMatch"),
        ({"access_key": "nobody"}, "refused", "InvalidAccessKeyId"),
        ({"bucket": "nosuchbucket"}, "missing", "NoSuchBucket"),
        ({"ca": None}, "unreachable", "fails at the TLS handshake"),
    ],
)
def test_a_refusal_says_why_and_shows_no_key(
    place: Place, change: dict[str, str | None], kind: str, says: str
) -> None:
    wrong = replace(place, **change)  # type: ignore[arg-type]
    with pytest.raises(StoreError) as caught:
        S3.put(wrong, "name", b"x")
    assert caught.value.kind == kind
    assert says in str(caught.value)
    assert wrong.secret_key not in str(caught.value)
    assert wrong.secret_key not in repr(wrong)


def test_a_ca_that_is_replaced_is_trusted_from_the_next_request_on(
    place: Place, minio: Minio, tmp_path: Path
) -> None:
    """What is read of it is kept, as reading it takes longer than most requests do."""
    ca = write_certificate(tmp_path)
    replaced = replace(place, ca=str(ca))
    with pytest.raises(StoreError, match="fails at the TLS handshake"):
        S3.put(replaced, "name", b"x")
    ca.write_bytes(minio.certificate.read_bytes())
    os.utime(ca, (1, 1))
    S3.put(replaced, "name", b"x")
    S3.put(place, "name", b"y")
    ca.unlink()
    with pytest.raises(StoreError, match="fails at the TLS handshake"):
        S3.put(replaced, "name", b"x")


def test_a_store_that_nobody_runs_is_unreachable(place: Place) -> None:
    with refusing_port() as port, pytest.raises(StoreError) as caught:
        S3.put(replace(place, endpoint=f"http://127.0.0.1:{port}"), "name", b"x")
    assert caught.value.kind == "unreachable"
    assert "refused the connection" in str(caught.value)


def test_a_missing_object_is_told_from_a_missing_bucket(place: Place) -> None:
    with pytest.raises(StoreError) as caught:
        list(S3.get(place, "nothing"))
    assert caught.value.kind == "missing"
    S3.delete(place, "nothing")
    with pytest.raises(StoreError):
        S3.delete(replace(place, bucket="nosuchbucket"), "nothing")


def test_a_plain_endpoint_of_a_server_with_tls_is_told(minio: Minio, place: Place) -> None:
    with pytest.raises(StoreError) as caught:
        S3.put(replace(place, endpoint=f"http://127.0.0.1:{minio.port}"), "name", b"x")
    assert str(minio.port) in str(caught.value)
