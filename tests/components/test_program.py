"""The whole program on a recording monitor: what it asks the engine for, and what it never does."""

from __future__ import annotations

import json
from pathlib import Path

import pulumi
import pytest
from pulumi.runtime import rpc

from codeb.secrets import RootSecret
from tests.components.recording import (
    ALL,
    BARE,
    BASE_CONFIG,
    ROOT_SECRET,
    SHOP,
    SSH_KEY,
    VAULT,
    Recording,
    plain_texts,
    record,
)


def test_a_project_with_database_and_bucket_takes_eleven_resources(recording: Recording) -> None:
    types = sorted(item.type for item in recording.of_project("shop"))
    assert types == [
        "codeb:project:Project",
        "command:remote:Command",
        "minio:index/iamPolicy:IamPolicy",
        "minio:index/iamUser:IamUser",
        "minio:index/iamUserPolicyAttachment:IamUserPolicyAttachment",
        "minio:index/ilmPolicy:IlmPolicy",
        "minio:index/s3Bucket:S3Bucket",
        "minio:index/s3BucketVersioning:S3BucketVersioning",
        "postgresql:index/database:Database",
        "postgresql:index/grant:Grant",
        "postgresql:index/role:Role",
    ]


def test_a_project_without_data_services_takes_two_resources(recording: Recording) -> None:
    assert len(recording.of_project("bare")) == 2


def test_every_child_has_a_parent(recording: Recording) -> None:
    urns = {item.urn for item in recording.registrations}
    orphans = [
        item.urn
        for item in recording.registrations
        if item.type != "pulumi:pulumi:Stack" and item.parent not in urns
    ]
    assert orphans == []


def test_names_are_unique_a_type(recording: Recording) -> None:
    urns = [item.urn for item in recording.registrations]
    assert len(urns) == len(set(urns))


def test_no_secret_value_reaches_the_engine_in_plain_text(recording: Recording) -> None:
    root = RootSecret(ROOT_SECRET)
    secrets = {ROOT_SECRET, SSH_KEY, "supplied-token-value"}
    secrets |= {root.derive(purpose) for purpose in ("postgres/admin", "minio/admin", "redis/0/admin")}
    secrets |= {
        root.derive(f"project/{name}/{what}")
        for name in ("shop", "vault-app")
        for what in ("database", "cache", "storage", "session")
    }
    places = [(item.urn, item.inputs) for item in recording.registrations]
    places += [("stack outputs", outputs) for outputs in recording.outputs]
    for place, values in places:
        text = "\n".join(plain_texts(values))
        assert not [secret for secret in secrets if secret in text], f"{place} shows a secret"


def test_commands_carry_no_secret_in_their_text_and_pin_the_host_key(recording: Recording) -> None:
    commands = [item for item in recording.registrations if item.type == "command:remote:Command"]
    assert len(commands) == 2 + len(ALL) + 1
    for command in commands:
        if command.name == "vault-app-final":  # which does nothing until it is deleted
            assert "codeb-agent final" in command.inputs["delete"]
            continue
        assert str(command.inputs["create"]).startswith(
            ("answer=$(codeb-agent ", "set -e; umask 022; d=/usr/local/lib/codeb")
        )
        assert command.inputs["logging"] == "none"
        assert "triggers" not in command.inputs


def test_data_of_a_retained_project_outlives_it_and_destroyed_servers_take_data_along(
    recording: Recording,
) -> None:
    bundle = recording.named("one-bundle").urn
    for item in recording.of_project("shop"):
        if item.type.startswith(("postgresql:", "minio:index/s3Bucket")):
            assert item.retain_on_delete, f"{item.name} would be dropped with its manifest"
        if item.custom:
            assert item.deleted_with == bundle
    assert not any(item.retain_on_delete for item in recording.of_project("vault-app"))


def test_an_app_is_given_a_user_of_its_own_for_its_buckets_and_nothing_of_the_administrator_s(
    recording: Recording,
) -> None:
    user, policy = recording.named("vault-app-user"), recording.named("vault-app-policy")
    access = recording.named("vault-app-access")
    secret = RootSecret(ROOT_SECRET).derive("project/vault-app/storage")
    assert (user.inputs["name"], rpc.unwrap_rpc_secret(user.inputs["secret"])) == ("vault", secret)
    assert access.inputs == {"userName": "vault", "policyName": "vault"}
    allowed, _, denied = json.loads(policy.inputs["policy"])["Statement"]
    assert allowed["Resource"] == ["arn:aws:s3:::vault-uploads", "arn:aws:s3:::vault-uploads/*"]
    assert denied == {"Effect": "Deny", "Action": ["admin:*"]}
    assert "vault-app-bucket-uploads" in {urn.split("::")[-1] for urn in access.dependencies}, (
        "what opens the buckets goes before they do"
    )
    release = json.loads(rpc.unwrap_rpc_secret(recording.named("vault-app-release-one").inputs["stdin"]))
    found = {name: release["environment"][name] for name in ("MINIO_ACCESS_KEY", "MINIO_SECRET_KEY")}
    assert found == {"MINIO_ACCESS_KEY": "vault", "MINIO_SECRET_KEY": secret}
    connections = rpc.unwrap_rpc_secret(recording.outputs[-1]["connections"])["vault-app"]
    assert {name: connections[name] for name in found} == found


