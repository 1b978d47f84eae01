"""`codeb:vault` and `codeb:vaultCredentials`: what is taken, and that no error shows a value."""

from __future__ import annotations

from typing import Any

import pytest

from codeb.model import Settings, SettingsErrors, VaultCredentials, parse_settings, parse_vault_credentials

BASE = {"domain": "example.com", "servers": [{"name": "a", "address": "10.0.0.1", "knownHostsFile": "k"}]}
SECRET = "hunter2-hunter2"


def settings(**vault: Any) -> Settings:
    return parse_settings({**BASE, "vault": {"address": "https://vault.example.com:8200", **vault}}, "dev")


def refused(value: Any, **vault: Any) -> list[str]:
    with pytest.raises(SettingsErrors) as caught:
        parse_vault_credentials(value, settings(**vault), "dev")
    assert SECRET not in str(caught.value)
    return str(caught.value).splitlines()


def test_an_address_is_enough() -> None:
    vault = settings().vault
    assert vault is not None
    assert (vault.mount, vault.auth, vault.auth_mount, vault.ca) == ("secret", "approle", "approle", None)
    assert parse_settings({**BASE, "vault": {}}).vault is None


@pytest.mark.parametrize(
    ("key", "value", "cause"),
    [
        ("address", "http://vault.example.com:8200", "doesn't start with https://"),
        ("address", "http://127.0.0.1.example.com/", "doesn't start with https://"),
        ("address", "http://127.0.0.1@example.com/", "is not a web address"),
        ("address", "https://user:pass@vault.example.com", "is not a web address"),
        ("address", "https://vault.example.com/?x=1", "is not a web address"),
        ("address", "https://vault.example.com\nX: y", "is not a web address"),
        ("mount", "secret/", "is not a mount's path"),
        ("mount", "../sys", "is not a mount's path"),
        ("mount", "a/../b", "is not a mount's path"),
        ("mount", "secret?list=true", "is not a mount's path"),
        ("mount", "a%2fb", "is not a mount's path"),
        ("authMount", "/approle", "is not a mount's path"),
        ("auth", "userpass", "approle"),
        ("ca", "-----BEGIN CERTIFICATE-----", "is not one or more certificates in PEM"),
        ("token", SECRET, "unknown key"),
    ],
)
def test_what_leads_elsewhere_is_refused(key: str, value: str, cause: str) -> None:
    with pytest.raises(SettingsErrors) as caught:
        settings(**{key: value})
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"Pulumi.dev.yaml: codeb:vault.{key}: ")
    assert cause in line


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8200", "http://localhost:8200/", "https://a.example.com/vault/"]
)
def test_the_loopback_needs_no_certificate_and_a_slash_at_the_end_is_none(address: str) -> None:
    vault = settings(address=address).vault
    assert vault is not None
    assert vault.address == address.rstrip("/")


def test_credentials_are_taken_as_pulumi_keeps_them() -> None:
    found = parse_vault_credentials({"roleId": "role\n", "secretId": SECRET}, settings())
    assert found == VaultCredentials("role", SECRET, "")
    assert parse_vault_credentials({"token": f"{SECRET}\n"}, settings(auth="token")) == VaultCredentials(
        token=SECRET
    )
    assert SECRET not in repr(found)
    assert parse_vault_credentials({"token": SECRET}, parse_settings(BASE)) is None


def test_what_is_missing_is_named_by_how_the_stack_logs_in() -> None:
    assert refused(None) == [
        "Pulumi.dev.yaml: codeb:vaultCredentials.roleId: is missing, and codeb:vault.auth is approle. "
        "Set it with `pulumi config set --secret --path 'codeb:vaultCredentials.roleId'`.",
        "Pulumi.dev.yaml: codeb:vaultCredentials.secretId: is missing, and codeb:vault.auth is approle. "
        "Set it with `pulumi config set --secret --path 'codeb:vaultCredentials.secretId'`.",
    ]
    (line,) = refused({"roleId": SECRET}, auth="token")
    assert line.startswith("Pulumi.dev.yaml: codeb:vaultCredentials.token: is missing")


@pytest.mark.parametrize(
    "value",
    [
        SECRET,
        [SECRET],
        {"token": 7},
        {"token": [SECRET]},
        {"token": f"{SECRET}\nX-Vault-Namespace: other"},
        {"token": f"{SECRET} {SECRET}"},
        {"token": f"{SECRET}\0"},
        {"token": "", SECRET: "x"},
        {"token": f"{SECRET}é"},
    ],
)
def test_what_is_no_single_word_is_refused_without_showing_it(value: Any) -> None:
    assert all(
        line.startswith("Pulumi.dev.yaml: codeb:vaultCredentials") for line in refused(value, auth="token")
    )
