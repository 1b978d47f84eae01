"""The whole program on a recording monitor: what it asks the engine for, and what it never does."""

from __future__ import annotations

import json
from pathlib import Path
from unittest import mock

import pulumi
import pytest
from pulumi.runtime import rpc

from codeb.secrets import RootSecret
from ops.ssh import Answer
from tests.components.recording import (
    BASE_CONFIG,
    DIGEST,
    ROOT_SECRET,
    SSH_KEY,
    Recording,
    plain_texts,
    record,
)

SHOP = """
project: {id: shop}
environment: {domain: shop.lab.test, image: "registry.lab.test:5000/shop:1"}
"""
BARE = """
project: {id: bare}
environment: {domain: bare.lab.test, image: "registry.lab.test:5000/bare:1"}
resources: {database: {enabled: false}, cache: {enabled: false}, storage: {enabled: false}}
"""
VAULT = """
project: {id: vault-app, lifecycle: destroy}
environment: {domain: vault.lab.test, image: "registry.lab.test:5000/vault:1", secrets: [API_TOKEN]}
"""
ALL = {"shop.yaml": SHOP, "bare.yaml": BARE, "vault.yaml": VAULT}
SUPPLIED = {"projectSecrets": {"vault-app": {"API_TOKEN": "supplied-token-value"}}}


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return record(tmp_path_factory.mktemp("program"), ALL, config=SUPPLIED)


