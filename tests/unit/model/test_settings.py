"""Stack settings: what they default to, and how errors name their keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from codeb.model import PLAIN_KEYS, SettingsErrors, parse_settings, read_stack_values

ROOT = Path(__file__).parents[3]
SERVER = {"name": "one", "address": "10.0.0.1", "knownHostsFile": "known_hosts"}


def _errors(data: dict[str, Any]) -> list[str]:
    with pytest.raises(SettingsErrors) as caught:
        parse_settings(data, "dev")
    return str(caught.value).splitlines()


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_stacks_of_the_project_are_valid(stack: str) -> None:
    settings = parse_settings(read_stack_values(ROOT / f"Pulumi.{stack}.yaml"), stack)
    assert settings.manifests == "manifests"


def test_the_smallest_settings_are_a_domain_and_a_server() -> None:
    settings = parse_settings({"domain": "example.com", "servers": [SERVER]})
    (server,) = settings.servers
    assert server.private_address == "10.0.0.1"
    assert server.roles == ("app", "data", "edge")
    assert (server.ssh_port, server.user, server.pool) == (22, "root", "default")
    assert settings.standby_minutes == 60
    assert settings.platform_hosts["minio"] == "minio.example.com"


def test_pulumis_texts_are_understood() -> None:
    """Configuration keeps numbers as text, and keys without a value have the default "" of Pulumi.yaml."""
    settings = parse_settings(
        {
            "domain": "example.com",
            "servers": [{**SERVER, "hostKey": ""}],
            "standbyMinutes": "5",
            "acmeEmail": "",
        }
    )
    assert settings.standby_minutes == 5
    assert settings.acme_email is None


def test_errors_name_file_and_key() -> None:
    servers = [{**SERVER, "address": "not an address", "privateAddres": "10.0.0.1"}]
    assert _errors({"domain": "Example.com", "servers": servers, "imagePul": "never"}) == [
        'Pulumi.dev.yaml: codeb:domain: "Example.com" is not a domain name. Write example.com.',
        "Pulumi.dev.yaml: codeb:imagePul: unknown key. Did you mean imagePull?",
        'Pulumi.dev.yaml: codeb:servers[0].address: "not an address" is not an address. '
        "Write an IP address or a host name.",
        "Pulumi.dev.yaml: codeb:servers[0].privateAddres: unknown key. Did you mean privateAddress?",
    ]


def test_each_role_needs_a_server_and_data_exactly_one() -> None:
    two = [SERVER, {**SERVER, "name": "two", "address": "10.0.0.2"}]
    assert "codeb:servers: 2 servers have the role data" in _errors({"domain": "a.b", "servers": two})[0]
    only_app = [{**SERVER, "roles": ["app"]}]
    assert "codeb:servers: 0 servers have the role data" in _errors({"domain": "a.b", "servers": only_app})[0]
    assert "codeb:servers: 0 servers have the role app" in _errors({"domain": "a.b"})[0]


@pytest.mark.parametrize("same", ["name", "address", "privateAddress"])
def test_servers_differ(same: str) -> None:
    first = {**SERVER, "privateAddress": "10.0.0.1"}
    second = {**first, "name": "two", "address": "10.0.0.2", "privateAddress": "10.0.0.2", "roles": ["app"]}
    second[same] = first[same]
    (line,) = _errors({"domain": "a.b", "servers": [first, second]})
    assert f"codeb:servers[1].{same}" in line
    assert "is used twice" in line


def test_a_server_pins_its_host_key_in_one_way() -> None:
    bare = {"name": "one", "address": "10.0.0.1"}
    assert "no host key" in _errors({"domain": "a.b", "servers": [bare]})[0]
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILm3VvNVtCWIeC9ZGkZOXXsdFvNKWa7nZIPl0Tl8tXuq"
    assert "two sources" in _errors({"domain": "a.b", "servers": [{**SERVER, "hostKey": key}]})[0]


def test_secret_values_are_no_settings() -> None:
    (line,) = _errors({"domain": "a.b", "servers": [SERVER], "rootSecret": "hunter2"})
    assert "codeb:rootSecret: unknown key" in line
    assert "hunter2" not in line


def test_encrypted_values_of_a_stack_file_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.live.yaml"
    file.write_text(
        "config:\n  codeb:domain: a.b\n  codeb:rootSecret:\n    secure: v1:abc\n  aws:region: x\n"
    )
    assert read_stack_values(file) == {"domain": "a.b"}


def test_pulumi_knows_every_plain_key_and_its_defaults_are_the_models() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    assert {f"codeb:{key}" for key in PLAIN_KEYS} == set(declared)
    defaults = {
        key.removeprefix("codeb:"): each["default"] for key, each in declared.items() if "default" in each
    }
    base = {"domain": "example.com", "servers": [SERVER]}
    assert parse_settings(defaults | base) == parse_settings(base)


def test_the_archive_s_limits_are_whole_gibibytes() -> None:
    base = {"domain": "example.com", "servers": [SERVER]}
    assert parse_settings({**base, "backup": {}}).backup.slot == 2
    assert parse_settings({**base, "backup": {"spool": "4"}}).backup.spool == 4
    for wrong in ("0", "1.5", "-1", "2; rm -rf /", "2000"):
        assert any("codeb:backup.slot" in line for line in _errors({**base, "backup": {"slot": wrong}})), (
            wrong
        )
