"""Rotated keys: the new one is there before the release that uses it, and the one before stays for what still has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime import rpc

from codeb.secrets import RootSecret
from tests.components.recording import ROOT_SECRET, Recording, record

SHOP = """
project: {{id: shop-app}}
environment: {{domain: shop.lab.test, image: "registry.lab.test:5000/shop:1"}}
resources: {{cache: {{rotation: {0}}}, storage: {{rotation: {1}}}}}
"""
ROOT = RootSecret(ROOT_SECRET)


def recorded(folder: Path, cache: int = 1, storage: int = 1) -> Recording:
    return record(folder, {"shop.yaml": SHOP.format(cache, storage)})


def release(recording: Recording) -> Any:
    return json.loads(rpc.unwrap_rpc_secret(recording.named("shop-app-release-one").inputs["stdin"]))


def users(recording: Recording) -> dict[str, tuple[str, str]]:
    """Resource → user and secret."""
    return {
        item.name: (item.inputs["name"], rpc.unwrap_rpc_secret(item.inputs["secret"]))
        for item in recording.registrations
        if item.type == "minio:index/iamUser:IamUser" and item.name != "backup-user"
    }


@pytest.mark.parametrize(
    ("number", "there"),
    [
        (1, {"shop-app-user": ("shop", 1)}),
        (2, {"shop-app-user-2": ("shop.2", 2), "shop-app-user": ("shop", 1)}),
        (3, {"shop-app-user-3": ("shop.3", 3), "shop-app-user-2": ("shop.2", 2)}),
    ],
)
def test_a_storage_key_and_the_one_before_are_users_with_the_same_policy(
    tmp_path: Path, number: int, there: dict[str, tuple[str, int]]
) -> None:
    found = recorded(tmp_path, storage=number)
    derived = {name: (user, ROOT.derive("project/shop-app/storage", n)) for name, (user, n) in there.items()}
    assert {name: user for name, user in users(found).items() if name != "backup-user"} == derived
    accesses = [
        item for item in found.of_project("shop-app") if item.type.endswith("IamUserPolicyAttachment")
    ]
    assert {(each.inputs["userName"], each.inputs["policyName"]) for each in accesses} == {
        (user, "shop") for user, _ in there.values()
    }


def test_an_app_gets_the_new_key_once_it_may_do_all_that_the_old_one_may(tmp_path: Path) -> None:
    found = recorded(tmp_path, cache=3, storage=2)
    environment = release(found)["environment"]
    assert environment["MINIO_ACCESS_KEY"] == "shop.2"
    assert environment["MINIO_SECRET_KEY"] == ROOT.derive("project/shop-app/storage", 2)
    needed = {urn.split("::")[-1] for urn in found.named("shop-app-release-one").dependencies}
    assert {"shop-app-user-2", "shop-app-access-2", "shop-app-policy"} <= needed


def test_the_cache_s_password_and_the_app_s_are_of_the_same_number(tmp_path: Path) -> None:
    found = release(recorded(tmp_path, cache=3))
    password = ROOT.derive("project/shop-app/cache", 3)
    assert (found["cache"]["password"], found["environment"]["REDIS_PASSWORD"]) == (password, password)
    assert found["environment"]["MINIO_ACCESS_KEY"] == "shop"


def test_what_others_read_of_the_stack_are_the_new_keys(tmp_path: Path) -> None:
    found = recorded(tmp_path, cache=2, storage=2)
    connections = rpc.unwrap_rpc_secret(found.outputs[-1]["connections"])["shop-app"]
    assert connections["MINIO_ACCESS_KEY"] == "shop.2"
    assert rpc.unwrap_rpc_secret(connections["REDIS_PASSWORD"]) == ROOT.derive("project/shop-app/cache", 2)


def test_a_project_that_never_rotated_has_the_resources_that_it_had(tmp_path: Path) -> None:
    found = recorded(tmp_path)
    assert {item.name for item in found.of_project("shop-app")} == {
        *("shop-app", "shop-app-role", "shop-app-database", "shop-app-public", "shop-app-bucket-uploads"),
        *("shop-app-versions-uploads", "shop-app-expiry-uploads"),
        *("shop-app-user", "shop-app-policy", "shop-app-access", "shop-app-release-one"),
    }
    owner = found.named("shop-app-role").inputs
    assert {key: value for key, value in owner.items() if key != "password"} == {
        "name": "shop",
        "login": True,
        "connectionLimit": 20,
    }
    assert "postgresql://shop:" in release(found)["environment"]["DATABASE_URL"]


def logins(recording: Recording) -> dict[str, tuple[str, bool, str]]:
    """Resource → role, whether it may log in, its password."""
    return {
        item.name: (item.inputs["name"], item.inputs["login"], rpc.unwrap_rpc_secret(item.inputs["password"]))
        for item in recording.registrations
        if item.type == "postgresql:index/role:Role"
    }


def password(number: int) -> str:
    return ROOT.derive("project/shop-app/database", number)


def rotated(folder: Path, number: int, serving: int | None) -> Recording:
    """The project with this number of login, whose release has another one, or that has none yet."""
    manifest = SHOP.format(1, 1).replace("{cache", f"{{database: {{rotation: {number}}}, cache")
    serves = {"names": ["shop.lab.test"], "pool": "default", "ports": {"app": 3001, "internal": 3002}}
    entry = {
        "id": "shop-app", "ports": serves["ports"], "servers": ["one"], "status": "running",
        "health": {"status": "healthy", "last_check": "2026-01-01T00:00:00Z"},
        "serves": serves | ({"login": serving} if serving and serving > 1 else {}),
    }  # fmt: skip
    registry = {"version": 1, "projects": {"shop-app": entry}} if serving else None
    return record(folder, {"shop.yaml": manifest}, registry=registry)


def test_a_login_is_a_role_that_acts_as_the_owner_and_is_there_before_the_release(tmp_path: Path) -> None:
    found = rotated(tmp_path, 2, 1)
    assert logins(found) == {
        "shop-app-role": ("shop", True, password(1)),
        "shop-app-login-2": ("shop.2", True, password(2)),
    }
    role = found.named("shop-app-login-2")
    assert (role.inputs["roles"], role.inputs["assumeRole"]) == (["shop"], "shop")
    assert not role.retain_on_delete, "a password that was rotated away would stay valid"
    assert role.urn in found.named("shop-app-release-one").dependencies
    assert f"postgresql://shop.2:{password(2)}@" in release(found)["environment"]["DATABASE_URL"]


@pytest.mark.parametrize(
    ("number", "serving", "owner_logs_in", "beside"),
    [
        (3, 2, False, {2, 3}),
        (3, 3, False, {2, 3}),
        (5, 1, True, {4, 5}),
        (5, 3, False, {3, 4, 5}),
        (1, 3, True, {3}),
        (4, None, False, {3, 4}),
    ],
)
def test_the_login_that_serves_stays_whatever_number_comes(
    tmp_path: Path, number: int, serving: int | None, owner_logs_in: bool, beside: set[int]
) -> None:
    found = logins(rotated(tmp_path, number, serving))
    assert found.pop("shop-app-role")[1] is owner_logs_in
    assert set(found) == {f"shop-app-login-{each}" for each in beside}


def test_the_registry_says_which_login_a_release_has(tmp_path: Path) -> None:
    entry = rotated(tmp_path, 2, 1).outputs[-1]["registry"]["projects"]["shop-app"]
    assert (entry["database"]["login"], entry["serves"]["login"]) == (2, 2)
    first = rotated(tmp_path / "first", 1, 1).outputs[-1]["registry"]["projects"]["shop-app"]
    assert "login" not in first["database"]
    assert "login" not in first["serves"]


def test_a_run_that_fails_remembers_the_login_that_still_serves(tmp_path: Path) -> None:
    planned = rotated(tmp_path, 2, 1).outputs[0]["registry"]["projects"]["shop-app"]
    assert planned["database"]["login"] == 2
    assert "login" not in planned["serves"]


def test_nobody_logs_in_to_kept_data_by_a_password_that_was_rotated_away(tmp_path: Path) -> None:
    found = rotated(tmp_path, 3, 2).outputs[-1]["registry"]
    kept = record(tmp_path / "left", {}, registry=found)
    assert logins(kept) == {"shop-app-role": ("shop", False, password(1))}
