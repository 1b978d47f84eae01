"""The token for MinIO's figures says who asks and is signed by that account's key alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

from codeb.bearer import prometheus_token
from codeb.secrets import PlatformSecrets, RootSecret, resolve

ROOT = RootSecret("A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0")


def part(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_a_token_names_the_account_and_is_signed_by_its_key() -> None:
    head, claims, signature = prometheus_token("codeb_metrics", "s3cret").split(".")
    assert json.loads(part(head)) == {"alg": "HS512", "typ": "JWT"}
    assert json.loads(part(claims)) == {"exp": 4102444800, "iss": "prometheus", "sub": "codeb_metrics"}
    wanted = hmac.digest(b"s3cret", f"{head}.{claims}".encode(), hashlib.sha512)
    assert part(signature) == wanted


def test_a_rendered_file_gets_the_token_of_the_derived_key() -> None:
    secrets = PlatformSecrets(ROOT, [])
    found = resolve("@{secret:monitoring/minio/token}", secrets.lookup)
    assert found == prometheus_token("codeb_metrics", ROOT.derive("monitoring/minio"))
    assert found != prometheus_token("codeb_metrics", ROOT.derive("monitoring/redis"))
