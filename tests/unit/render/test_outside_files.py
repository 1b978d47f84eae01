"""What a host gets for webhooks, Sentry and registries: only what is configured, and only for root."""

from __future__ import annotations

import base64
import json
from typing import Any

from agent.outbox.targets import load_targets
from codeb.model import parse_outside, parse_settings
from codeb.plan import Plan, make_plan
from codeb.render import HostFile, host_files, outside_texts
from codeb.secrets import PlatformSecrets, RootSecret, resolve

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0kxXQw8RwP8VXoR3wkzXkX0LhSCTY0zH8m6bYwJ1T"
ROOT = RootSecret("A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0")
SERVER = {"name": "one", "address": "10.77.0.2", "hostKey": HOST_KEY, "roles": ["app", "data", "edge"]}
VALUES: dict[str, Any] = {
    "notifications": {
        "slack": "https://hooks.test/a",
        "webhook": ["https://x.test/@{secret:postgres/admin}"],
    },
    "sentry": {"organization": "leo", "token": 'token-with-"quotes"'},
    "registryCredentials": {"ghcr.io": {"username": "codeb", "password": "p:w\n'\"x"}},
}


def plan() -> Plan:
    return make_plan(parse_settings({"domain": "lab.test", "servers": [SERVER]}), [], None)


def secret_files(texts: dict[str, str]) -> dict[str, HostFile]:
    found = host_files(plan(), plan().servers[0], texts.keys()).files
    return {file.path: file for file in found if file.path.endswith(("notify.json", "registries.json"))}


def test_nothing_configured_brings_no_file() -> None:
    assert outside_texts(parse_outside({}), "dev") == {}
    assert secret_files({}) == {}


def test_what_is_configured_is_for_root_alone_and_a_marker_until_the_end() -> None:
    values = {**VALUES, "notifications": {"slack": "https://hooks.test/a"}}
    texts = outside_texts(parse_outside(values), "dev")
    files = secret_files(texts)
    assert sorted(files) == ["/etc/codeb/secrets/notify.json", "/etc/codeb/secrets/registries.json"]
    for file in files.values():
        assert (file.mode, file.owner) == ("0600", "root:root")
        assert file.content.startswith("@{secret:platform/")
    lookup = PlatformSecrets(ROOT, ["10.77.0.2"], texts).lookup
    notify = json.loads(resolve(files["/etc/codeb/secrets/notify.json"].content, lookup))
    assert notify == {
        "version": 1,
        "stack": "dev",
        "webhooks": [{"kind": "slack", "url": "https://hooks.test/a"}],
        "sentry": {"url": "https://sentry.io", "organization": "leo", "token": 'token-with-"quotes"'},
    }
    registries = json.loads(resolve(files["/etc/codeb/secrets/registries.json"].content, lookup))
    assert base64.b64decode(registries["auths"]["ghcr.io"]["auth"]) == b"codeb:p:w\n'\"x"


def test_the_agent_reads_what_is_rendered() -> None:
    values = {
        "notifications": {"slack": ["https://a.test/1"], "webhook": "http://b.test/2"},
        "sentry": VALUES["sentry"],
    }
    text = outside_texts(parse_outside(values), "dev")["platform/notify"]

    class Files:
        def read(self, path: str) -> bytes:
            assert path == "/etc/codeb/secrets/notify.json"
            return text.encode()

    class Ports:
        files = Files()

    targets = load_targets(Ports())  # type: ignore[arg-type]
    assert targets.stack == "dev"
    assert [(each.kind, each.host) for each in targets.webhooks] == [
        ("slack", "a.test"),
        ("generic", "b.test"),
    ]
    assert targets.sentry is not None
    assert targets.sentry.url == "https://sentry.io/api/0/organizations/leo/"


def test_the_outbox_is_watched_on_every_server() -> None:
    bundle = host_files(plan(), plan().servers[0])
    assert "codeb-outbox.path" in {service.name for service in bundle.services}
    assert "/var/lib/codeb/outbox" in {folder.path for folder in bundle.directories if folder.mode == "0700"}
    unit = next(file for file in bundle.files if file.path.endswith("codeb-outbox.service"))
    assert "ExecStart=/usr/local/bin/codeb-agent deliver" in unit.content
