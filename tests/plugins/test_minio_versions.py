"""Versions of buckets, as the plugin switches them on and off, on a real MinIO server."""

from __future__ import annotations

from typing import Any

import pytest

from codeb.plan import BucketPlan
from components.buckets import bucket_rules
from lab.providers.minio import bucket, lifecycle, versioning
from lab.providers.protocol import ProviderError
from tests.plugins.client import Plugin
from tests.plugins.life import change, make, remove, urn
from tests.plugins.store import admin, put

ENABLED: dict[str, Any] = {"status": "Enabled"}


def test_versions_are_kept_until_the_resource_goes(minio: Plugin, minio_config: dict[str, str]) -> None:
    owner = admin(minio_config)
    bucket_inputs, made = make(minio, bucket.TYPE, bucket="kept-versions", forceDestroy=True)
    inputs, state = make(minio, versioning.TYPE, bucket="kept-versions", versioningConfiguration=ENABLED)
    assert (state.id, state.outputs["versioningConfiguration"]["status"]) == ("kept-versions", "Enabled")
    for body in (b"old", b"new"):
        put(owner, "kept-versions", "a", body)
    assert len(list(owner.list_objects("kept-versions", include_version=True))) == 2
    inputs, state = change(
        minio,
        versioning.TYPE,
        inputs,
        state,
        bucket="kept-versions",
        versioningConfiguration={"status": "Enabled", "excludedPrefixes": ["tmp/"]},
    )
    minio.delete(versioning.TYPE, urn(versioning.TYPE), state.id, inputs, state.outputs)
    assert owner.get_bucket_versioning("kept-versions").status == "Suspended"
    assert len(list(owner.list_objects("kept-versions", include_version=True))) == 2
    remove(minio, bucket.TYPE, bucket_inputs, made)


def test_a_status_that_there_is_not_and_a_bucket_that_is_gone_are_refused(minio: Plugin) -> None:
    news = {"bucket": "x", "versioningConfiguration": {"status": "On"}}
    assert minio.check(versioning.TYPE, urn(versioning.TYPE), {}, news, b"").failures
    bucket_inputs, made = make(minio, bucket.TYPE, bucket="soon-gone")
    inputs, state = make(minio, versioning.TYPE, bucket="soon-gone", versioningConfiguration=ENABLED)
    remove(minio, bucket.TYPE, bucket_inputs, made)
    with pytest.raises(ProviderError, match="failed to load bucket versioning"):
        minio.read(versioning.TYPE, urn(versioning.TYPE), state.id, inputs, state.outputs)


@pytest.mark.parametrize("expire_days", [None, 30])
def test_the_rules_of_a_bucket_that_is_backed_up_are_taken_by_the_server(
    minio: Plugin, minio_config: dict[str, str], expire_days: int | None
) -> None:
    plan = BucketPlan("ruled", "ruled", expire_days=expire_days, versions_days=7)
    bucket_inputs, made = make(minio, bucket.TYPE, bucket="ruled")
    camel = {"noncurrent_version_expiration_days": "noncurrentVersionExpirationDays"}
    rules = [{camel.get(key, key): value for key, value in rule.items()} for rule in bucket_rules(plan)]
    inputs, state = make(minio, lifecycle.TYPE, bucket="ruled", rules=rules)
    config = admin(minio_config).get_bucket_lifecycle("ruled")
    assert config
    found = {rule.rule_id: rule for rule in config.rules}
    assert set(found) == {"versions", *(["expire"] if expire_days else [])}
    noncurrent = found["versions"].noncurrent_version_expiration
    assert noncurrent
    assert noncurrent.noncurrent_days == 7
    remove(minio, lifecycle.TYPE, inputs, state)
    remove(minio, bucket.TYPE, bucket_inputs, made)
