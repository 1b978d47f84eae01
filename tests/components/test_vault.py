"""The whole program with a vault: a project's secrets come from there, as secrets, and what is wrong stops the run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import rpc

from lab.vault import server
from tests.components.recording import SHOP, SUPPLIED, VAULT, Recording, plain_texts, record

VALUE = "-----BEGIN KEY-----\nvault-only-value\n-----END KEY-----\n"
BLOG = VAULT.replace("vault", "blog")
POLICY = {"secret/data/projects/*": frozenset({"read"})}


@pytest.fixture
def vault() -> Iterator[server.Vault]:
    with server.running() as found:
        found.logins.policies["codeb"] = POLICY
        found.logins.role("codeb", "codeb")
        found.kv.put("projects/vault-app", {"API_TOKEN": VALUE})
        yield found


def config(vault: server.Vault, **more: Any) -> dict[str, Any]:
    login = {"roleId": vault.logins.roles["codeb"].role_id, "secretId": vault.logins.secret_id("codeb")}
    return {"vault": {"address": vault.url}, "vaultCredentials": login, **more}


def token_of(recording: Recording, project: str) -> str:
    release = recording.named(f"{project}-release-one")
    document = json.loads(rpc.unwrap_rpc_secret(release.inputs["stdin"]))
    return str(document["environment"]["API_TOKEN"])


@pytest.mark.parametrize("preview", [True, False])
def test_an_app_gets_what_the_vault_has_at_preview_and_at_update(
    tmp_path: Path, vault: server.Vault, preview: bool
) -> None:
    found = record(tmp_path, {"vault.yaml": VAULT, "shop.yaml": SHOP}, config=config(vault), preview=preview)
    assert token_of(found, "vault-app") == VALUE
    assert ("GET", "secret/data/projects/shop") not in vault.asked, "its manifest names no secret"


def test_nothing_of_the_vault_reaches_the_engine_in_plain_text(tmp_path: Path, vault: server.Vault) -> None:
    given = config(vault)
    found = record(tmp_path, {"vault.yaml": VAULT}, config=given)
    secrets = ("vault-only-value", *given["vaultCredentials"].values())
    for values in [*(item.inputs for item in found.registrations), *found.outputs]:
        text = "\n".join(plain_texts(values))
        assert not [secret for secret in secrets if secret in text]


def test_projects_that_the_vault_lacks_have_theirs_in_the_configuration(
    tmp_path: Path, vault: server.Vault, capfd: pytest.CaptureFixture[str]
) -> None:
    given = {"vault-app": SUPPLIED["projectSecrets"]["vault-app"], "blog-app": {"API_TOKEN": "of-the-config"}}
    manifests = {"vault.yaml": VAULT, "blog.yaml": BLOG}
    found = record(tmp_path, manifests, config=config(vault, projectSecrets=given))
    assert (token_of(found, "vault-app"), token_of(found, "blog-app")) == (VALUE, "of-the-config")
    assert "of-the-config" not in str(capfd.readouterr())


def test_a_token_of_the_environment_is_taken_where_the_configuration_has_none(
    tmp_path: Path, vault: server.Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"vault": {"address": vault.url, "auth": "token"}}
    monkeypatch.delenv("VAULT_TOKEN", raising=False)
    with pytest.raises(pulumi.RunError, match=r"codeb:vaultCredentials\.token: is missing"):
        record(tmp_path, {"vault.yaml": VAULT}, config=given)
    monkeypatch.setenv("VAULT_TOKEN", vault.logins.token("codeb"))
    assert token_of(record(tmp_path, {"vault.yaml": VAULT}, config=given), "vault-app") == VALUE


def test_what_stands_in_the_way_stops_the_run_with_the_path_and_no_value(
    tmp_path: Path, vault: server.Vault
) -> None:
    cases = {
        "secret/projects/vault-app, key API_TOKEN: is missing": lambda: vault.kv.put(
            "projects/vault-app", {"OTHER": "vault-only-value"}
        ),
        "secret/projects/vault-app: its newest version was deleted": lambda: vault.kv.delete(
            "projects/vault-app"
        ),
        "the vault is sealed": lambda: setattr(vault, "sealed", True),
    }
    for words, change in cases.items():
        change()
        with pytest.raises(pulumi.RunError) as failure:
            record(tmp_path, {"vault.yaml": VAULT}, config=config(vault))
        assert words in str(failure.value)
        assert "vault-only-value" not in str(failure.value)


def test_a_stack_whose_projects_name_no_secrets_never_asks(tmp_path: Path, vault: server.Vault) -> None:
    given = config(vault)
    vault.sealed = True
    record(tmp_path, {"shop.yaml": SHOP}, config=given)
    assert vault.asked == []
