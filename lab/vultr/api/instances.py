"""/instances: servers. Their machines are booted by what `effects.py` finds noted here."""

from __future__ import annotations

import secrets
from typing import Any

from lab.vultr.api import balancing, blocks, reserved_ips, vfs, vpcs
from lab.vultr.api.call import Answer, ApiError, Call, Route
from lab.vultr.api.catalog import NO_CAPACITY, PLANS, SYSTEMS, is_full, region
from lab.vultr.api.instance_changes import CHANGES, GONE, group, ipv6, user_data
from lab.vultr.api.instance_view import is_locked, view
from lab.vultr.api.instance_view import vpcs as vpc_list
from lab.vultr.api.lists import filtered, listing
from lab.vultr.files import Json

QUOTA = "Server add failed: You have reached the maximum number of active virtual machines for this account"
LOCKED = "Unable to destroy server: Unable to remove VM: Server is currently locked"
HOSTNAME = "vultr.guest"


def create(call: Call) -> Answer:
    """POST. The password is in this answer only."""
    place, plan, system = _what(call)
    wanted = [vpcs.named(call, vpc, place) for vpc in call.texts("attach_vpc") or []]
    keys = call.texts("sshkey_id") or []
    if any(key not in call.account["ssh_keys"] for key in keys):
        raise ApiError(400, "Invalid SSH key")
    reserved = reserved_ips.main_of_new(call, call.given("reserved_ipv4", str, ""), place)
    item = {
        "region": place,
        "plan": plan,
        "os_id": system,
        "label": call.given("label", str, ""),
        "hostname": call.given("hostname", str, "") or HOSTNAME,
        "tags": call.texts("tags") or [],
        "firewall_group_id": group(call),
        "user_scheme": call.given("user_scheme", str, "root"),
        "features": _features(call),
    } | _constant()
    item |= _hidden(call, keys, reserved)
    instance = call.add("instances", item)
    ipv6(call, instance)
    instance["_vpcs"] = {vpc["id"]: {"ip": "", "number": call.number()} for vpc in wanted}
    if reserved:
        reserved["instance_id"] = instance["id"]
    touches = [instance["id"], *([reserved["id"]] if reserved else [])]
    call.effect("boot", instance["id"], touches=touches, wait=_waits(call))
    once = {"default_password": secrets.token_urlsafe(12)}
    return Answer(202, lambda account: {"instance": _now(call, account, instance) | once})


def read(call: Call) -> Answer:
    instance = call.item("instances", GONE)
    return Answer(200, lambda account: {"instance": view(instance, call.now)})


def delete(call: Call) -> Answer:
    """DELETE: disks, shares and reserved addresses stay, detached; balancers lose it."""
    instance = call.item("instances", GONE)
    if is_locked(instance, call.now):
        raise ApiError(500, LOCKED)
    del call.account["instances"][instance["id"]]
    blocks.leave(call, instance["id"])
    vfs.leave(call, instance["id"])
    reserved_ips.leave(call, instance["id"])
    balancing.leave(call, instance["id"])
    call.effect("destroy", instance["id"], touches=[instance["id"]])
    return Answer(204)


def all_of_them(call: Call) -> Answer:
    found = filtered(
        call,
        call.account["instances"].values(),
        label=lambda one, value: one["label"] == value,
        hostname=lambda one, value: one["hostname"] == value,
        region=lambda one, value: one["region"] == value,
        main_ip=lambda one, value: view(one, call.now)["main_ip"] == value,
        firewall_group_id=lambda one, value: one["firewall_group_id"] == value,
        tag=lambda one, value: value in one["tags"],
    )
    return listing(call, "instances", found, lambda instance: view(instance, call.now))


def halt(call: Call) -> Answer:
    return _power(call, ["halt"], halted=True)


def start(call: Call) -> Answer:
    return _power(call, ["start"], halted=False)


def reboot(call: Call) -> Answer:
    return _power(call, ["halt", "start"], halted=False)


def private_networks(call: Call) -> Answer:
    from_ = vpc_list(call.item("instances", GONE))
    return listing(call, "vpcs", from_, lambda vpc: {k: v for k, v in vpc.items() if k != "_number"})


def vpc2(call: Call) -> Answer:
    """VPC 2.0, which Vultr has given up: nobody has any."""
    call.item("instances", GONE)
    return listing(call, "vpcs", [], dict)


def read_user_data(call: Call) -> Answer:
    data = call.item("instances", GONE)["_user_data"]
    return Answer(200, lambda account: {"user_data": {"data": data}})


def _what(call: Call) -> tuple[str, str, int]:
    """Region, plan and system of a new instance, after everything that may stand against it."""
    place, plan, system = region(call), call.given("plan", str), call.given("os_id", int)
    if plan not in PLANS:
        raise ApiError(400, "Invalid plan chosen.")
    if system not in SYSTEMS:
        raise ApiError(400, "Invalid OS chosen.")
    if len(call.account["instances"]) >= call.limit:
        raise ApiError(400, QUOTA)
    if is_full(call, place, plan):
        raise ApiError(400, NO_CAPACITY)
    return place, plan, system


def _constant() -> Json:
    """What the simulator has no opinion on."""
    nothing: dict[str, Any] = {
        "app_id": 0,
        "image_id": "",
        "v6_network": "",
        "v6_main_ip": "",
        "v6_network_size": 0,
    }
    console = "https://console.invalid/?data=" + secrets.token_urlsafe(16)
    return nothing | {"pending_charges": 0, "kvm": console}


def _hidden(call: Call, keys: list[str], reserved: Json | None) -> Json:
    ready = call.ready_at(call.settings.instance_s)
    return {
        "_user_data": user_data(call),
        "_ssh_keys": [call.account["ssh_keys"][key]["ssh_key"] for key in keys],
        "_ready_at": ready,
        "_installed_at": ready + call.settings.install_s,
        "_locked_until": ready + call.settings.locked_s,
        "_resized_at": 0,
        "_old_plan": "",
        "_booted": False,
        "_failed": False,
        "_halted": False,
        "_main_ip": reserved["subnet"] if reserved else "",
        "_reserved_ip": reserved["subnet"] if reserved else None,
        "_vpcs": {},
        "_backups": {"enabled": call.given("backups", str, "disabled") == "enabled"},
    }


def _features(call: Call) -> list[str]:
    features = ["ddos_protection"] if call.given("ddos_protection", bool, False) else []
    return features + (["auto_backups"] if call.given("backups", str, "disabled") == "enabled" else [])


def _waits(call: Call) -> bool:
    return call.settings.instance_s == 0 and call.pending_s == 0


def _now(call: Call, account: Json, instance: Json) -> Json:
    return view(account["instances"].get(instance["id"], instance), call.now)


def _power(call: Call, effects: list[str], halted: bool) -> Answer:
    instance = call.item("instances", GONE)
    instance["_halted"] = halted
    for name in effects:
        call.effect(name, instance["id"], touches=[instance["id"]])
    return Answer(204)


ROUTES = [
    Route("POST", "/instances", create),
    Route("GET", "/instances", all_of_them),
    Route("GET", "/instances/{id}", read),
    Route("DELETE", "/instances/{id}", delete),
    Route("POST", "/instances/{id}/halt", halt),
    Route("POST", "/instances/{id}/start", start),
    Route("POST", "/instances/{id}/reboot", reboot),
    Route("GET", "/instances/{id}/vpcs", private_networks),
    Route("GET", "/instances/{id}/vpc2", vpc2),
    Route("GET", "/instances/{id}/user-data", read_user_data),
    *CHANGES,
]
