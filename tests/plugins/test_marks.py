"""Secrets and unknown values on their way through a plugin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab.plugins.protos import provider_pb2
from lab.plugins.values import UNKNOWN_TEXTS, Secret, decode, encode
from lab.providers.command import local, remote
from lab.providers.minio import bucket, iam
from lab.providers.postgresql import role
from lab.providers.protocol import UNKNOWN, PartialFailure, ProviderError
from tests.plugins.client import Plugin
from tests.plugins.life import urn

PluginOf = Callable[[str], Plugin]
HUSH = "hush-hush"
COMMAND = urn(local.TYPE)


def test_marks_stay_where_the_program_put_them(command: Plugin) -> None:
    """Were a nested mark moved or lost, the next run would show a change where there is none."""
    given = {
        "create": "echo out",
        "environment": {"A": Secret("1"), "B": "2"},
        "triggers": ["t", Secret(HUSH)],
    }
    inputs = decode(command.check_on_the_wire(local.TYPE, COMMAND, {}, given).inputs)
    assert inputs == given
    outputs = decode(command.create_on_the_wire(local.TYPE, COMMAND, inputs).properties)
    assert outputs == {**given, "stdout": "out", "stderr": ""}
    assert not command.diff(local.TYPE, COMMAND, "it", inputs, outputs, inputs).changes
    found = command.read_on_the_wire(local.TYPE, COMMAND, "it", inputs, outputs)
    assert (decode(found.inputs), decode(found.properties)) == (inputs, outputs)


def test_a_value_that_becomes_secret_is_a_change_to_the_command_plugin_and_not_to_the_bridge(
    command: Plugin, provider_of: PluginOf
) -> None:
    diff = command.diff(local.TYPE, COMMAND, "it", {"create": "true"}, {}, {"create": Secret("true")})
    assert diff.diffs == ("create",)
    running, it = provider_of(role.TYPE), urn(role.TYPE)
    inputs = running.check(role.TYPE, it, {}, {"name": "r"}, b"").inputs
    outputs = running.preview(role.TYPE, it, None, inputs)
    assert not running.diff(role.TYPE, it, "r", inputs, outputs, {**inputs, "name": Secret("r")}).changes


@pytest.mark.parametrize(
    ("type_", "given", "secret"),
    [
        (role.TYPE, {"name": "r", "password": HUSH}, "password"),
        (iam.USER, {"name": "u", "secret": HUSH}, "secret"),
        (remote.TYPE, {"create": "true", "connection": {"host": "h"}}, "connection"),
    ],
)
def test_the_plugins_own_secrets_are_marked(
    provider_of: PluginOf, type_: str, given: dict[str, Any], secret: str
) -> None:
    running = provider_of(type_)
    inputs = decode(running.check_on_the_wire(type_, urn(type_), {}, given).inputs)
    outputs = decode(running.preview_on_the_wire(type_, urn(type_), None, inputs).properties)
    assert [key for key, value in inputs.items() if isinstance(value, Secret)] == [secret]
    assert secret in [key for key, value in outputs.items() if isinstance(value, Secret)]


def test_a_generated_secret_is_marked(minio: Plugin) -> None:
    inputs = minio.check(iam.USER, urn(iam.USER), {}, {"name": "marked"}, b"").inputs
    created = minio.create_on_the_wire(iam.USER, urn(iam.USER), inputs)
    outputs = decode(created.properties)
    assert isinstance(outputs["secret"], Secret)
    found = minio.read_on_the_wire(iam.USER, urn(iam.USER), created.id, inputs, outputs)
    assert decode(found.properties)["secret"] == outputs["secret"]
    minio.delete(iam.USER, urn(iam.USER), created.id, inputs, {"name": "marked"})


@pytest.mark.parametrize("text", sorted(UNKNOWN_TEXTS))
def test_unknowns_of_every_kind_are_unknown_in_a_preview(
    command: Plugin, provider_of: PluginOf, text: str
) -> None:
    """A string, boolean, number, list or object that only another resource's creation will tell."""
    given = {"create": text, "environment": {"A": text}, "triggers": [text]}
    inputs = command.check(local.TYPE, COMMAND, {}, given, b"").inputs
    assert inputs == {"create": UNKNOWN, "environment": {"A": UNKNOWN}, "triggers": [UNKNOWN]}
    created = command.preview(local.TYPE, COMMAND, None, given)
    assert created == {**inputs, "stdout": UNKNOWN, "stderr": UNKNOWN}
    olds = {"create": "true", "environment": {"A": "1"}, "triggers": ["t"]}
    assert command.diff(local.TYPE, COMMAND, "it", olds, {}, given).diffs == (
        "create",
        "environment.A",
        "triggers[0]",
    )
    bridged, it = provider_of(role.TYPE), urn(role.TYPE)
    unknown = {"name": text, "login": text, "connectionLimit": text, "roles": text}
    inputs = bridged.check(role.TYPE, it, {}, unknown, b"").inputs
    assert {key: inputs[key] for key in unknown} == dict.fromkeys(unknown, UNKNOWN)
    outputs = bridged.preview(role.TYPE, it, None, inputs)
    assert {key: outputs[key] for key in unknown} == dict.fromkeys(unknown, UNKNOWN)


