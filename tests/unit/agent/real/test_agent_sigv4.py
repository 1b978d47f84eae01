"""AWS's own examples: docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest

from agent.real.sigv4 import EMPTY_SHA256, encoded_path, encoded_query, signed

HOST = {"Host": "examplebucket.s3.amazonaws.com"}
WELCOME = hashlib.sha256(b"Welcome to Amazon S3.").hexdigest()


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "payload", "signature"),
    [
        (
            "GET", "/test.txt", {}, {"Range": "bytes=0-9"}, EMPTY_SHA256,
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "PUT", "/test$file.text", {},
            {"Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"}, WELCOME,
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            "GET", "/", {"lifecycle": ""}, {}, EMPTY_SHA256,
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            "GET", "/", {"prefix": "J", "max-keys": "2"}, {}, EMPTY_SHA256,
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)  # fmt: skip
def test_requests_are_signed_as_in_the_examples_of_aws(
    method: str, path: str, query: dict[str, str], headers: dict[str, str], payload: str, signature: str
) -> None:
    found = signed(
        method,
        encoded_path(path),
        query,
        {**HOST, **headers},
        payload_sha256=payload,
        region="us-east-1",
        access_key="AKIAIOSFODNN7EXAMPLE",
        secret_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        now=datetime(2013, 5, 24, tzinfo=UTC),
    )
    assert found["Authorization"].endswith(f"Signature={signature}")


def test_paths_and_queries_are_written_as_they_are_signed() -> None:
    assert encoded_path("/b/a b+ü~%?#&") == "/b/a%20b%2B%C3%BC~%25%3F%23%26"
    assert encoded_query({"b": "x/y z", "a": "1=&"}) == "a=1%3D%26&b=x%2Fy%20z"
