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
        if item.type == "minio:index/iamUser:IamUser"
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
    assert users(found) == derived
    accesses = [item for item in found.registrations if item.type.endswith("IamUserPolicyAttachment")]
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


def test_a_project_that_never_rotated_is_as_it_was(tmp_path: Path) -> None:
    plain = 'project: {id: shop-app}\nenvironment: {domain: shop.lab.test, image: "registry.lab.test:5000/shop:1"}\n'
    one, two = recorded(tmp_path / "a"), record(tmp_path / "b", {"shop.yaml": plain})
    assert release(one) == release(two)
    assert [item.name for item in one.registrations] == [item.name for item in two.registrations]