def test_a_project_with_database_and_bucket_takes_nine_resources(recording: Recording) -> None:
    types = sorted(item.type for item in recording.of_project("shop"))
    assert types == [
        "codeb:project:Project",
        "command:remote:Command",
        "minio:index/iamPolicy:IamPolicy",
        "minio:index/iamUser:IamUser",
        "minio:index/iamUserPolicyAttachment:IamUserPolicyAttachment",
        "minio:index/s3Bucket:S3Bucket",
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
    assert len(commands) == 2 + len(ALL)
    for command in commands:
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
    allowed, denied = json.loads(policy.inputs["policy"])["Statement"]
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
    buckets = [item for item in recording.registrations if item.type.startswith("minio:index/s3Bucket")]
    assert [bucket.inputs["acl"] for bucket in buckets] == ["private", "private"]
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
    going = ("::shop-user", "::shop-policy", "::shop-access", "::shop-release-one")
    assert before - kept == {urn for urn in before if urn.endswith(going)}, (
        "the release goes, and no key to the uploads is left"
    )
    assert later.outputs[-1]["registry"]["projects"]["shop"]["status"] == "retained"
    assert not [item for item in later.registrations if "vault-app" in item.name], (
        "lifecycle: destroy lets go"
    )


@pytest.mark.parametrize(
    ("manifests", "config", "words"),
    [
        ({"a.yaml": "project: {id: A}"}, {}, ["manifests/a.yaml", "project.id", "environment"]),
        ({"shop.yaml": SHOP}, {"provider": "vultr", "servers": []}, ["vultr", "nothing was done"]),
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


def test_the_release_command_runs_on_the_first_of_several_servers_and_the_others_wait(tmp_path: Path) -> None:
    first = BASE_CONFIG["servers"][0]
    second = first | {"name": "two", "address": "10.9.9.3", "privateAddress": "10.9.9.3", "roles": ["app"]}
    migrating = SHOP + "servers: {replicas: 2}\nfeatures: {release_command: [node, migrate.js]}\n"
    recording = record(tmp_path, {"shop.yaml": migrating}, config={"servers": [first, second]})
    releases = [recording.named(f"shop-release-{server}") for server in ("one", "two")]
    jobs = [json.loads(rpc.unwrap_rpc_secret(item.inputs["stdin"]))["job"] for item in releases]
    assert [job is not None for job in jobs] == [True, False]
    assert releases[0].urn in releases[1].dependencies


def test_every_server_runs_the_digest_that_the_first_one_found(tmp_path: Path) -> None:
    first = BASE_CONFIG["servers"][0]
    second = first | {"name": "two", "address": "10.9.9.3", "privateAddress": "10.9.9.3", "roles": ["app"]}
    servers = [first, second, second | {"name": "three", "address": "10.9.9.4", "privateAddress": "10.9.9.4"}]
    recording = record(
        tmp_path, {"shop.yaml": SHOP + "servers: {replicas: 3}\n"}, config={"servers": servers}
    )
    documents = [
        json.loads(rpc.unwrap_rpc_secret(item.inputs["stdin"]))
        for item in (recording.named(f"shop-release-{server['name']}") for server in servers)
    ]
    assert [document.get("digest") for document in documents] == [None, DIGEST, DIGEST]
    assert {document["image"] for document in documents} == {documents[0]["image"]}


def test_what_agents_warn_of_is_said_once_and_is_in_the_registry(tmp_path: Path) -> None:
    with mock.patch("pulumi.log.warn") as warn:
        recording = record(tmp_path, {"shop.yaml": SHOP})
        said = [call.args[0] for call in warn.call_args_list]
        assert said.count("shop: the image declares VOLUME /data") == 1
        registry = recording.outputs[-1]["registry"]
        assert registry["projects"]["shop"]["warnings"] == ["the image declares VOLUME /data"]
        warn.reset_mock()
        record(tmp_path, {"shop.yaml": SHOP}, registry=registry)
        assert not [call for call in warn.call_args_list if "VOLUME" in call.args[0]]


def rolled_back(target: object, verb: str, document: object, **limits: object) -> Answer:
    """What the agent says after `rollback` of shop."""
    image, before = "registry.lab.test:5000/shop:1", "registry.lab.test:5000/shop:0"
    release = {
        "id": "r3", "image": before, "digest": "sha256:1", "at": "2026-02-01T00:00:00Z", "by": "ann@laptop",
        "why": f"rolled back from r2 ({image}) by ann@laptop",
    }  # fmt: skip
    status = {
        "project": "shop", "status": "healthy", "active": "green", "image": before, "digest": "sha256:1",
        "container_id": "d", "created_at": "2026-01-01T00:00:00Z", "release": release, "maintenance": False,
        "withdrawn": {"id": "r2", "image": image},
    }  # fmt: skip
    return Answer(0, {"ok": True, "host": {"time": "2026-02-01T00:01:00Z"}, "projects": [status]})


@pytest.mark.parametrize("preview", [False, True])
def test_a_rollback_is_in_the_registry_and_said(
    tmp_path: Path, recording: Recording, caplog: pytest.LogCaptureFixture, preview: bool
) -> None:
    later = record(
        tmp_path,
        ALL,
        config=SUPPLIED,
        registry=recording.outputs[-1]["registry"],
        ask=rolled_back,
        preview=preview,
    )
    for outputs in (later.outputs[0], later.outputs[-1]):
        shop = outputs["registry"]["projects"]["shop"]
        assert shop["release"]["why"] == "rolled back from r2 (registry.lab.test:5000/shop:1) by ann@laptop"
        assert (shop["status"], shop["active"], shop["image"]) == (
            "running",
            "green",
            "registry.lab.test:5000/shop:0",
        )
    assert outputs["registry"]["projects"]["bare"] == recording.outputs[-1]["registry"]["projects"]["bare"]
    assert "codeb rollback shop --forward --stack test" in caplog.text


def test_servers_that_do_not_answer_are_said_in_a_preview_and_change_nothing(
    tmp_path: Path, recording: Recording, caplog: pytest.LogCaptureFixture
) -> None:
    registry = recording.outputs[-1]["registry"]
    later = record(tmp_path, ALL, config=SUPPLIED, registry=registry, preview=True)
    assert later.outputs[-1]["registry"] == registry
    assert "one was not asked what it runs: there is no server" in caplog.text


def test_a_first_preview_asks_nobody(tmp_path: Path) -> None:
    def ask(*_: object, **__: object) -> Answer:
        raise AssertionError("there is nothing to ask for yet")

    record(tmp_path, {"shop.yaml": SHOP}, ask=ask, preview=True)


def test_a_release_that_takes_a_domain_over_waits_for_the_one_that_gives_it(tmp_path: Path) -> None:
    serves = {
        key: {"status": "running", "domain": f"{domain}.lab.test", "ports": {"app": app, "internal": app + 1}}
        for key, domain, app in (("bare", "shop", 3001), ("shop", "bare", 3003))
    }
    found = record(
        tmp_path, {"bare.yaml": BARE, "shop.yaml": SHOP}, registry={"version": 1, "projects": serves}
    )
    assert found.named("bare-release-one").urn in found.named("shop-release-one").dependencies
    assert found.named("shop-release-one").urn not in found.named("bare-release-one").dependencies
