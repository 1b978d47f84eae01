"""Secret keys of a stack's file: all that the program reads are known, and what their names show is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from codeb.model import (
    PLAIN_KEYS,
    SECRET_KEYS,
    Said,
    load_manifests,
    parse_settings,
    read_sources,
    read_stack_file,
    read_stack_values,
    say_of_secrets,
)

LOCKED = {"secure": "v1:abc:def"}
SECRET = "hunter2-hunter2"
BASE = {"domain": "example.com", "servers": [{"name": "a", "address": "10.0.0.1", "knownHostsFile": "k"}]}


def write(folder: Path, **config: Any) -> Path:
    file = folder / "Pulumi.live.yaml"
    values = {f"codeb:{key}": value for key, value in (BASE | config).items()}
    file.write_text(f"config: {json.dumps(values)}\n")
    return file


def said(folder: Path, listed: tuple[str, ...] = (), *, complete: bool = True, **config: Any) -> Said:
    """What is said of a stack with one project, `shop`, that lists these secrets."""
    manifests = folder / "manifests"
    manifests.mkdir(exist_ok=True)
    document = {
        "project": {"id": "shop"},
        "environment": {"domain": "shop.example.com", "image": "ghcr.io/x/shop:1", "secrets": list(listed)},
    }
    (manifests / "shop.yaml").write_text(yaml.safe_dump(document))
    stack = read_stack_file(write(folder, **config), "live")
    found = say_of_secrets(stack, load_manifests(read_sources(manifests)), complete=complete)
    assert SECRET not in repr(found)
    assert SECRET not in repr(stack)
    return found


def places(found: Said) -> list[str]:
    return [problem.path for problem in found.problems]


@pytest.mark.parametrize(
    "value", [LOCKED, SECRET, {"shop": LOCKED}, {"shop": {"KEY": LOCKED}}, {"shop": {}}, None]
)
@pytest.mark.parametrize("key", SECRET_KEYS)
def test_no_secret_key_is_a_setting_whatever_stands_there(tmp_path: Path, key: str, value: Any) -> None:
    parse_settings(read_stack_values(write(tmp_path, **{key: value})), "live")


def test_every_plain_key_is_taken(tmp_path: Path) -> None:
    assert set(PLAIN_KEYS).isdisjoint(SECRET_KEYS)
    assert {"domain", "servers", "adminAddresses", "sshPrivateKeyFile"} < set(PLAIN_KEYS)


@pytest.mark.parametrize(
    "value",
    [
        LOCKED,
        {"shop": LOCKED},
        {"shop": {"API_KEY": LOCKED}},
        {"shop": {"API_KEY": SECRET}},
        '{"shop": {"API_KEY": "hunter2-hunter2"}}',
    ],
)
def test_a_name_that_is_set_or_can_t_be_seen_is_no_problem(tmp_path: Path, value: Any) -> None:
    assert places(said(tmp_path, ("API_KEY",), projectSecrets=value)) == []


@pytest.mark.parametrize("value", [{"shop": {"OTHER": LOCKED}}, {"other": {"API_KEY": LOCKED}}, {}, None])
def test_a_name_that_a_manifest_lists_and_the_stack_lacks(tmp_path: Path, value: Any) -> None:
    (problem,) = said(tmp_path, ("API_KEY",), projectSecrets=value).problems
    assert problem.file.endswith("manifests/shop.yaml")
    assert str(problem).endswith(
        'environment.secrets: "API_KEY" is not set in stack live. Run `pulumi config set --secret --path '
        "'codeb:projectSecrets.shop.API_KEY' --stack live`, or remove the name."
    )


def test_a_stack_that_takes_configuration_from_elsewhere_lacks_nothing_for_sure(tmp_path: Path) -> None:
    said(tmp_path, ("API_KEY",))
    file = tmp_path / "Pulumi.live.yaml"
    file.write_text("environment: [team/live]\n" + file.read_text())
    manifests = load_manifests(read_sources(tmp_path / "manifests"))
    assert say_of_secrets(read_stack_file(file, "live"), manifests).problems == ()


@pytest.mark.parametrize(
    ("value", "place", "cause"),
    [
        (["x"], "codeb:projectSecrets", "is not a mapping"),
        (SECRET, "codeb:projectSecrets", "is not a mapping"),
        ({"shop": SECRET}, "codeb:projectSecrets.shop", "is not a mapping"),
        (
            {"shop": {"API_KEY": 5}},
            "codeb:projectSecrets.shop.API_KEY",
            "is a number without quotes, not text",
        ),
        ({"shop": {"API_KEY": {"a": LOCKED}}}, "codeb:projectSecrets.shop.API_KEY", "is not text"),
        ({"shop": {"API_KEY": None}}, "codeb:projectSecrets.shop.API_KEY", "is not text"),
    ],
)
def test_another_shape_is_a_problem(tmp_path: Path, value: Any, place: str, cause: str) -> None:
    (problem,) = said(tmp_path, projectSecrets=value).problems
    assert (problem.path, problem.cause) == (place, cause)


def test_what_is_of_no_use_is_hinted_at_when_all_manifests_are_there(tmp_path: Path) -> None:
    secrets = {"shop": {"OTHER": LOCKED}, "shopp": {"API_KEY": LOCKED}, "gone": LOCKED}
    found = said(tmp_path, projectSecrets=secrets)
    assert found.problems == ()
    hints = {hint.path: hint for hint in found.hints}
    assert sorted(hints) == [
        "codeb:projectSecrets.gone",
        "codeb:projectSecrets.shop.OTHER",
        "codeb:projectSecrets.shopp",
    ]
    assert "Did you mean shop?" in hints["codeb:projectSecrets.shopp"].remedy
    assert "environment.secrets" in hints["codeb:projectSecrets.shop.OTHER"].remedy
    assert said(tmp_path, complete=False, projectSecrets=secrets).hints == ()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("rootSecret", SECRET),
        ("sshPrivateKey", SECRET),
        ("projectSecrets", {"shop": {"API_KEY": SECRET}}),
        ("sentry", {"organization": "leo", "token": SECRET}),
    ],
)
def test_a_secret_in_plain_text_is_hinted_at(tmp_path: Path, key: str, value: Any) -> None:
    found = said(tmp_path, ("API_KEY",) if key == "projectSecrets" else (), **{key: value})
    assert found.problems == ()
    assert [(hint.path, hint.cause) for hint in found.hints] == [
        (f"codeb:{key}", "is in plain text, for whoever reads this file")
    ]


def test_an_encrypted_key_that_nobody_reads_is_named(tmp_path: Path) -> None:
    (problem,) = said(tmp_path, rootSecrt=LOCKED).problems
    assert str(problem) == "Pulumi.live.yaml: codeb:rootSecrt: unknown key. Did you mean rootSecret?"


@pytest.mark.parametrize(
    ("key", "value", "wrong"),
    [
        ("sentry", {"organization": "leo", "token": LOCKED}, []),
        ("sentry", LOCKED, []),
        ("sentry", {"organization": "NO SLUG", "token": LOCKED}, ["codeb:sentry.organization"]),
        ("sentry", {"token": LOCKED}, ["codeb:sentry.organization"]),
        ("notifications", {"slack": LOCKED}, []),
        ("notifications", {"slack": [LOCKED, "no url"]}, ["codeb:notifications.slack[1]"]),
        ("registryCredentials", {"ghcr.io": {"username": "x", "password": LOCKED}}, []),
        (
            "registryCredentials",
            {"ghcr.io": {"username": "x"}},
            ["codeb:registryCredentials.ghcr.io.password"],
        ),
        ("rootSecret", 5, ["codeb:rootSecret"]),
        ("sshPrivateKey", ["x"], ["codeb:sshPrivateKey"]),
    ],
)
def test_what_shows_of_the_others_is_checked_as_the_program_does(
    tmp_path: Path, key: str, value: Any, wrong: list[str]
) -> None:
    assert places(said(tmp_path, **{key: value})) == wrong


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        ("a\0b", "has a NUL character"),
        ("x" * 60_001, "is longer than 60000 bytes"),
        (7, "is a number without quotes"),
    ],
)
def test_a_value_that_the_program_would_refuse_is_a_problem_here_too(
    tmp_path: Path, value: Any, cause: str
) -> None:
    (problem,) = said(tmp_path, ("KEY",), projectSecrets={"shop": {"KEY": value}}).problems
    assert problem.path == "codeb:projectSecrets.shop.KEY"
    assert problem.cause.startswith(cause)


def test_secrets_of_preview_environments_are_known_by_their_project(tmp_path: Path) -> None:
    given = {
        "shop": {"API_KEY": LOCKED},
        "shop-pr": {"API_KEY": LOCKED, "OTHER": LOCKED},
        "shop-pr-1": {"A": LOCKED},
    }
    found = said(tmp_path, ("API_KEY",), projectSecrets=given)
    assert not found.problems
    assert [(hint.path, hint.cause) for hint in found.hints] == [
        ("codeb:projectSecrets.shop-pr-1", "no manifest has this id"),
        ("codeb:projectSecrets.shop-pr.OTHER", "no preview environment gets it"),
    ]


VAULT = {"address": "https://vault.example.com:8200"}


def test_what_a_vault_has_is_not_missed_in_the_stack_s_file(tmp_path: Path) -> None:
    login = {"roleId": "r", "secretId": LOCKED}
    assert said(tmp_path, ("KEY",), vault=VAULT, vaultCredentials=login).problems == ()


@pytest.mark.parametrize(
    ("vault", "login", "wrong"),
    [
        (VAULT, None, ["codeb:vaultCredentials.roleId", "codeb:vaultCredentials.secretId"]),
        (VAULT, {"roleId": LOCKED}, ["codeb:vaultCredentials.secretId"]),
        (VAULT, LOCKED, []),
        (VAULT | {"auth": "token"}, {"token": LOCKED}, []),
        (VAULT | {"auth": "token"}, None, []),
        (VAULT | {"auth": "token"}, {"roleId": LOCKED}, ["codeb:vaultCredentials.token"]),
        (VAULT, {"roleId": LOCKED, "secretId": 7}, ["codeb:vaultCredentials.secretId"]),
        (VAULT, SECRET, ["codeb:vaultCredentials"]),
        (None, {"roleId": LOCKED, SECRET: "x"}, ["codeb:vaultCredentials.?"]),
    ],
)
def test_what_shows_of_a_login_is_checked(tmp_path: Path, vault: Any, login: Any, wrong: list[str]) -> None:
    assert places(said(tmp_path, vault=vault, vaultCredentials=login)) == wrong


SECOND = {"second": {"endpoint": "https://s3.example.com", "bucket": "backups"}}


@pytest.mark.parametrize(
    ("backup", "keys", "wrong"),
    [
        (SECOND, None, ["codeb:backupCredentials.accessKey", "codeb:backupCredentials.secretKey"]),
        (SECOND, {"accessKey": LOCKED}, ["codeb:backupCredentials.secretKey"]),
        (SECOND, {"accessKey": "k", "secretKey": LOCKED}, []),
        (SECOND, LOCKED, []),
        ({}, None, []),
        (
            {},
            {"accessKey": "a b", SECRET: "x"},
            ["codeb:backupCredentials.?", "codeb:backupCredentials.accessKey"],
        ),
    ],
)
def test_keys_of_the_second_place_are_checked_as_far_as_they_show(
    tmp_path: Path, backup: Any, keys: Any, wrong: list[str]
) -> None:
    assert places(said(tmp_path, backup=backup, backupCredentials=keys)) == wrong


EXPORT = {"export": {"endpoint": "https://otlp.example.com"}}


@pytest.mark.parametrize(
    ("monitoring", "value", "wrong"),
    [
        (EXPORT, None, ["codeb:monitoringCredentials"]),
        (EXPORT, LOCKED, []),
        (EXPORT, SECRET, []),
        (EXPORT, f"{SECRET} ${{env:HOME}}", ["codeb:monitoringCredentials"]),
        ({}, None, []),
        ({}, {SECRET: "x"}, ["codeb:monitoringCredentials"]),
    ],
)
def test_what_the_other_place_of_logs_lets_us_in_with_is_checked_as_far_as_it_shows(
    tmp_path: Path, monitoring: Any, value: Any, wrong: list[str]
) -> None:
    assert places(said(tmp_path, monitoring=monitoring, monitoringCredentials=value)) == wrong
