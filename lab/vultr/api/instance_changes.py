"""PATCH /instances/{id} and what else changes an instance that is there."""

from __future__ import annotations

import base64
import binascii

from lab.vultr.api import balancing, vpcs
from lab.vultr.api.call import Answer, ApiError, Call, Route
from lab.vultr.api.catalog import NO_CAPACITY, PLANS, is_full
from lab.vultr.api.instance_view import view
from lab.vultr.files import Json

GONE = "invalid instance ID"
_SCHEDULE = {"type": "", "next_scheduled_time_utc": "", "hour": 0, "dow": 0, "dom": 0}


def update(call: Call) -> Answer:
    """PATCH: what is absent or null stays, `[]` clears the tags."""
    instance = call.item("instances", GONE)
    tags = call.texts("tags")
    instance["tags"] = instance["tags"] if tags is None else tags
    for name in ("label", "user_scheme"):
        instance[name] = call.given(name, str, instance[name])
    instance["firewall_group_id"] = group(call, instance["firewall_group_id"])
    instance["_user_data"] = user_data(call, instance["_user_data"])
    _switch(call, instance)
    _resize(call, instance)
    for vpc_id in call.texts("detach_vpc") or []:
        _detach(call, instance, vpc_id)
    for vpc_id in call.texts("attach_vpc") or []:
        _attach(call, instance, vpc_id)
    return Answer(
        202, lambda account: {"instance": view(account["instances"].get(instance["id"], instance), call.now)}
    )


def attach_vpc(call: Call) -> Answer:
    """POST /instances/{id}/vpcs/attach"""
    _attach(call, call.item("instances", GONE), call.given("vpc_id", str))
    return Answer(204)


def detach_vpc(call: Call) -> Answer:
    """POST /instances/{id}/vpcs/detach"""
    _detach(call, call.item("instances", GONE), call.given("vpc_id", str))
    return Answer(204)


def backup_schedule(call: Call) -> Answer:
    """GET /instances/{id}/backup-schedule; always says whether it is enabled."""
    backups = call.item("instances", GONE)["_backups"]
    return Answer(200, lambda account: {"backup_schedule": {**_SCHEDULE, **backups}})


def set_backup_schedule(call: Call) -> Answer:
    """POST /instances/{id}/backup-schedule; a 400 without backups."""
    backups = call.item("instances", GONE)["_backups"]
    if not backups["enabled"]:
        raise ApiError(400, "Backups are not enabled on this server")
    backups |= {"type": call.given("type", str)}
    backups |= {name: call.given(name, int, 0) for name in ("hour", "dow", "dom")}
    return Answer(200, lambda account: {"backup_schedule": {**_SCHEDULE, **backups}})


def user_data(call: Call, default: str = "") -> str:
    """The body's user data, which must be base64 of text."""
    data: str = call.given("user_data", str, default)
    try:
        base64.b64decode(data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise ApiError(400, "Invalid user_data") from None
    return data


def group(call: Call, default: str = "") -> str:
    """The body's firewall group, "" for none."""
    group_id: str = call.given("firewall_group_id", str, default)
    if group_id and group_id not in call.account["firewall_groups"]:
        raise ApiError(400, "Invalid firewall group ID")
    return group_id


def ipv6(call: Call, instance: Json) -> None:
    """Give it an IPv6 network when the body says so; nothing takes that away again."""
    if call.given("enable_ipv6", bool, False) and not instance["v6_network"]:
        network = f"2001:db8:{instance['_number'] % 65536:x}::"
        instance |= {"v6_network": network, "v6_main_ip": network + "2", "v6_network_size": 64}
        instance["features"] = sorted([*instance["features"], "ipv6"])


def _switch(call: Call, instance: Json) -> None:
    features = set(instance["features"])
    backups = call.given("backups", str, "")
    if backups:
        instance["_backups"] = {**instance["_backups"], "enabled": backups == "enabled"}
        features = features | {"auto_backups"} if backups == "enabled" else features - {"auto_backups"}
    ddos = call.given("ddos_protection", bool, None)
    if ddos is not None:
        features = features | {"ddos_protection"} if ddos else features - {"ddos_protection"}
    instance["features"] = sorted(features)
    ipv6(call, instance)


def _resize(call: Call, instance: Json) -> None:
    plan = call.given("plan", str, instance["plan"])
    if plan == instance["plan"]:
        return
    if plan not in PLANS:
        raise ApiError(400, "Invalid plan chosen.")
    if is_full(call, instance["region"], plan):
        raise ApiError(400, NO_CAPACITY)
    if PLANS[plan][2] < PLANS[instance["plan"]][2]:
        raise ApiError(400, "Unable to change plan: the new plan has a smaller disk")
    instance["_old_plan"], instance["plan"] = instance["plan"], plan
    instance["_resized_at"] = call.ready_at(call.settings.resize_s)


def _attach(call: Call, instance: Json, vpc_id: str) -> None:
    vpc = vpcs.named(call, vpc_id, instance["region"])
    if vpc_id in instance["_vpcs"]:
        return
    instance["_vpcs"][vpc_id] = {"ip": "", "number": call.number()}
    call.effect("attach_vpc", instance["id"], vpcs.spec(vpc), touches=[instance["id"]])
    balancing.changed(call, instance["id"])


def _detach(call: Call, instance: Json, vpc_id: str) -> None:
    """Nothing to do for a network it is not in: the plugin repeats a PATCH whose reply was lost."""
    if instance["_vpcs"].pop(vpc_id, None) is None:
        return
    vpc = call.account["vpcs"][vpc_id]
    call.effect("detach_vpc", instance["id"], vpcs.spec(vpc), touches=[instance["id"]])
    balancing.changed(call, instance["id"])


CHANGES = [
    Route("PATCH", "/instances/{id}", update),
    Route("POST", "/instances/{id}/vpcs/attach", attach_vpc),
    Route("POST", "/instances/{id}/vpcs/detach", detach_vpc),
    Route("GET", "/instances/{id}/backup-schedule", backup_schedule),
    Route("POST", "/instances/{id}/backup-schedule", set_backup_schedule),
]
