"""/object-storage: subscriptions, each with a pair of keys. Nothing listens at their hosts."""

from __future__ import annotations

import secrets
from typing import Final

from lab.vultr.api.call import Answer, ApiError, Call, Route, public
from lab.vultr.api.lists import listing
from lab.vultr.files import Json

GONE = "Invalid object storage ID"
# cluster: region, location; numbers but 2 are the simulator's own
CLUSTERS: Final = {
    2: ("ewr", "New Jersey"),
    4: ("ams", "Amsterdam"),
    5: ("sgp", "Singapore"),
    9: ("sel", "Seoul"),
}
# tier: name, slug, dollars a month, dollars a GB
TIERS: Final = {
    1: ("Legacy", "tier_004h_0300m", 6, 0.006),
    2: ("Standard", "tier_008h_0600m", 18, 0.018),
    5: ("Performance", "tier_004k_1000m", 50, 0.05),
}
_TRAFFIC_USD: Final = 0.01
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def create(call: Call) -> Answer:
    cluster, tier = call.given("cluster_id", int), call.given("tier_id", int)
    if cluster not in CLUSTERS:
        raise ApiError(400, "Invalid cluster_id")
    if tier not in TIERS:
        raise ApiError(400, "Invalid tier_id")
    region, location = CLUSTERS[cluster]
    item = {
        "cluster_id": cluster,
        "region": region,
        "location": location,
        "label": call.given("label", str, ""),
        "_tier": tier,
        "_keys": _keys(),
        "_ready_at": call.ready_at(call.settings.objects_s),
    }
    made = call.add("object_storages", item)
    return Answer(202, lambda account: {"object_storage": view(made, call.now)})


def read(call: Call) -> Answer:
    found = call.item("object_storages", GONE)
    return Answer(200, lambda account: {"object_storage": view(found, call.now)})


def update(call: Call) -> Answer:
    """PUT; the label is all that can be changed."""
    call.item("object_storages", GONE)["label"] = call.given("label", str)
    return Answer(204)


def regenerate(call: Call) -> Answer:
    """POST; the keys of before are no more."""
    found = call.item("object_storages", GONE)
    found["_keys"] = _keys()
    return Answer(
        201, lambda account: {"s3_credentials": {**_shown_keys(found), "s3_hostname": _host(found)}}
    )


def delete(call: Call) -> Answer:
    """With all that is in it, as Vultr says."""
    del call.account["object_storages"][call.item("object_storages", GONE)["id"]]
    return Answer(204)


def all_of_them(call: Call) -> Answer:
    found = call.account["object_storages"].values()
    return listing(call, "object_storages", found, lambda one: view(one, call.now))


def clusters(call: Call) -> Answer:
    found = [{"id": key, "_number": key} for key in CLUSTERS]
    return listing(call, "clusters", found, lambda one: _cluster(one["id"]))


def tiers(call: Call) -> Answer:
    return Answer(200, lambda account: {"tiers": [_tier(key) for key in TIERS]})


def tiers_of(call: Call) -> Answer:
    if call.ids["id"] not in map(str, CLUSTERS):
        raise ApiError(404, "Invalid cluster ID")
    return tiers(call)


def view(one: Json, now: float) -> Json:
    """A subscription as answered: without host and keys until it is active."""
    if now < one["_ready_at"]:
        empty = {"s3_hostname": "", "s3_access_key": "", "s3_secret_key": ""}
        return public(one) | empty | {"status": "pending"}
    return public(one) | _shown_keys(one) | {"s3_hostname": _host(one), "status": "active"}


def _keys() -> list[str]:
    return ["".join(secrets.choice(_LETTERS) for _ in range(20)), secrets.token_hex(20)]


def _shown_keys(one: Json) -> Json:
    access, secret = one["_keys"]
    return {"s3_access_key": access, "s3_secret_key": secret}


def _host(one: Json) -> str:
    return f"{one['region']}1.vultrobjects.invalid"


def _cluster(key: int) -> Json:
    region, location = CLUSTERS[key]
    host = f"{region}1.vultrobjects.invalid"
    return {"id": key, "region": region, "name": location, "hostname": host, "deploy": "yes"}


def _tier(key: int) -> Json:
    name, slug, price, per_gb = TIERS[key]
    return {
        "id": key,
        "sales_name": name,
        "slug": slug,
        "price": price,
        "disk_gb_price": per_gb,
        "bw_gb_price": _TRAFFIC_USD,
        "is_default": "no",
        "locations": [_cluster(each) for each in CLUSTERS],
    }


ROUTES = [
    Route("GET", "/object-storage/clusters", clusters),
    Route("GET", "/object-storage/clusters/{id}/tiers", tiers_of),
    Route("GET", "/object-storage/tiers", tiers),
    Route("POST", "/object-storage", create),
    Route("GET", "/object-storage", all_of_them),
    Route("GET", "/object-storage/{id}", read),
    Route("PUT", "/object-storage/{id}", update),
    Route("DELETE", "/object-storage/{id}", delete),
    Route("POST", "/object-storage/{id}/regenerate-keys", regenerate),
]
