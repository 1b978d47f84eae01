"""What a killed run had made on a MinIO server, and the run after it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from minio.error import S3Error

from lab.providers.minio import bucket, iam, service_account
from lab.providers.protocol import ProviderError
from tests.plugins.client import Plugin, plugin
from tests.plugins.life import make, remove, urn
from tests.plugins.store import client, policy


def test_what_a_killed_run_had_made_is_neither_refused_nor_made_twice(
    minio: Plugin, minio_config: dict[str, str], tmp_path: Path
) -> None:
    killed = Plugin("minio", tmp_path)
    killed.configure(minio_config)
    inputs, state = make(killed, bucket.TYPE, bucket="half-made")
    account = {"targetUser": "labadmin", "policy": policy("half-made", "s3:GetObject")}
    account_inputs, lost = make(killed, service_account.TYPE, **account)
    killed.kill()
    with pytest.raises(ProviderError, match="already exists"):
        minio.create(bucket.TYPE, urn(bucket.TYPE), inputs)
    with plugin("minio", minio_config, tmp_path) as resuming:
        assert resuming.create(bucket.TYPE, urn(bucket.TYPE), inputs) == state
        again = resuming.create(service_account.TYPE, urn(service_account.TYPE), account_inputs)
    assert again.id != lost.id
    gone = minio.read(service_account.TYPE, urn(service_account.TYPE), lost.id, account_inputs, lost.outputs)
    assert gone.id == "", "the account whose secret key nobody has must be gone"
    remove(minio, service_account.TYPE, account_inputs, again)
    remove(minio, bucket.TYPE, inputs, state)


def test_a_user_that_a_killed_run_had_made_is_taken_over_with_the_wanted_secret(
    minio: Plugin, minio_config: dict[str, str], tmp_path: Path
) -> None:
    killed = Plugin("minio", tmp_path)
    killed.configure(minio_config)
    wanted: list[tuple[str, dict[str, Any]]] = [
        (iam.USER, {"name": "shop", "secret": "the wanted secret"}),
        (iam.POLICY, {"name": "shop", "policy": policy("shop", "s3:ListBucket")}),
        (iam.ATTACHMENT, {"userName": "shop", "policyName": "shop"}),
    ]
    left = {**wanted[0][1], "secret": "another secret"}
    for type_, news in ((iam.USER, left), *wanted[1:]):
        make(killed, type_, **news)
    killed.kill()
    with plugin("minio", minio_config, tmp_path) as resuming:
        made = [(type_, *make(resuming, type_, **news)) for type_, news in wanted]
    with pytest.raises(S3Error, match="SignatureDoesNotMatch"):
        list(client(minio_config, "shop", "another secret").list_objects("shop"))
    with pytest.raises(S3Error, match="NoSuchBucket"):
        list(client(minio_config, "shop", "the wanted secret").list_objects("shop"))
    for type_, inputs, state in reversed(made):
        remove(minio, type_, inputs, state)
