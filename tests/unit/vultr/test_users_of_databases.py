"""Managed Valkey and the users of managed databases, as the simulated account answers for them."""

from __future__ import annotations

from typing import Any

import pytest

from lab.vultr.ports import CacheUser
from lab.vultr.simulator import Simulator
from tests.unit.vultr.conftest import Clock
from tests.vultr_api import Api, Notebook

VALKEY = {
    "database_engine": "valkey",
    "database_engine_version": "8.1",
    "region": "icn",
    "plan": "vultr-dbaas-business-rp-intel-1-12-2",
    "label": "cache",
    "eviction_policy": "allkeys-lfu",
}
POSTGRES = {
    **VALKEY,
    "database_engine": "pg",
    "database_engine_version": "16",
    "plan": "vultr-dbaas-startup-cc-1-55-2",
}
RULES = {
    "acl_categories": ["-@all"],
    "acl_channels": ["shop:*"],
    "acl_commands": ["+get"],
    "acl_keys": ["*"],
}


@pytest.fixture
def api(vultr: Simulator) -> Api:
    return Api(vultr)


def made(api: Api, **values: Any) -> str:
    return str(api.does("POST", "/databases", VALKEY | values)["database"]["id"])


def test_a_valkey_has_its_eviction_and_no_database(api: Api, vultr: Simulator, clock: Clock) -> None:
    vultr.set(database_s=30)
    place = f"/databases/{made(api)}"
    assert api.get(place)["database"]["status"] == "Rebuilding"
    clock.now += 31
    found = api.get(place)["database"]
    assert (found["status"], found["eviction_policy"]) == ("Running", "allkeys-lfu")
    assert (found["database_engine"], found["plan_replicas"], "dbname" in found) == ("valkey", 1, False)
    assert found["backup_hour"] == found["backup_minute"] == ""  # without them the plugin dies
    changed = api.does("PUT", place, {"eviction_policy": "noeviction", "label": "other"})["database"]
    assert (changed["eviction_policy"], changed["label"]) == ("noeviction", "other")


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"database_engine": "kafka"}, "Invalid database_engine"),
        ({"database_engine_version": "16"}, "Invalid database_engine_version"),
        ({"plan": "vultr-dbaas-startup-cc-1-55-2"}, "Invalid plan"),
        ({"eviction_policy": "never"}, "Invalid eviction_policy"),
    ],
)
def test_what_no_valkey_can_be(api: Api, values: dict[str, Any], text: str) -> None:
    assert api.refuses("POST", "/databases", VALKEY | values) == text


def test_a_user_may_do_everything_until_he_is_given_rules(api: Api) -> None:
    users = f"/databases/{made(api)}/users"
    user = api.does("POST", users, {"username": "shop", "password": "s3cret"})["user"]
    assert user["access_control"]["acl_categories"] == ["+@all"]
    assert api.does("PUT", f"{users}/shop/access-control", RULES)["user"]["access_control"] == RULES
    part = {"acl_categories": None, "acl_commands": []}
    left = api.does("PUT", f"{users}/shop/access-control", part)["user"]["access_control"]
    assert left == {**RULES, "acl_commands": []}
    assert api.does("PUT", f"{users}/shop", {"password": "other"})["user"]["password"] == "other"
    assert [each["username"] for each in api.get(users)["users"]] == ["shop"]
    api.does("DELETE", f"{users}/shop")
    api.refuses("GET", f"{users}/shop", status=404)


def test_machines_hear_of_every_change_of_a_valkey_s_users(api: Api, machines: Notebook) -> None:
    users = f"/databases/{made(api)}/users"
    api.does("POST", users, {"username": "shop", "password": "s3cret"})
    api.does("PUT", f"{users}/shop/access-control", RULES)
    api.does("PUT", f"{users}/shop", {"password": "other"})
    api.does("DELETE", f"{users}/shop")
    everything, rules = ("+@all", "~*", "&*"), ("-@all", "+get", "~*", "&shop:*")
    assert [spec.users for (spec,) in machines.of("make_database")] == [
        (),
        (CacheUser("shop", "s3cret", everything),),
        (CacheUser("shop", "s3cret", rules),),
        (CacheUser("shop", "other", rules),),
        (),
    ]


def test_users_are_their_database_s_own_and_go_with_it(api: Api) -> None:
    one, other = made(api), made(api)
    body = {"username": "shop", "password": "s3cret"}
    api.does("POST", f"/databases/{one}/users", body)
    api.refuses("POST", f"/databases/{one}/users", body)
    api.does("POST", f"/databases/{other}/users", body)
    api.does("DELETE", f"/databases/{one}")
    assert api.refuses("GET", f"/databases/{one}/users/shop", status=404) == "invalid database ID"
    assert api.get(f"/databases/{other}/users/shop")["user"]["username"] == "shop"


def test_users_of_postgresql_have_no_rules(api: Api) -> None:
    users = f"/databases/{made(api, **POSTGRES)}/users"
    assert set(api.does("POST", users, {"username": "app", "password": "s3cret"})["user"]) == {
        "username",
        "password",
    }
    api.refuses("PUT", f"{users}/app/access-control", RULES)


def test_nobody_is_called_as_the_administrator(api: Api) -> None:
    users = f"/databases/{made(api)}/users"
    api.refuses("POST", users, {"username": "vultradmin", "password": "s3cret"})
    api.refuses("POST", users, {"password": "s3cret"})
