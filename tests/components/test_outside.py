"""Webhooks, Sentry and registries through the whole program: in the bundle's secret, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import rpc

from tests.components.recording import plain_texts, record

SHOP = """
project: {id: shop}
environment: {domain: shop.lab.test, image: "registry.lab.test:5000/shop:1"}
"""
CONFIG: dict[str, Any] = {
    "notifications": {"slack": "https://hooks.slack.test/services/SlackSecret"},
    "sentry": {"organization": "leo", "token": "SentrySecret"},
    "registryCredentials": {"ghcr.io": {"username": "codeb", "password": "RegistrySecret"}},
}


def test_what_leaves_a_host_is_in_its_bundle_and_shown_nowhere(tmp_path: Path) -> None:
    recording = record(tmp_path, {"shop.yaml": SHOP}, config=CONFIG)
    for item in recording.registrations:
        text = "\n".join(plain_texts(item.inputs))
        assert not [value for value in ("SlackSecret", "SentrySecret", "RegistrySecret") if value in text]
    stdin = recording.named("one-bundle").inputs["stdin"]
    assert rpc.is_rpc_secret(stdin)
    files = {file["path"]: file for file in json.loads(rpc.unwrap_rpc_secret(stdin))["files"]}
    notify = json.loads(files["/etc/codeb/secrets/notify.json"]["content"])
    assert (notify["stack"], notify["webhooks"][0]["url"]) == ("test", CONFIG["notifications"]["slack"])
    assert notify["sentry"]["token"] == "SentrySecret"
    assert "auths" in json.loads(files["/etc/codeb/secrets/registries.json"]["content"])
    assert files["/etc/codeb/secrets/registries.json"]["mode"] == "0600"


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"notifications": {"slack": "file:///TheSecret"}}, ["codeb:notifications.slack[0]", "https"]),
        (
            {"sentry": {"organization": "leo"}},
            ["codeb:sentry.token: is missing", "pulumi config set --secret"],
        ),
        ({"notifications": "https://hooks.test/TheSecret"}, ["codeb:notifications", "--path"]),
    ],
)
def test_what_is_wrong_is_named_and_not_shown(
    tmp_path: Path, config: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(pulumi.RunError) as failure:
        record(tmp_path, {"shop.yaml": SHOP}, config=config)
    assert all(word in str(failure.value) for word in words), failure.value
    assert "TheSecret" not in str(failure.value)
