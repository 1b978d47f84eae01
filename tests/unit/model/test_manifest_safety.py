"""Hostile text in every field: refused, or harmless by what the type promises.

The fields come from `example-project.yaml`, which another test keeps complete:
new fields are covered by themselves.
"""

from __future__ import annotations

import copy
import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import yaml

from codeb.model import (
    Manifest,
    ManifestErrors,
    ManifestSource,
    SettingsErrors,
    load_manifests,
    parse_settings,
)
from codeb.model.problems import Location, path_text
from codeb.model.variables import platform_variable
from codeb.render.environment import VARIABLES

EXAMPLE = yaml.safe_load((Path(__file__).parents[3] / "example-project.yaml").read_text(encoding="utf-8"))
HOSTILE = [
    "\n", "\r\nX: y", "\0", "\x1b[2J", "\u2028", "\u202egpj", '"', "'", "`id`", "$(id)", "${HOME}",
    "; reboot", "| sh", "&& sh", "> /etc/passwd", "{file./etc/shadow}", "{env.HOME}", "%i", "%%", "\\",
    " ", "\t", "#",
    "/../../etc", "--x y", "'; DROP TABLE users; --", "\n[Service]\nExecStart=/bin/sh", "\n}\n:80 {\n",
    "@{secret:root}", "@IMAGE@", "*", "!", "\ud800",
]  # fmt: skip
ONE_LINE = {
    "project.name", "project.description", "project.owner", "environment.app_name",
    *(f"features.cron[0].command[{index}]" for index in range(4)),
    *(f"features.workers[{worker}].command[{index}]" for worker in range(2) for index in range(2)),
    *(f"features.release_command[{index}]" for index in range(2)), "features.maintenance.message",
    "features.headers.set.X-Robots-Tag",
}  # fmt: skip
"""Free text. Renderers quote it; what the model promises is one line without control characters."""

ANY_TEXT = {"environment.variables.ORDER_LIMIT", "environment.variables.DEFAULT_LOCALE"}
"""Values of variables: they reach the app's environment alone, byte for byte."""


def _leaves(value: Any, path: Location = ()) -> list[tuple[Location, Any]]:
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in _leaves(inner, (*path, key))]
    if isinstance(value, list):
        return [leaf for index, inner in enumerate(value) for leaf in _leaves(inner, (*path, index))]
    return [(path, value)]


def _replaced(original: dict[str, Any], path: Location, value: str) -> dict[str, Any]:
    document = copy.deepcopy(original)
    parent: Any = document
    for part in path[:-1]:
        parent = parent[part]
    parent[path[-1]] = value
    return document


def _load(document: dict[str, Any]) -> Manifest:
    text = json.dumps(document, ensure_ascii=False)  # JSON is YAML
    (manifest,) = load_manifests([ManifestSource("hostile.yaml", text)])
    return manifest


LEAVES = _leaves(EXAMPLE)


def test_the_example_itself_loads() -> None:
    assert _load(EXAMPLE).id == "food-delivery-app"


@pytest.mark.parametrize(("path", "value"), LEAVES, ids=[path_text(path) for path, _ in LEAVES])
def test_hostile_text_is_refused_in(path: Location, value: object) -> None:
    for text in _spoiled(value):
        try:
            manifest = _load(_replaced(EXAMPLE, path, text))
        except ManifestErrors as error:
            message = str(error)
        else:
            assert path_text(path) in ONE_LINE | ANY_TEXT, f"{text!r} was accepted"
            assert not _breaking(text, any_text=path_text(path) in ANY_TEXT), f"{text!r} was accepted"
            message = manifest.project.id
        assert message.replace("\n", "").isprintable(), "messages go to terminals"


def _spoiled(value: object) -> list[str]:
    return [text for bad in HOSTILE for text in (f"{value}{bad}", f"{bad}{value}", bad)]


def _breaking(text: str, *, any_text: bool) -> bool:
    """Whether text has control characters, separators or markers; of any text, what no environment can hold."""
    if any_text:
        return "\0" in text or "\ud800" in text or "@{" in text or "@IMAGE@" in text
    categories = {unicodedata.category(character) for character in text if character != "\t"}
    return bool(categories & {"Cc", "Cs", "Zl", "Zp"}) or "@{" in text or "@IMAGE@" in text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_variable_and_secret_names_are_refused(hostile: str) -> None:
    for name in (f"A{hostile}", f"{hostile}A", hostile):
        for change in ({"variables": {name: "x"}}, {"secrets": [name]}):
            document = copy.deepcopy(EXAMPLE)
            document["environment"] |= change
            with pytest.raises(ManifestErrors):
                _load(document)


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("DATABASE_URL", "resources.database"),
        ("NEXTAUTH_SECRET", "root secret"),
        ("APP_STAGE", "environment.stage"),
        ("NEXTAUTH_URL", "environment.domain"),
        ("REDIS_HOST", "resources.cache"),
        ("MINIO_ACCESS_KEY", "resources.storage"),
        ("PORT", "environment.port"),
        ("NEXT_PUBLIC_APP_NAME", "environment.app_name"),
        ("NEXT_PUBLIC_API_URL", "environment.api_url"),
    ],
)
def test_variables_of_the_platform_say_where_to_set_them(name: str, instead: str) -> None:
    for change in ({"variables": {name: "x"}}, {"secrets": [name]}):
        document = copy.deepcopy(EXAMPLE)
        document["environment"] |= change
        with pytest.raises(ManifestErrors, match=instead):
            _load(document)


