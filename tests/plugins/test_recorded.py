"""What the real plugins recorded for one project, made again on real servers: inputs, outputs, ids, secret marks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.plugins.values import Secret, decode, plain
from tests.plugins.client import Plugin
from tests.plugins.conftest import Server
from tests.plugins.life import ordered

RECORDED = json.loads((Path(__file__).parents[1] / "conformance/real-plugins.json").read_text())
SIGNATURE = "4dabf18193072939515e22adb298388d"
DELTA = "__pulumi_raw_state_delta"
GENERATED = {
    "accessKey": r"[0-9A-Z]{20}",
    "bucketDomainName": r"https?://127\.0\.0\.1:\d+/minio/food-delivery-uploads",
    "id": r"[0-9A-Z]{20}|food-delivery-\d{26}|status[0-9a-f]{8}",
}
"""Properties that differ from server to server and from run to run, and their form."""


def resources() -> list[Any]:
    """In the order of their dependencies, as they were recorded."""
    return [
        pytest.param(resource, id=resource["type"].split(":")[-1])
        for resource in RECORDED
        if not resource["type"].startswith("pulumi:")
    ]


@pytest.fixture(scope="module")
def made(postgresql: Plugin, minio: Plugin, command: Plugin, ssh_server: Server) -> Iterator[dict[str, Any]]:
    """Every recorded resource, created from its recorded inputs: what a check and a creation answered."""
    plugins = {running.package: running for running in (postgresql, minio, command)}
    secrets = {
        "connection": ssh_server.connection,
        "stdin": "hush",
        "password": "hush hush",
        "secret": "hush hush",
    }
    answers = {}
    for resource in RECORDED:
        if resource["type"].startswith("pulumi:"):
            continue
        running, type_, urn = plugins[resource["type"].split(":")[0]], resource["type"], resource["urn"]
        given = {
            key: Secret(secrets[key]) if _is_secret(value) else value
            for key, value in resource["inputs"].items()
            if key not in (*resource["inputs"].get("__defaults", ()), "__defaults")
        }
        inputs = decode(running.check_on_the_wire(type_, urn, {}, given).inputs)
        created = running.create_on_the_wire(type_, urn, inputs)
        answers[urn] = (inputs, created.id, decode(created.properties))
    yield answers
    for resource in reversed(RECORDED):
        if answer := answers.get(resource["urn"]):
            inputs, id_, outputs = answer
            plugins[resource["type"].split(":")[0]].delete(
                resource["type"], resource["urn"], id_, plain(inputs), plain(outputs)
            )


@pytest.mark.parametrize("recorded", resources())
def test_what_was_recorded_comes_out_again(made: dict[str, Any], recorded: dict[str, Any]) -> None:
    inputs, id_, outputs = made[recorded["urn"]]
    assert inputs.keys() == recorded["inputs"].keys()
    assert outputs.keys() == recorded["outputs"].keys()
    for found, expected in ((inputs, recorded["inputs"]), (outputs, recorded["outputs"])):
        for key, value in expected.items():
            _assert_same(key, found[key], value, recorded)
    _assert_same("id", id_, recorded["id"], recorded)


def _assert_same(key: str, found: Any, expected: Any, recorded: dict[str, Any]) -> None:
    if _is_secret(expected):
        by_the_cli = key in recorded.get("additionalSecretOutputs", ())
        assert by_the_cli or isinstance(found, Secret), key
    elif key in GENERATED and isinstance(found, str) and re.fullmatch(GENERATED[key], expected):
        assert re.fullmatch(GENERATED[key], found), key
    else:
        assert ordered(found) == ordered(expected), key


def _is_secret(value: Any) -> bool:
    return isinstance(value, dict) and SIGNATURE in value
