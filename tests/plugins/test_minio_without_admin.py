"""Buckets as `components.objects` declares them, by keys that have S3 and nothing of MinIO's own interface: so at Vultr's.

A real MinIO server, and a user of it that may do everything but administrate.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3

from codeb.plan import BucketPlan
from components.buckets import bucket_rules, public_read_policy
from lab.providers.minio import bucket, bucket_policy, iam, lifecycle, versioning
from lab.providers.protocol import ProviderError, State
from tests.plugins.client import Plugin, plugin
from tests.plugins.life import make, remove
from tests.plugins.store import client, put

NAME = "3fa9c1-shop-assets"
PLAN = BucketPlan(NAME, "assets", access="public-read", expire_days=90, versions_days=30)
_CAMEL = {"noncurrent_version_expiration_days": "noncurrentVersionExpirationDays"}


@pytest.fixture
def keys(minio: Plugin) -> Iterator[dict[str, str]]:
    """As a subscription has them."""
    everything = {"Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::*"]}
    nothing = {"Effect": "Deny", "Action": ["admin:*"]}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everything, nothing]})
    made = [
        (iam.USER, *make(minio, iam.USER, name="subscription", secret="a secret of its own")),
        (iam.POLICY, *make(minio, iam.POLICY, name="subscription", policy=policy)),
        (iam.ATTACHMENT, *make(minio, iam.ATTACHMENT, userName="subscription", policyName="subscription")),
    ]
    yield {"minioUser": "subscription", "minioPassword": "a secret of its own"}
    for type_, inputs, state in reversed(made):
        remove(minio, type_, inputs, state)


@pytest.fixture
def plain(keys: dict[str, str], minio_config: dict[str, str]) -> Iterator[Plugin]:
    with plugin("minio", {**minio_config, **keys}) as running:
        yield running


def _policy(plain: Plugin) -> tuple[dict[str, Any], State]:
    """MinIO writes it in words of its own, so that a read says it otherwise."""
    policy = {"bucket": NAME, "policy": public_read_policy(NAME)}
    inputs = plain.check(bucket_policy.TYPE, "urn", {}, policy, b"").inputs
    return inputs, plain.create(bucket_policy.TYPE, "urn", inputs)


def test_a_bucket_with_all_its_rules_needs_no_administrator(
    plain: Plugin, keys: dict[str, str], minio_config: dict[str, str]
) -> None:
    rules: list[dict[str, Any]] = [
        {_CAMEL.get(key, key): value for key, value in rule.items()} for rule in bucket_rules(PLAN)
    ]
    made = [
        (bucket.TYPE, *make(plain, bucket.TYPE, bucket=NAME, acl="private")),
        (bucket_policy.TYPE, *_policy(plain)),
        (
            versioning.TYPE,
            *make(plain, versioning.TYPE, bucket=NAME, versioningConfiguration={"status": "Enabled"}),
        ),
        (lifecycle.TYPE, *make(plain, lifecycle.TYPE, bucket=NAME, rules=rules)),
    ]
    own = client(minio_config, keys["minioUser"], keys["minioPassword"])
    put(own, NAME, "logo.png", b"shown to everybody")
    anybody = urllib3.PoolManager(ca_certs=minio_config["minioCacertFile"])
    url = f"https://{minio_config['minioServer']}/{NAME}"
    assert anybody.request("GET", f"{url}/logo.png").data == b"shown to everybody"
    assert anybody.request("GET", url).status == 403, "nobody lists it"
    for version in own.list_objects(NAME, include_version=True):
        own.remove_object(NAME, str(version.object_name), version.version_id)
    for type_, inputs, state in reversed(made[1:]):
        plain.delete(type_, "urn", state.id, inputs, state.outputs)
    remove(plain, *made[0])


def test_a_limit_needs_one(plain: Plugin) -> None:
    """Why `components.objects` leaves it out, and the plan refuses it."""
    checked = plain.check(bucket.TYPE, "urn", {}, {"bucket": "limited-bucket", "quota": 1 << 20}, b"")
    with pytest.raises(ProviderError, match="quota"):
        plain.create(bucket.TYPE, "urn", checked.inputs)
