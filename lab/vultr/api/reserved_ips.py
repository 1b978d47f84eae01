"""/reserved-ips: addresses that outlive the servers they are attached to."""

from __future__ import annotations

from lab.vultr.api.call import Answer, ApiError, Call, Route, public
from lab.vultr.api.catalog import region
from lab.vultr.api.lists import listing
from lab.vultr.files import Json

GONE = "Invalid reserved-ip ID"
IN_USE = "Floating IPv4 address is already attached to another server"
ATTACHED = "Reserved IP is already attached"


def create(call: Call) -> Answer:
    """POST; with an `instance_id` it is attached at once."""
    kind = call.given("ip_type", str)
    if kind not in ("v4", "v6"):
        raise ApiError(400, "Invalid ip_type")
    item = {
        "region": region(call),
        "ip_type": kind,
        "subnet": "",
        "subnet_size": 32 if kind == "v4" else 64,
        "label": call.given("label", str, ""),
        "instance_id": "",
    }
    reserved = call.add("reserved_ips", item)
    call.effect("reserve_address", reserved["id"], touches=[reserved["id"]])
    instance_id = call.given("instance_id", str, "")
    if instance_id:
        _attach(call, reserved, instance_id)
    return Answer(
        201, lambda account: {"reserved_ip": view(account["reserved_ips"].get(reserved["id"], reserved))}
    )


def read(call: Call) -> Answer:
    reserved = call.item("reserved_ips", GONE)
    return Answer(200, lambda account: {"reserved_ip": view(reserved)})


def update(call: Call) -> Answer:
    reserved = call.item("reserved_ips", GONE)
    reserved["label"] = call.given("label", str)
    return Answer(200, lambda account: {"reserved_ip": view(reserved)})


def delete(call: Call) -> Answer:
    """DELETE; a server that has it loses it."""
    reserved = call.item("reserved_ips", GONE)
    _detach(call, reserved)
    del call.account["reserved_ips"][reserved["id"]]
    call.effect("release_address", reserved["id"], touches=[reserved["id"]])
    return Answer(204)


def all_of_them(call: Call) -> Answer:
    return listing(call, "reserved_ips", call.account["reserved_ips"].values(), view)


def attach(call: Call) -> Answer:
    """POST /attach; once more to the server that has it is fine: the plugin does so after each POST."""
    _attach(call, call.item("reserved_ips", GONE), call.given("instance_id", str))
    return Answer(204)


def detach(call: Call) -> Answer:
    """POST /detach; of a free one too."""
    _detach(call, call.item("reserved_ips", GONE))
    return Answer(204)


def main_of_new(call: Call, reserved_id: str, place: str) -> Json | None:
    """The address that a new server is to have as its main one; None without."""
    if not reserved_id:
        return None
    reserved: Json | None = call.account["reserved_ips"].get(reserved_id)
    if reserved is None or reserved["region"] != place or reserved["ip_type"] != "v4":
        raise ApiError(400, GONE)
    if reserved["instance_id"]:
        raise ApiError(400, IN_USE)
    return reserved


def leave(call: Call, instance_id: str) -> None:
    """The server goes, and its machine with all addresses: they are free."""
    for reserved in call.account["reserved_ips"].values():
        if reserved["instance_id"] == instance_id:
            reserved["instance_id"] = ""


def view(reserved: Json) -> Json:
    """An address as answered: it has no date."""
    return {key: value for key, value in public(reserved).items() if key != "date_created"}


def _attach(call: Call, reserved: Json, instance_id: str) -> None:
    instance = call.account["instances"].get(instance_id)
    if instance is None or instance["region"] != reserved["region"]:
        raise ApiError(400, "Invalid instance ID")
    if reserved["instance_id"] == instance_id:
        return
    if reserved["instance_id"]:
        raise ApiError(400, ATTACHED)
    reserved["instance_id"] = instance_id
    call.effect("attach_address", instance_id, reserved["id"], touches=[instance_id, reserved["id"]])


def _detach(call: Call, reserved: Json) -> None:
    instance = call.account["instances"].get(reserved["instance_id"])
    reserved["instance_id"] = ""
    if instance is None:
        return
    if instance["_reserved_ip"] == reserved["subnet"]:
        raise ApiError(400, "Reserved IP is the main address of its server")
    call.effect(
        "detach_address", instance["id"], reserved["subnet"], touches=[instance["id"], reserved["id"]]
    )


ROUTES = [
    Route("POST", "/reserved-ips", create),
    Route("GET", "/reserved-ips", all_of_them),
    Route("GET", "/reserved-ips/{id}", read),
    Route("PATCH", "/reserved-ips/{id}", update),
    Route("DELETE", "/reserved-ips/{id}", delete),
    Route("POST", "/reserved-ips/{id}/attach", attach),
    Route("POST", "/reserved-ips/{id}/detach", detach),
]