@pytest.mark.parametrize("name", VARIABLES)
def test_no_project_can_set_a_variable_that_the_platform_renders(name: str) -> None:
    assert platform_variable(name.replace("<SUFFIX>", "UPLOADS")), f"add {name} to codeb/model/variables.py"


@pytest.mark.parametrize("key", ["variables", "secrets"])
def test_messages_never_repeat_what_could_be_a_secret(key: str) -> None:
    for value in (
        "hunter2\0",
        ["hunter2="],
        {"A": "hunter2\0"},
        {"A": ["hunter2"]},
        ["A=hunter2", 3],
        [["hunter2"]],
    ):
        document = copy.deepcopy(EXAMPLE)
        document["environment"][key] = value
        with pytest.raises(ManifestErrors) as caught:
            _load(document)
        assert "hunter2" not in str(caught.value)


SETTINGS: dict[str, Any] = {
    "domain": "example.com",
    "manifests": "manifests",
    "provider": "existing",
    "servers": [
        {
            "name": "app1",
            "address": "app1.example.com",
            "privateAddress": "10.0.0.1",
            "sshPort": 22,
            "user": "root",
            "roles": ["app"],
            "pool": "default",
            "knownHostsFile": ".ssh/known_hosts",
        },
        {
            "name": "app2",
            "address": "203.0.113.7",
            "privateAddress": "10.0.0.2",
            "roles": ["app"],
            "hostKey": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILm3VvNVtCWIeC9ZGkZOXXsdFvNKWa7nZIPl0Tl8tXuq",
        },
    ],
    "pools": [
        {
            "name": "web",
            "provider": "vultr",
            "roles": ["app", "edge"],
            "count": 2,
            "plan": "vc2-6c-16gb",
            "os": "2625",
        },
        {"name": "db", "provider": "vultr", "roles": ["data"], "plan": "vc2-8c-32gb", "dataDisk": "40Gi"}
        | {"dataDiskType": "hdd", "os": "Debian 13", "reservedIp": "true"},
    ],
    "region": "icn",
    "vpcSubnet": "10.64.0.0/20",
    "sshKeys": [
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0kxXQw8RwP8VXoR3wkzXkX0LhSCTY0zH8m6bYwJ1T ann@example.com"
    ],
    "balancer": {"enabled": "true", "tls": "passthrough"},
    "dnsZone": "example.com",
    "protect": "true",
    "adminAddresses": ["203.0.113.7", "2001:db8::/48"],
    "sshPrivateKeyFile": ".ssh/id_ed25519",
    "rootSecretFile": ".secrets/root",
    "images": {name: f"docker.io/library/{name}:1" for name in ("postgres", "redis", "minio", "caddy")},
    "imagePull": "missing",
    "tlsIssuer": "acme",
    "acmeEmail": "infra@example.com",
    "acmeDirectory": "https://acme.example.com/directory",
    "insecureRegistries": ["registry.example.com:5000"],
    "standbyMinutes": "60",
}
SETTING_LEAVES = _leaves(SETTINGS)


@pytest.mark.parametrize(
    ("path", "value"), SETTING_LEAVES, ids=[path_text(path) for path, _ in SETTING_LEAVES]
)
def test_hostile_text_is_refused_in_the_setting(path: Location, value: object) -> None:
    assert parse_settings(SETTINGS).servers[0].ssh_port == 22
    for text in _spoiled(value):
        if path[-1] in {"sshPort", "standbyMinutes", "count", "os"} and text.strip() == str(value):
            continue  # numbers may stand in spaces
        if path[0] == "sshKeys" and text.rstrip().removesuffix("--x y") == value:
            continue  # with the line break of its file; a comment of plain words
        if (
            path[-1] in {"manifests", "knownHostsFile", "sshPrivateKeyFile", "rootSecretFile"}
            and ".." in text
        ):
            continue  # the operator's own files may be anywhere
        with pytest.raises(SettingsErrors):
            parse_settings(_replaced(SETTINGS, path, text))
