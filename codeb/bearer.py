"""The token by which Prometheus asks MinIO: a JWT (RFC 7519) that MinIO's own `mc admin prometheus generate` would make."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Final

_ENDS: Final = 4_102_444_800
"""The first second of 2100: it is the account that ends what its token may do."""


def prometheus_token(access_key: str, secret_key: str) -> str:
    """Signed (HS512) by the account's secret key; the same each time."""
    parts = (
        {"alg": "HS512", "typ": "JWT"},
        {"exp": _ENDS, "iss": "prometheus", "sub": access_key},
    )
    text = ".".join(_part(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
    return f"{text}.{_part(hmac.digest(secret_key.encode(), text.encode(), hashlib.sha512))}"


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
