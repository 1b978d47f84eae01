"""Check, diff and preview of bridged resources, without servers; compared with the plugins' recorded state."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.providers import factory
from lab.providers.protocol import UNKNOWN, ProviderError
from tests.plugins.client import Plugin, plugin
from tests.plugins.life import urn

ROLE = "postgresql:index/role:Role"
DATABASE = "postgresql:index/database:Database"
GRANT = "postgresql:index/grant:Grant"
EXTENSION = "postgresql:index/extension:Extension"
BUCKET = "minio:index/s3Bucket:S3Bucket"
ACCOUNT = "minio:index/iamServiceAccount:IamServiceAccount"
POLICY = "minio:index/iamPolicy:IamPolicy"
USER = "minio:index/iamUser:IamUser"
ATTACHMENT = "minio:index/iamUserPolicyAttachment:IamUserPolicyAttachment"

SIGNATURE = "4dabf18193072939515e22adb298388d"
RECORDED = json.loads((Path(__file__).parents[1] / "conformance/real-plugins.json").read_text())


PluginOf = Callable[[str], Plugin]


def bridged() -> list[Any]:
    packages = ("postgresql:", "minio:")
    return [
        pytest.param(resource, id=resource["urn"].rsplit("::", 2)[1])
        for resource in RECORDED
        if resource["type"].startswith(packages)
    ]


def without_secrets(properties: dict[str, Any]) -> dict[str, Any]:
    """Recorded secrets stand as `<secret>`."""
    return {
        key: "<secret>" if isinstance(value, dict) and SIGNATURE in value else value
        for key, value in properties.items()
    }


@pytest.mark.parametrize("recorded", bridged())
def test_the_recorded_inputs_come_out_of_a_check(provider_of: PluginOf, recorded: dict[str, Any]) -> None:
    inputs = without_secrets(recorded["inputs"])
    given = {key: value for key, value in inputs.items() if key not in (*inputs["__defaults"], "__defaults")}
    checked = provider_of(recorded["type"]).check(recorded["type"], recorded["urn"], {}, given, b"")
    assert checked.failures == ()
    assert checked.inputs == inputs


@pytest.mark.parametrize("recorded", bridged())
def test_the_recorded_state_needs_no_change(provider_of: PluginOf, recorded: dict[str, Any]) -> None:
    inputs, outputs = without_secrets(recorded["inputs"]), without_secrets(recorded["outputs"])
    provider = provider_of(recorded["type"])
    diff = provider.diff(recorded["type"], recorded["urn"], recorded["id"], inputs, outputs, inputs)
    assert not diff.changes, diff


@pytest.mark.parametrize("recorded", bridged())
def test_a_preview_has_the_recorded_shape(provider_of: PluginOf, recorded: dict[str, Any]) -> None:
    inputs, outputs = without_secrets(recorded["inputs"]), without_secrets(recorded["outputs"])
    provider = provider_of(recorded["type"])
    assert provider.preview(recorded["type"], recorded["urn"], outputs, inputs).keys() == outputs.keys()
    created = provider.preview(recorded["type"], recorded["urn"], None, inputs)
    assert created.keys() | {"__pulumi_raw_state_delta"} == outputs.keys()
    assert created["id"] is UNKNOWN


@pytest.mark.parametrize(
    "recorded", [resource for resource in RECORDED if resource["type"].startswith("pulumi:providers:")]
)
def test_the_recorded_provider_inputs_come_out_of_a_check(
    provider_of: PluginOf, recorded: dict[str, Any]
) -> None:
    """`__internal` is what the CLI adds."""
    inputs = without_secrets(recorded["inputs"])
    given = {key: value for key, value in inputs.items() if not key.startswith("__")}
    checked = provider_of(recorded["type"].split(":")[-1]).check_config(given)
    assert checked.inputs | {"__internal": {}} == inputs


DATABASE_STATE = {
    "name": "d", "owner": "o", "template": "template0", "encoding": "UTF8", "lcCollate": "C.UTF-8",
    "lcCtype": "C.UTF-8", "tablespaceName": "pg_default", "connectionLimit": -1, "allowConnections": True,
    "isTemplate": False, "alterObjectOwnership": False,
}  # fmt: skip
GRANT_STATE = {"role": "r", "database": "d", "objectType": "database", "privileges": ["CONNECT", "CREATE"]}
DOCUMENT = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*"], "Resource": ["*"]}]}'
)
REWORDED = '{"Statement":{"Action":"s3:*","Effect":"Allow","Resource":"*"},"Version":"2012-10-17"}'
OTHER = DOCUMENT.replace("s3:*", "s3:GetObject")


@pytest.mark.parametrize(
    ("type_", "old", "new", "diffs", "replaces"),
    [
        (DATABASE, DATABASE_STATE, {"name": "d"}, (), ()),
        (DATABASE, DATABASE_STATE, {"name": "e", "owner": "p"}, ("name", "owner"), ()),
        (DATABASE, DATABASE_STATE, {"name": "d", "encoding": "LATIN1"}, ("encoding",), ("encoding",)),
        (DATABASE, DATABASE_STATE, {"name": "d", "template": UNKNOWN}, ("template",), ("template",)),
        (DATABASE, DATABASE_STATE, {"name": "d", "connectionLimit": -1}, (), ()),
        (DATABASE, DATABASE_STATE, {"name": "d", "connectionLimit": 5.0}, ("connectionLimit",), ()),
        (ROLE, {"name": "r", "login": True}, {"name": "r"}, ("login",), ()),
        (ROLE, {"name": "r", "roles": []}, {"name": "r"}, (), ()),
        (ROLE, {"name": "r", "roles": None}, {"name": "r", "roles": []}, (), ()),
        (ROLE, {"name": "r", "roles": ["a", "b"]}, {"name": "r", "roles": ["b", "a"]}, (), ()),
        (ROLE, {"name": "r", "roles": ["a", "b"]}, {"name": "r", "roles": ["b"]}, ("roles[0]",), ()),
        (ROLE, {"name": "r", "roles": ["a"]}, {"name": "r"}, ("roles",), ()),
        (ROLE, {"name": "r", "searchPaths": ["a", "b"]}, {"name": "r", "searchPaths": ["b", "a"]}, None, ()),
        (ROLE, {"name": "r", "statementTimeout": 0}, {"name": "r"}, (), ()),
        (ROLE, {"name": "r", "passwordWo": None}, {"name": "r", "passwordWo": "x"}, (), ()),
        (GRANT, GRANT_STATE, {**GRANT_STATE, "privileges": ["CREATE", "CONNECT"]}, (), ()),
        (GRANT, GRANT_STATE, {**GRANT_STATE, "privileges": []}, ("privileges",), ()),
        (GRANT, {**GRANT_STATE, "privileges": None}, {**GRANT_STATE, "privileges": []}, (), ()),
        (GRANT, GRANT_STATE, {**GRANT_STATE, "role": "s"}, ("role",), ("role",)),
        (EXTENSION, {"name": "e", "database": "d"}, {"name": "e"}, (), ()),
        (
            EXTENSION,
            {"name": "e", "database": "d"},
            {"name": "e", "database": "x"},
            ("database",),
            ("database",),
        ),
        (BUCKET, {"bucket": "b", "acl": "private"}, {"bucket": "c"}, ("bucket",), ("bucket",)),
        (BUCKET, {"bucket": "b", "acl": "private"}, {}, (), ()),
        (BUCKET, {"bucket": "b", "acl": "private"}, {"bucket": "b", "acl": "public"}, ("acl",), ()),
        (BUCKET, {"bucket": "b", "acl": "private", "quota": "10"}, {"bucket": "b", "quota": 10.0}, (), ()),
        (ACCOUNT, {"targetUser": "u", "policy": DOCUMENT}, {"targetUser": "u", "policy": REWORDED}, (), ()),
        (
            ACCOUNT,
            {"targetUser": "u", "policy": DOCUMENT},
            {"targetUser": "u", "policy": OTHER},
            ("policy",),
            (),
        ),
        (ACCOUNT, {"targetUser": "u", "policy": DOCUMENT}, {"targetUser": "u"}, ("policy",), ()),
        (ACCOUNT, {"targetUser": "u"}, {"targetUser": "v"}, ("targetUser",), ("targetUser",)),
        (POLICY, {"name": "p", "policy": DOCUMENT}, {"name": "p", "policy": UNKNOWN}, ("policy",), ()),
        (USER, {"name": "u", "secret": "s"}, {"name": "u"}, (), ()),
        (USER, {"name": "u", "tags": {"a": "b"}}, {"name": "u", "tags": {"a": "c"}}, ("tags.a",), ()),
        (
            ATTACHMENT,
            {"userName": "u", "policyName": "p"},
            {"userName": "u", "policyName": "q"},
            ("policyName",),
            ("policyName",),
        ),
    ],
)
def test_what_changes_and_what_replaces(
    provider_of: PluginOf,
    type_: str,
    old: dict[str, Any],
    new: dict[str, Any],
    diffs: tuple[str, ...] | None,
    replaces: tuple[str, ...],
) -> None:
    provider = provider_of(type_)
    inputs = provider.check(type_, urn(type_), {}, new, b"").inputs
    diff = provider.diff(type_, urn(type_), "id", {}, _defaulted(provider, type_, old), inputs)
    assert diff.replaces == replaces
    assert diff.changes if diffs is None else diff.diffs == diffs


def _defaulted(provider: Plugin, type_: str, old: dict[str, Any]) -> dict[str, Any]:
    """A recorded state with the schema's defaults where the case gives nothing."""
    return provider.preview(type_, urn(type_), {}, {}) | old


