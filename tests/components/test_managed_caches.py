"""Valkey that Vultr runs, on a recording monitor: the services, and what a project has at one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import ediri_vultr as vultr
import pulumi
import pytest
from pulumi.runtime import rpc
from pulumi_command import remote

from codeb import managed_names, plan
from codeb.plan.caches import REDIS_PORT, SHARED_EVICTION, SHARED_MEMORY
from codeb.render import cache_access
from components.caches import EMPTY, CacheArgs, cache_args, declare_cache
from components.fleet.valkey import Valkey, ValkeyArgs
from tests.components.recording import Recording, Registration, plain_texts, recorded
from tests.components.test_fleet import FLEET, OWNER, SINGLE, Vultr, deploy, of
from tests.components.test_growing import depends, outputs, program, state
from tests.outputs import decrypted

SERVICES = plan.CacheServices("vultr-dbaas-business-rp-intel-1-12-2", "8.1", (0, 2))
REDIS = plan.RedisPlan("0", REDIS_PORT, SHARED_MEMORY, SHARED_EVICTION)
HERE = plan.CachePlan(REDIS, 4, "10.64.0.4", "shop", plan.Slot(0, 4))
THERE = replace(HERE, host=managed_names.valkey_host(0), user="shop-2", managed=True, users=(2, 1))
PASSWORDS = {1: "first-password", 2: "second-password"}


def declared(cache: plan.CachePlan | None) -> Recording:
    def program() -> None:
        provider = vultr.Provider("own-vultr", api_key="a-key")
        service = Valkey(
            "fleet-valkey-0", ValkeyArgs(OWNER, "icn", SERVICES, 0, "vpc-1", "10.64.0.0/20", provider)
        )
        bundle = pulumi.ComponentResource("test:Bundle", "bundle")
        server = SimpleNamespace(bundle=bundle, connection=remote.ConnectionArgs(host="203.0.113.4"))
        args = CacheArgs("shop", cache, service, cast(Any, server), PASSWORDS) if cache else None
        declare_cache("shop", args, pulumi.ComponentResource("test:P", "shop"))

    return recorded(Vultr(None), program)


@pytest.fixture(scope="module")
def there() -> Recording:
    return declared(THERE)


def users(recording: Recording) -> list[Registration]:
    return of(recording, "DatabaseUser")


def test_each_service_is_in_the_stack_s_network_and_lets_nobody_else_in() -> None:
    made = of(deploy(replace(SINGLE, valkey=SERVICES)), "Database")
    found = sorted((each for each in made if each.custom), key=lambda each: each.name)
    assert [each.name for each in found] == ["fleet-valkey-0-service", "fleet-valkey-2-service"]
    for number, service in zip(SERVICES.numbers, found, strict=True):
        assert service.inputs["databaseEngine"] == "valkey"
        assert service.inputs["databaseEngineVersion"] == "8.1"
        assert service.inputs["evictionPolicy"] == SHARED_EVICTION
        assert service.inputs["trustedIps"] == ["10.64.0.0/20"]
        assert service.inputs["vpcId"] == "fleet-network-vpc-id"
        assert service.inputs["label"] == f"{OWNER}-valkey-{number}"
        assert service.additional_secret_outputs == ("password",)
        assert set(service.ignore_changes) == {"region", "vpcId"}
        assert not service.protect


def test_without_anybody_there_nothing_is_made() -> None:
    assert not of(deploy(FLEET), "Database")
    assert not of(deploy(replace(FLEET, valkey=replace(SERVICES, numbers=()))), "Database")


def test_the_fleet_knows_where_each_answers() -> None:
    known: list[str] = []
    deploy(replace(SINGLE, valkey=SERVICES), lambda fleet: known.extend(fleet.known))
    for number in SERVICES.numbers:
        assert {managed_names.valkey_host(number), managed_names.valkey_port(number)} <= set(known)


def test_each_password_has_a_user_of_its_own_with_the_project_s_rules(there: Recording) -> None:
    found = {each.inputs["username"]: each for each in users(there)}
    assert {name: each.name for name, each in found.items()} == {
        "shop-2": "shop-cache-user-2",
        "shop": "shop-cache-user",
    }
    access = cache_access(4, "shop:")
    for each in found.values():
        assert each.inputs["accessControl"] == {
            "aclCategories": list(access.categories),
            "aclCommands": list(access.commands),
            "aclKeys": list(access.keys),
            "aclChannels": list(access.channels),
        }
        assert each.inputs["databaseId"] == "fleet-valkey-0-service-id"
        assert "::own-vultr::" in each.provider
        assert each.deleted_with.endswith("::fleet-valkey-0-service")
        assert not each.retain_on_delete


def test_no_password_is_in_the_clear(there: Recording) -> None:
    for each in there.registrations:
        assert not set(PASSWORDS.values()) & set(plain_texts(each.inputs)), each.name
    for each in users(there):
        assert rpc.is_rpc_secret(each.inputs["password"])
        assert each.additional_secret_outputs == ("password",)


def test_the_index_is_emptied_once_for_a_service_and_an_index(there: Recording) -> None:
    """Another password changes what it is told, and nothing is emptied by that."""
    emptied = there.named("shop-cache-emptied")
    assert (emptied.inputs["create"], emptied.inputs["update"]) == (EMPTY, ":")
    assert "delete" not in emptied.inputs
    assert emptied.inputs["triggers"] == ["fleet-valkey-0-service-id", 4]
    assert {each.urn for each in users(there)} <= emptied.dependencies
    assert emptied.deleted_with.endswith("::fleet-valkey-0-service")
    told = json.loads(rpc.unwrap_rpc_secret(emptied.inputs["stdin"]))
    assert told == {
        "version": 1,
        "project": "shop",
        "host": "db.vultrdb.example",
        "port": 16751,
        "index": 4,
        "user": "shop-2",
        "password": "second-password",
    }


def test_whose_cache_is_here_again_is_let_in_for_what_stands_by() -> None:
    recording = declared(replace(HERE, users=(1,)))
    assert [each.inputs["username"] for each in users(recording)] == ["shop"]
    assert not of(recording, "Command")


def test_who_was_never_there_has_nothing_there() -> None:
    assert not users(declared(None))
    project = SimpleNamespace(id="shop", cache=HERE)
    for each in (None, SimpleNamespace(id="shop", cache=None), project):
        assert cache_args(cast(Any, each), cast(Any, None), "data-1", cast(Any, None)) is None


def test_the_plugin_has_what_we_ask_for() -> None:
    assert {"host", "port", "eviction_policy"} <= set(dir(vultr.Database))
    assert {"access_control", "password", "database_id"} <= set(dir(vultr.DatabaseUser))


@pytest.fixture
def whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recording:
    """The whole program of a stack that has both projects' caches there; one has none."""
    servers = ("app-1", "data-1")
    managed = {"valkey": {"plan": SERVICES.plan, "projects": "all"}}
    return program(tmp_path, monkeypatch, 1, state(*servers), outputs(*servers), managed=managed)


