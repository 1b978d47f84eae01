"""How an instance looks from outside at a moment: `pending`, `active`, what its power and its installation are at."""

from __future__ import annotations

import hashlib

from lab.vultr.api.call import public
from lab.vultr.api.catalog import PLANS, SYSTEMS
from lab.vultr.files import Json

NOT_YET = "0.0.0.0"


def view(instance: Json, now: float) -> Json:
    """An instance as the API answers it."""
    pending = is_pending(instance, now)
    plan = planned(instance, now)
    cpus, ram, disk, traffic, _ = PLANS[plan]
    main = NOT_YET if pending else instance["_main_ip"]
    private = [one["ip"] for one in instance["_vpcs"].values()]
    return public(instance) | {
        "os": SYSTEMS[instance["os_id"]][0],
        "ram": ram,
        "disk": disk,
        "main_ip": main,
        "vcpu_count": cpus,
        "plan": plan,
        "status": status(instance, now),
        "allowed_bandwidth": traffic,
        "netmask_v4": "" if pending else "255.255.254.0",
        "gateway_v4": "" if pending else main.rpartition(".")[0] + ".1",
        "power_status": "stopped" if pending or instance["_halted"] else "running",
        "server_status": server_status(instance, now),
        "internal_ip": private[0] if private and not pending else "",
    }


def status(instance: Json, now: float) -> str:
    """`suspended` is what no machine could be had for: whoever waits for `active` hears of it at once."""
    if instance["_failed"]:
        return "suspended"
    if is_pending(instance, now):
        return "pending"
    return "active" if planned(instance, now) == instance["plan"] else "resizing"


def server_status(instance: Json, now: float) -> str:
    """`none`, then `locked` and `installingbooting` for as long as the settings say, then `ok`."""
    if is_pending(instance, now):
        return "none"
    if is_locked(instance, now):
        return "locked"
    return "installingbooting" if now < instance["_installed_at"] else "ok"


def is_pending(instance: Json, now: float) -> bool:
    """Until its time has come and its machine runs."""
    return now < instance["_ready_at"] or not instance["_booted"]


def is_locked(instance: Json, now: float) -> bool:
    """A while after it became active Vultr has still something to do with it."""
    return not is_pending(instance, now) and now < instance["_locked_until"]


def planned(instance: Json, now: float) -> str:
    """The plan it runs on: the old one until a change of plan is done."""
    plan: str = instance["plan"] if now >= instance["_resized_at"] else instance["_old_plan"]
    return plan


def vpcs(instance: Json) -> list[Json]:
    """The list of its private networks."""
    return [
        {
            "id": vpc,
            "mac_address": _mac(instance["id"] + vpc),
            "ip_address": one["ip"],
            "_number": one["number"],
        }
        for vpc, one in instance["_vpcs"].items()
    ]


def _mac(whose: str) -> str:
    digest = hashlib.sha256(whose.encode()).hexdigest()
    return "5a:00:" + ":".join(digest[i : i + 2] for i in range(0, 8, 2))