def test_nothing_is_public_by_default(recording: Recording) -> None:
    buckets = [item for item in recording.registrations if item.type == "minio:index/s3Bucket:S3Bucket"]
    assert [bucket.inputs["acl"] for bucket in buckets] == [
        "private"
    ] * 3  # two of projects, and the backups'
    grants = [item for item in recording.registrations if item.type == "postgresql:index/grant:Grant"]
    assert all(grant.inputs["role"] == "public" and grant.inputs["privileges"] == [] for grant in grants)


def test_a_release_waits_for_its_data_and_its_host(recording: Recording) -> None:
    release = recording.named("shop-release-one")
    names = {urn.split("::")[-1] for urn in release.dependencies}
    assert {"one-bundle", "shop-database", "shop-public", "shop-bucket-uploads", "shop-access"} <= names


def test_the_allocation_is_remembered_before_anything_can_fail(recording: Recording) -> None:
    first = recording.outputs[0]["registry"]["projects"]
    assert {key: entry["status"] for key, entry in first.items()} == dict.fromkeys(
        ("bare", "shop", "vault-app"), "planned"
    )
    assert recording.outputs[-1]["registry"]["projects"]["shop"]["status"] == "running"


def test_a_first_preview_knows_the_whole_release(tmp_path: Path) -> None:
    release = record(tmp_path, {"shop.yaml": SHOP}, preview=True).named("shop-release-one")
    assert json.loads(rpc.unwrap_rpc_secret(release.inputs["stdin"]))["environment"]["MINIO_SECRET_KEY"]


def test_a_preview_shows_ports_index_database_and_bucket(tmp_path: Path) -> None:
    recording = record(tmp_path, {"shop.yaml": SHOP}, preview=True)
    facts = recording.of_project("shop")[0].inputs
    assert facts["ports"] == {"app": 3001, "internal": 3002}
    assert facts["redis"] == "redis-0 index 2"
    assert facts["database"] == "shop_db"
    assert facts["buckets"] == ["shop-uploads"]


def test_a_project_that_left_keeps_its_data_under_the_same_names(
    tmp_path: Path, recording: Recording
) -> None:
    registry = recording.outputs[-1]["registry"]
    later = record(tmp_path, {"bare.yaml": BARE}, registry=registry)
    kept = {item.urn for item in later.of_project("shop")}
    before = {item.urn for item in recording.of_project("shop")}
    going = (
        *("::shop-user", "::shop-policy", "::shop-access", "::shop-release-one"),
        *("::shop-versions-uploads", "::shop-expiry-uploads"),
    )
    assert before - kept == {urn for urn in before if urn.endswith(going)}, (
        "the release goes, and no key to the uploads is left; MinIO keeps the bucket's versions"
    )
    assert later.outputs[-1]["registry"]["projects"]["shop"]["status"] == "retained"
    assert not [item for item in later.registrations if "vault-app" in item.name], (
        "lifecycle: destroy lets go"
    )


@pytest.mark.parametrize(
    ("manifests", "config", "words"),
    [
        ({"a.yaml": "project: {id: A}"}, {}, ["manifests/a.yaml", "project.id", "environment"]),
        (
            {"shop.yaml": SHOP},
            {"provider": "vultr", "servers": []},
            ["codeb:pools", "no pool says what to make"],
        ),
        ({"shop.yaml": SHOP}, {"rootSecret": "short"}, ["root secret is too weak", "openssl rand"]),
        (
            {"vault.yaml": VAULT},
            {},
            ["codeb:projectSecrets.vault-app.API_TOKEN", "pulumi config set --secret"],
        ),
        ({"vault.yaml": VAULT}, {"projectSecrets": "hunter2"}, ["codeb:projectSecrets", "not a mapping"]),
        ({"vault.yaml": VAULT}, {"projectSecrets": ["hunter2"]}, ["codeb:projectSecrets", "not a mapping"]),
        (
            {"vault.yaml": VAULT},
            {"projectSecrets": {"vault-app": {"API_TOKEN": "a\0"}}},
            ["codeb:projectSecrets.vault-app.API_TOKEN", "NUL"],
        ),
        (
            {"shop.yaml": SHOP},
            {"images": {"minio": "quay.io/minio/minio:RELEASE.2025-09-07T16-13-09Z"}},
            ["codeb:images.minio", "CVE-2025-62506", "docker.io/pgsty/silo"],
        ),
        ({"shop.yaml": SHOP}, {"domain": "no domain"}, ["Pulumi.test.yaml", "codeb:domain"]),
        ({"shop.yaml": SHOP}, {"servers": [{**BASE_CONFIG["servers"][0], "hostKey": ""}]}, ["host key"]),
    ],
)
def test_what_cannot_be_deployed_is_refused_in_words(
    tmp_path: Path, manifests: dict[str, str], config: dict[str, object], words: list[str]
) -> None:
    with pytest.raises(pulumi.RunError) as failure:
        record(tmp_path, manifests, config=config)
    for word in words:
        assert word in str(failure.value)