def test_a_release_begins_once_the_project_is_let_in_and_its_index_is_empty(whole: Recording) -> None:
    waits = depends(whole, whole.named("shop-release-app-1"))
    assert {"shop-cache-user", "shop-cache-emptied"} <= waits
    emptied = depends(whole, whole.named("shop-cache-emptied"))
    assert {"codeb-valkey-0-service", "data-1-bundle", "shop-cache-user"} <= emptied
    assert [each.name for each in users(whole)] == ["shop-cache-user"], "the other project has no cache"


def test_the_app_and_its_team_are_told_where_the_service_is(whole: Recording) -> None:
    release = json.loads(rpc.unwrap_rpc_secret(whole.named("shop-release-app-1").inputs["stdin"]))
    assert release["cache"] == {
        "host": "db.vultrdb.example",
        "port": 16751,
        "index": 2,
        "user": "shop",
        "rules": [],
        "tls": True,
        "password": release["environment"]["REDIS_PASSWORD"],
    }
    assert release["environment"]["REDIS_TLS"] == "true"
    (user,) = users(whole)
    assert rpc.unwrap_rpc_secret(user.inputs["password"]) == release["cache"]["password"]
    told = decrypted(whole.outputs[-1])
    connections = told["connections"]["shop"]
    assert (connections["REDIS_HOST"], connections["REDIS_PORT"]) == ("db.vultrdb.example", "16751")
    assert told["registry"]["projects"]["shop"]["redis"]["managed"] is True


def test_nothing_secret_of_it_is_in_the_clear_in_the_whole_program(whole: Recording) -> None:
    (user,) = users(whole)
    password = rpc.unwrap_rpc_secret(user.inputs["password"])
    for each in whole.registrations:
        assert not [text for text in plain_texts(each.inputs) if password in text], each.name
