"""Subscriptions of object storage at the simulated Vultr: pending at first, keys of their own, another pair on demand."""

from __future__ import annotations

from typing import Any

import pytest

from lab.vultr.simulator import Simulator
from tests.unit.vultr.conftest import Clock
from tests.vultr_api import Api


def made(api: Api, **more: Any) -> dict[str, Any]:
    body = {"cluster_id": 2, "tier_id": 2, "label": "o1", **more}
    found: dict[str, Any] = api.does("POST", "/object-storage", body)["object_storage"]
    return found


def test_it_is_pending_and_has_neither_host_nor_keys_at_first(
    api: Api, vultr: Simulator, clock: Clock
) -> None:
    vultr.set(objects_s=30)
    first = made(api)
    assert (first["status"], first["s3_hostname"], first["s3_secret_key"]) == ("pending", "", "")
    clock.now += 31
    found = api.get(f"/object-storage/{first['id']}")["object_storage"]
    assert (found["status"], found["region"]) == ("active", "ewr")
    assert found["s3_hostname"]
    assert found["s3_access_key"]


def test_each_has_keys_of_its_own_and_another_pair_on_demand(api: Api) -> None:
    one, other = made(api), made(api, label="o2")
    assert one["s3_secret_key"] != other["s3_secret_key"]
    again = api.does("POST", f"/object-storage/{one['id']}/regenerate-keys")["s3_credentials"]
    assert again["s3_secret_key"] != one["s3_secret_key"]
    listed = {each["id"]: each for each in api.get("/object-storage")["object_storages"]}
    assert listed[one["id"]]["s3_secret_key"] == again["s3_secret_key"]
    assert listed[other["id"]]["s3_secret_key"] == other["s3_secret_key"]


def test_only_its_label_can_be_changed_and_it_goes_whole(api: Api) -> None:
    one = made(api)
    api.does("PUT", f"/object-storage/{one['id']}", {"label": "o1b"})
    assert api.get(f"/object-storage/{one['id']}")["object_storage"]["label"] == "o1b"
    api.does("DELETE", f"/object-storage/{one['id']}")
    assert "Invalid object storage" in api.refuses("GET", f"/object-storage/{one['id']}", status=404)


def test_where_and_what_there_is_can_be_asked(api: Api) -> None:
    clusters = {each["id"]: each["region"] for each in api.get("/object-storage/clusters")["clusters"]}
    assert clusters[2] == "ewr"
    tiers = {each["id"]: each["price"] for each in api.get("/object-storage/tiers")["tiers"]}
    assert tiers[2] == 18
    assert api.get("/object-storage/clusters/2/tiers")["tiers"]
    api.refuses("GET", "/object-storage/clusters/77/tiers", status=404)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"cluster_id": 77, "tier_id": 2}, "Invalid cluster_id"),
        ({"cluster_id": 2, "tier_id": 77}, "Invalid tier_id"),
        ({"cluster_id": "2", "tier_id": 2}, "Invalid cluster_id"),
        ({"cluster_id": 2}, "Missing required field: tier_id"),
    ],
)
def test_what_there_is_not_is_refused(api: Api, vultr: Simulator, body: dict[str, Any], text: str) -> None:
    assert text in api.refuses("POST", "/object-storage", body)
    assert vultr.content()["object_storages"] == {}
