"""Secrets of projects that a vault has: in place of the configuration's, never mixed with them, named by their path."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codeb.model import Manifest, ManifestSource, SettingsErrors, load_manifests
from codeb.model.supplied import Supplied, Vaulted, parse_supplied, wanted_keys

VAULT = "https://vault.example.com:8200"
HOSTILE = "X\x1b[2J\n; whoami"


def manifests(**secrets: list[str]) -> list[Manifest]:
    documents = [
        {
            "project": {"id": name},
            "environment": {"domain": f"{name}.lab.test", "image": "reg.lab:5000/x:1", "secrets": names},
        }
        for name, names in secrets.items()
    ]
    sources = [ManifestSource(f"{n}.yaml", json.dumps(document)) for n, document in enumerate(documents)]
    return list(load_manifests(sources))


def parsed(vaulted: dict[str, Any], configured: Any = None, **secrets: list[str]) -> Supplied:
    return parse_supplied(configured, manifests(**secrets), "prod", {}, Vaulted(VAULT, "secret", vaulted))


def said(vaulted: dict[str, Any], configured: Any = None, **secrets: list[str]) -> list[str]:
    with pytest.raises(SettingsErrors) as caught:
        parsed(vaulted, configured, **secrets)
    assert "hunter2" not in str(caught.value)
    return str(caught.value).splitlines()


def test_a_project_that_the_vault_has_gets_its_secrets_from_there_and_the_others_from_the_configuration() -> (
    None
):
    found = parsed({"shop": {"A": "vault"}}, {"blog": {"A": "config"}}, shop=["A"], blog=["A"])
    assert found.values == {"shop": {"A": "vault"}, "blog": {"A": "config"}}
    assert found.notes == ()


def test_the_configuration_never_fills_what_the_vault_s_path_lacks() -> None:
    assert said({"shop": {"A": "hunter2"}}, {"shop": {"B": "hunter2"}}, shop=["A", "B"]) == [
        f"{VAULT}: secret/projects/shop, key B: is missing, and environment.secrets of shop names it. "
        "Run `codeb secrets set shop B --stack prod`."
    ]


def test_what_neither_has_is_to_go_to_the_vault() -> None:
    (line,) = said({}, {}, shop=["A"])
    assert line.startswith(f"{VAULT}: secret/projects/shop, key A: is missing")


def test_what_the_configuration_has_in_part_is_missing_there() -> None:
    (line,) = said({}, {"shop": {"B": "x"}}, shop=["A", "B"])
    assert line.startswith("Pulumi.prod.yaml: codeb:projectSecrets.shop.A: is missing")


def test_preview_environments_have_a_path_of_their_own() -> None:
    listed = manifests(**{"shop": ["A"], "shop-pr-1": ["A"]})
    previews = {"shop-pr-1": "shop"}
    assert wanted_keys(listed, previews) == ("shop", "shop-pr")
    vaulted = Vaulted(VAULT, "secret", {"shop": {"A": "own"}, "shop-pr": {"A": "theirs"}})
    found = parse_supplied(None, listed, "prod", previews, vaulted)
    assert found.values == {"shop": {"A": "own"}, "shop-pr-1": {"A": "theirs"}}
    with pytest.raises(
        SettingsErrors, match=r"secret/projects/shop-pr, key A: is missing, .* preview environments"
    ):
        parse_supplied(None, listed, "prod", previews, Vaulted(VAULT, "secret", {"shop": {"A": "hunter2"}}))


def test_the_vault_is_asked_for_projects_alone_that_name_secrets() -> None:
    assert wanted_keys(manifests(shop=["A"], bare=[], blog=["B"])) == ("blog", "shop")


@pytest.mark.parametrize("value", [7, True, None, ["hunter2"], {"hunter2": "x"}, "hunter2\0", "x" * 60_001])
def test_a_value_that_is_no_text_is_named_by_its_key(value: Any) -> None:
    (line,) = said({"shop": {"A": value, "B": "x"}}, None, shop=["A", "B"])
    assert line.startswith(f"{VAULT}: secret/projects/shop, key A: ")


def test_what_no_manifest_names_may_be_anything_and_its_name_is_shown_as_text() -> None:
    found = parsed({"shop": {"A": "x", HOSTILE: 7, "OLD": "hunter2"}}, None, shop=["A"])
    assert found.values == {"shop": {"A": "x"}}
    (note,) = found.notes
    assert note.startswith("secret/projects/shop is used but for OLD, ")
    assert HOSTILE not in note
    assert "\n" not in note
    assert "\x1b" not in note


def test_secrets_that_stayed_in_the_configuration_are_told() -> None:
    found = parsed({"shop": {"A": "x"}}, {"shop": {"A": "hunter2"}}, shop=["A"])
    assert found.values == {"shop": {"A": "x"}}
    assert found.notes == (
        "codeb:projectSecrets.shop is not used, as the vault has secret/projects/shop: "
        "remove it with `pulumi config rm --path 'codeb:projectSecrets.shop'`.",
    )


def test_an_empty_secret_is_told_with_the_command_that_sets_it() -> None:
    (note,) = parsed({"shop": {"A": ""}}, None, shop=["A"]).notes
    assert note == (
        "secret/projects/shop, key A is empty: set it again with `codeb secrets set shop A --stack prod` "
        "if it should not be."
    )
