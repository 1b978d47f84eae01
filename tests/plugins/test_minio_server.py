"""Buckets, users, policies, service accounts and lifecycles on a real MinIO server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from minio.error import S3Error

from lab.providers.minio import bucket, bucket_policy, iam, lifecycle, service_account
from lab.providers.protocol import PartialFailure, ProviderError
from tests.plugins.client import Plugin, plugin
from tests.plugins.life import change, make, remove, urn
from tests.plugins.store import admin, client, policy, put
from tests.ports import refusing_port


def test_a_service_account_reaches_its_bucket_and_no_other(
    minio: Plugin, minio_config: dict[str, str]
) -> None:
    buckets = [make(minio, bucket.TYPE, bucket=name, acl="private") for name in ("mine", "theirs")]
    document = policy("mine", "s3:GetObject", "s3:PutObject")
    inputs, state = make(minio, service_account.TYPE, targetUser="labadmin", policy=document)
    keys = client(minio_config, state.id, state.outputs["secretKey"])
    put(keys, "mine", "a")
    with pytest.raises(S3Error, match=r"Access ?Denied"):
        put(keys, "theirs", "a")
    inputs, state = change(
        minio,
        service_account.TYPE,
        inputs,
        state,
        targetUser="labadmin",
        policy=policy("theirs", "s3:PutObject"),
    )
    put(keys, "theirs", "a")
    old_secret = state.outputs["secretKey"]
    inputs, state = change(
        minio, service_account.TYPE, inputs, state,
        targetUser="labadmin", policy=policy("theirs", "s3:PutObject"), updateSecret=True, disableUser=True,
    )  # fmt: skip
    assert state.outputs["secretKey"] != old_secret
    assert state.outputs["status"] == "off"
    remove(minio, service_account.TYPE, inputs, state)
    for store, name in ((admin(minio_config), "mine"), (admin(minio_config), "theirs")):
        store.remove_object(name, "a")
    for bucket_inputs, made in buckets:
        remove(minio, bucket.TYPE, bucket_inputs, made)


def test_a_policy_that_says_the_same_in_other_words_is_no_change(minio: Plugin) -> None:
    inputs, state = make(minio, iam.POLICY, name="same", policy=policy("b", "s3:PutObject", "s3:GetObject"))
    other = '{"Statement":{"Resource":"arn:aws:s3:::b/*","Effect":"Allow","Action":["s3:GetObject","s3:PutObject"]},' \
        '"Version":"2012-10-17"}'  # fmt: skip
    checked = minio.check(iam.POLICY, urn(iam.POLICY), inputs, {"name": "same", "policy": other}, b"")
    diff = minio.diff(iam.POLICY, urn(iam.POLICY), "same", inputs, state.outputs, checked.inputs)
    assert not diff.changes
    inputs, state = change(minio, iam.POLICY, inputs, state, name="same", policy=policy("b", "s3:*"))
    remove(minio, iam.POLICY, inputs, state)


def test_a_user_acts_within_the_attached_policies(minio: Plugin, minio_config: dict[str, str]) -> None:
    home_inputs, home = make(minio, bucket.TYPE, bucket="home", forceDestroy=True)
    user_inputs, user = make(minio, iam.USER, name="app", secret="first secret")
    names = [f"policy-{number}" for number in range(6)]
    policies = [make(minio, iam.POLICY, name=name, policy=policy("home", "s3:PutObject")) for name in names]
    store = client(minio_config, "app", "first secret")
    with pytest.raises(S3Error, match=r"Access ?Denied"):
        put(store, "home", "a")
    with ThreadPoolExecutor(6) as pool:
        attached = list(
            pool.map(lambda name: make(minio, iam.ATTACHMENT, userName="app", policyName=name), names)
        )
    put(store, "home", "a")
    for attachment_inputs, made in attached:
        remove(minio, iam.ATTACHMENT, attachment_inputs, made)
    with pytest.raises(S3Error, match=r"Access ?Denied"):
        put(store, "home", "a")
    user_inputs, user = change(minio, iam.USER, user_inputs, user, name="app", secret="other secret")
    user_inputs, user = change(minio, iam.USER, user_inputs, user, name="app", disableUser=True)
    assert user.outputs["status"] == "disabled"
    assert user.outputs["secret"] == "other secret"
    remove(minio, iam.USER, user_inputs, user)
    for policy_inputs, made in policies:
        remove(minio, iam.POLICY, policy_inputs, made)
    remove(minio, bucket.TYPE, home_inputs, home)


def test_a_public_bucket_is_read_without_credentials(minio: Plugin, minio_config: dict[str, str]) -> None:
    inputs, state = make(
        minio, bucket.TYPE, bucket="open", acl="public-read", quota=1_000_000, forceDestroy=True
    )
    assert state.outputs["quota"] == "1000000"
    put(admin(minio_config), "open", "dir/a")
    anonymous = client(minio_config)
    assert anonymous.get_object("open", "dir/a").data == b"hello"
    with pytest.raises(S3Error, match=r"Access ?Denied"):
        put(anonymous, "open", "b")
    with pytest.raises(S3Error, match="quota"):
        put(admin(minio_config), "open", "big", b"x" * 2_000_000)
    inputs, state = change(minio, bucket.TYPE, inputs, state, bucket="open", acl="public", forceDestroy=True)
    put(anonymous, "open", "b")
    remove(minio, bucket.TYPE, inputs, state)


def test_a_bucket_with_objects_stays_unless_told_otherwise(
    minio: Plugin, minio_config: dict[str, str]
) -> None:
    inputs, state = make(minio, bucket.TYPE, bucket="full", objectLocking=True)
    put(admin(minio_config), "full", "a")
    put(admin(minio_config), "full", "a")
    with pytest.raises(ProviderError, match=r"\[FATAL\] unable to remove bucket \(full\): .*not empty"):
        minio.delete(bucket.TYPE, urn(bucket.TYPE), state.id, inputs, state.outputs)
    inputs, state = change(
        minio, bucket.TYPE, inputs, state, bucket="full", objectLocking=True, forceDestroy=True
    )
    remove(minio, bucket.TYPE, inputs, state)


def test_a_bucket_policy_is_set_and_taken_away(minio: Plugin, minio_config: dict[str, str]) -> None:
    make(minio, bucket.TYPE, bucket="shared")
    everyone = {"AWS": ["*"]}
    inputs, state = _settled_policy(minio, policy("shared", "s3:PutObject", principal=everyone))
    put(client(minio_config), "shared", "a")
    remove(minio, bucket_policy.TYPE, inputs, state)
    with pytest.raises(S3Error, match=r"Access ?Denied"):
        put(client(minio_config), "shared", "b")
    admin(minio_config).remove_object("shared", "a")
    minio.delete(bucket.TYPE, urn(bucket.TYPE), "shared", {}, {})


def _settled_policy(minio: Plugin, document: str) -> tuple[dict[str, Any], Any]:
    """As in the plugin the state holds the policy as given, and a refresh the one in normal form."""
    checked = minio.check(
        bucket_policy.TYPE, urn(bucket_policy.TYPE), {}, {"bucket": "shared", "policy": document}, b""
    )
    state = minio.create(bucket_policy.TYPE, urn(bucket_policy.TYPE), checked.inputs)
    assert state.outputs["policy"] == document
    found = minio.read(bucket_policy.TYPE, urn(bucket_policy.TYPE), state.id, checked.inputs, state.outputs)
    diff = minio.diff(
        bucket_policy.TYPE, urn(bucket_policy.TYPE), state.id, checked.inputs, found.outputs, checked.inputs
    )
    assert not diff.changes
    return checked.inputs, state


def test_lifecycle_rules(minio: Plugin) -> None:
    bucket_inputs, made = make(minio, bucket.TYPE, bucket="ageing")
    rules: list[dict[str, Any]] = [
        {"id": "tmp", "expiration": "7d", "filter": "tmp/"},
        {"id": "date", "expiration": "2031-01-01", "noncurrentVersionExpirationDays": 3},
        {"id": "tagged", "expiration": "3d", "tags": {"x": "y"}},
    ]
    inputs, state = make(minio, lifecycle.TYPE, bucket="ageing", rules=rules)
    assert [rule["expiration"] for rule in state.outputs["rules"]] == ["7d", "2031-01-01", "3d"]
    assert inputs["rules"][0]["__defaults"] == []
    inputs, state = change(
        minio, lifecycle.TYPE, inputs, state, bucket="ageing", rules=[{**rules[0], "expiration": "8d"}]
    )
    remove(minio, lifecycle.TYPE, inputs, state)
    remove(minio, bucket.TYPE, bucket_inputs, made)


def test_names_are_generated_where_none_is_given(minio: Plugin) -> None:
    for given, start in (({}, "terraform-20"), ({"bucketPrefix": "pre-"}, "pre-20")):
        inputs, state = make(minio, bucket.TYPE, **given)
        assert state.id.startswith(start)
        assert len(state.id) == len(start) + 24
        remove(minio, bucket.TYPE, inputs, state)
    inputs, state = make(minio, iam.USER)
    assert state.id.startswith("it-")
    assert len(state.outputs["secret"]) == 56
    remove(minio, iam.USER, inputs, state)


def test_what_exists_already_is_not_taken_over(minio: Plugin) -> None:
    inputs, state = make(minio, bucket.TYPE, bucket="taken")
    with pytest.raises(ProviderError, match=r"bucket already exists! \(taken\)"):
        minio.create(bucket.TYPE, urn(bucket.TYPE), inputs)
    remove(minio, bucket.TYPE, inputs, state)


def test_a_bucket_that_could_not_be_finished_is_recorded_and_finished_later(minio: Plugin) -> None:
    checked = minio.check(bucket.TYPE, urn(bucket.TYPE), {}, {"bucket": "half", "acl": "nonsense"}, b"")
    with pytest.raises(PartialFailure) as caught:
        minio.create(bucket.TYPE, urn(bucket.TYPE), checked.inputs)
    assert "valid acl: private" in caught.value.reasons[0]
    state = caught.value.state
    assert state.id == "half"
    inputs, state = change(minio, bucket.TYPE, checked.inputs, state, bucket="half", acl="public-read")
    remove(minio, bucket.TYPE, inputs, state)


def test_existing_things_are_imported_by_their_id(minio: Plugin) -> None:
    inputs, state = make(minio, iam.USER, name="known", secret="some secret")
    found = minio.read(iam.USER, urn(iam.USER), "known", {}, {})
    assert found.inputs == {"__defaults": [], "name": "known"}
    remove(minio, iam.USER, inputs, state)
    inputs, state = make(minio, bucket.TYPE, bucket="found", acl="public", objectLocking=True)
    found = minio.read(bucket.TYPE, urn(bucket.TYPE), "found", {}, {})
    assert found.inputs == {"__defaults": [], "bucket": "found", "acl": "public", "objectLocking": True}
    remove(minio, bucket.TYPE, inputs, state)
    for type_ in (bucket.TYPE, iam.POLICY, lifecycle.TYPE, bucket_policy.TYPE):
        assert minio.read(type_, urn(type_), "no-such-thing", {}, {}).id == ""


@pytest.mark.parametrize(
    ("differing", "message"),
    [
        ({"minioPassword": "wrong one"}, "Access denied"),
        ({"minioCacertFile": ""}, "certificate"),
        ({"minioCacertFile": "/nowhere.crt"}, "No such file"),
        ({"minioServer": "127.0.0.1:{refusing}"}, "127.0.0.1:[0-9]+: .*refused"),
    ],
)
def test_a_server_that_cannot_be_used_is_named_with_the_cause(
    minio_config: dict[str, str], differing: dict[str, str], message: str
) -> None:
    with refusing_port() as port:
        config = {key: value.format(refusing=port) for key, value in {**minio_config, **differing}.items()}
        with plugin("minio", config) as provider, pytest.raises(ProviderError, match=message) as caught:
            provider.read(bucket.TYPE, urn(bucket.TYPE), "some-bucket", {}, {})
    assert "wrong one" not in str(caught.value)