@pytest.mark.parametrize(
    ("type_", "inputs", "first"),
    [
        (GRANT, {**GRANT_STATE, "database": "e", "__defaults": []}, True),
        (USER, {"name": "other", "__defaults": []}, True),
        (USER, {"name": "other", "__defaults": ["name"]}, False),
        (BUCKET, {"bucket": "other", "__defaults": []}, False),
    ],
)
def test_what_would_clash_with_its_successor_is_deleted_first(
    provider_of: PluginOf, type_: str, inputs: dict[str, Any], first: bool
) -> None:
    old = {**GRANT_STATE, "name": "n", "bucket": "b"}
    diff = provider_of(type_).diff(type_, urn(type_), "id", {}, old, inputs)
    assert diff.replaces
    assert diff.delete_before_replace is first


def test_secret_properties_are_the_schemas() -> None:
    expected = {
        ROLE: ("password", "passwordWo"),
        ACCOUNT: ("secretKey",),
        USER: ("secret",),
        BUCKET: (),
        "pulumi:providers:postgresql": ("password",),
        "pulumi:providers:minio": (),
    }
    for type_, secrets in expected.items():
        package = type_.removeprefix("pulumi:providers:").split(":")[0]
        assert factory(package, None).secret_properties(type_) == secrets


@pytest.mark.parametrize(
    ("package", "type_", "named"),
    [
        ("aws", None, "'aws'"),
        ("command", "command:remote:CopyToRemote", "command:remote:CopyToRemote"),
        ("postgresql", "postgresql:index/schema:Schema", "postgresql:index/schema:Schema"),
        ("minio", "minio:index/kmsKey:KmsKey", "minio:index/kmsKey:KmsKey"),
    ],
)
def test_what_the_lab_does_not_know_is_refused_by_name(package: str, type_: str | None, named: str) -> None:
    with pytest.raises(ProviderError, match=named):
        factory(package, None).check(type_ or "", urn(type_ or ""), {}, {}, b"")


