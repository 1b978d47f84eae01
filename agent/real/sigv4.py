"""AWS Signature Version 4, as S3 takes it in the header Authorization.

Source: docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, whose examples the tests repeat.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import quote

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
EMPTY_SHA256: Final = hashlib.sha256(b"").hexdigest()


def encoded_path(path: str) -> str:
    """A path as it is signed and sent: all but letters, digits, `-._~` and `/` in percent signs."""
    return quote(path, safe="/-._~")


def encoded_query(query: Mapping[str, str]) -> str:
    """A query as it is signed and sent, in the order of its names."""
    pairs = sorted((quote(key, safe="-._~"), quote(value, safe="-._~")) for key, value in query.items())
    return "&".join(f"{key}={value}" for key, value in pairs)


def signed(
    method: str,
    path: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    *,
    payload_sha256: str,
    region: str,
    access_key: str,
    secret_key: str,
    now: datetime,
) -> dict[str, str]:
    """`headers` (with Host) and those that sign them and the request. `path` is encoded already; `now` is UTC."""
    stamp, day = f"{now:%Y%m%dT%H%M%SZ}", f"{now:%Y%m%d}"
    whole = {**headers, "x-amz-content-sha256": payload_sha256, "x-amz-date": stamp}
    lines = {name.lower(): " ".join(value.split()) for name, value in whole.items()}
    names = ";".join(sorted(lines))
    listed = "".join(f"{name}:{lines[name]}\n" for name in sorted(lines))
    request = "\n".join((method, path, encoded_query(query), listed, names, payload_sha256))
    scope = f"{day}/{region}/s3/aws4_request"
    text = "\n".join((_ALGORITHM, stamp, scope, hashlib.sha256(request.encode()).hexdigest()))
    signature = hmac.new(_key(secret_key, day, region), text.encode(), hashlib.sha256).hexdigest()
    credential = f"Credential={access_key}/{scope}"
    return {
        **whole,
        "Authorization": f"{_ALGORITHM} {credential},SignedHeaders={names},Signature={signature}",
    }


def _key(secret_key: str, day: str, region: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