def test_an_unknown_secret_is_both(command: Plugin) -> None:
    given = {"create": "true", "stdin": Secret(UNKNOWN)}
    inputs = decode(command.check_on_the_wire(local.TYPE, COMMAND, {}, given).inputs)
    assert inputs == given
    answer = command.preview_on_the_wire(local.TYPE, COMMAND, None, inputs)
    assert decode(answer.properties)["stdin"] == Secret(UNKNOWN)


def test_no_secret_is_in_an_error_but_where_the_real_plugin_has_it_too(
    command: Plugin, postgresql: Plugin
) -> None:
    """The command plugin repeats the command line and what it wrote, whatever is secret; nothing else of the inputs."""
    given = {"create": Secret("echo said; exit 1"), "stdin": Secret(HUSH), "environment": {"A": Secret(HUSH)}}
    with pytest.raises(ProviderError, match="echo said; exit 1") as caught:
        command.create(local.TYPE, COMMAND, given)
    assert HUSH not in str(caught.value)
    inputs = postgresql.check(
        role.TYPE, urn(role.TYPE), {}, {"name": "admin", "password": Secret(HUSH)}, b""
    ).inputs
    with pytest.raises(ProviderError, match="already exists") as caught:
        postgresql.create(role.TYPE, urn(role.TYPE), inputs)
    assert HUSH not in str(caught.value)


def test_what_was_half_made_comes_with_its_state_and_its_reasons(minio: Plugin) -> None:
    """`ErrorResourceInitFailed`: the CLI records the resource, and the next update finishes it."""
    given = {"bucket": Secret("half-secret"), "acl": "nonsense"}
    inputs = decode(minio.check_on_the_wire(bucket.TYPE, urn(bucket.TYPE), {}, given).inputs)
    with pytest.raises(PartialFailure) as caught:
        minio.create_on_the_wire(bucket.TYPE, urn(bucket.TYPE), inputs)
    state, reasons = caught.value.state, caught.value.reasons
    assert state.id == "half-secret"
    assert state.outputs["acl"] is None, "what is not done yet is not in the state, so that it is done later"
    assert len(reasons) == 1
    assert reasons[0].startswith(f"creating {urn(bucket.TYPE)}: 1 error occurred:\n\t* ")
    assert "valid acl" in reasons[0]
    minio.delete(bucket.TYPE, urn(bucket.TYPE), state.id, given, state.outputs)


def test_a_secret_of_the_provider_itself_is_marked(provider_of: PluginOf) -> None:
    for package, secret in (("postgresql", True), ("minio", False)):
        key = "password" if secret else "minioPassword"
        request = provider_pb2.CheckRequest(news=encode({"host": "h", key: HUSH}))
        inputs = decode(provider_of(package).stub.CheckConfig(request).inputs)
        assert inputs[key] == (Secret(HUSH) if secret else HUSH), "as each plugin's schema says"
        assert inputs["host"] == "h"