@pytest.mark.parametrize("kind", ["table", "sequence", "column"])
def test_grants_on_other_objects_are_refused_by_name(provider_of: PluginOf, kind: str) -> None:
    news = {**GRANT_STATE, "objectType": kind}
    failures = provider_of(GRANT).check(GRANT, urn(GRANT), {}, news, b"").failures
    assert [where for where, _ in failures] == ["objectType"]
    assert kind in failures[0][1]


@pytest.mark.parametrize(
    ("package", "config"),
    [
        ("postgresql", {"scheme": "awspostgres"}),
        ("postgresql", {"awsRdsIamAuth": "true"}),
        ("postgresql", {"clientcert": "{}"}),
        ("minio", {"minioApiVersion": "v2"}),
    ],
)
def test_ways_to_connect_that_the_lab_does_not_have_are_refused(
    provider_of: PluginOf, package: str, config: dict[str, str]
) -> None:
    with pytest.raises(ProviderError, match=next(iter(config))):
        provider_of(package).configure(config)


@pytest.mark.parametrize(
    ("package", "config", "type_"),
    [("postgresql", {"host": UNKNOWN}, ROLE), ("minio", {"minioServer": UNKNOWN}, BUCKET)],
)
def test_a_server_that_is_not_known_yet_is_not_dialled(
    package: str, config: dict[str, Any], type_: str
) -> None:
    with plugin(package, config) as provider, pytest.raises(ProviderError, match="not known yet"):
        provider.read(type_, urn(type_), "x", {}, {})
