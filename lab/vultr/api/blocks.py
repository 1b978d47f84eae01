"""/blocks: block storage, which outlives the servers it is attached to."""

from __future__ import annotations

import secrets

from lab.vultr.api.call import Answer, ApiError, Call, Route, public
from lab.vultr.api.catalog import region
from lab.vultr.api.instance_view import is_locked, is_pending
from lab.vultr.api.lists import listing
from lab.vultr.files import Json

GONE = "Invalid block storage ID"
ELSEWHERE = "Block storage is already attached to another server"
LOCKED = "Server is currently locked"
NOTHING = "Nothing to change"
SMALLEST = {"high_perf": 10, "storage_opt": 40}
LARGEST = {"high_perf": 10_000, "storage_opt": 40_000}
PRICES = {"high_perf": 0.1, "storage_opt": 0.025}
"""Dollars a GB and month."""


def create(call: Call) -> Answer:
    kind = call.given("block_type", str, "") or "high_perf"
    if kind not in PRICES:
        raise ApiError(400, "Invalid block_type")
    place = region(call)
    item = {
        "region": place,
        "size_gb": _size(call, kind),
        "label": call.given("label", str, ""),
        "block_type": kind,
        "mount_id": f"{place}-{secrets.token_hex(7)}",
        "attached_to_instance": "",
        "_ready_at": call.ready_at(call.settings.block_s),
    }
    block = call.add("blocks", item)
    call.effect("make_disk", block["id"], block["size_gb"], touches=[block["id"]])
    return Answer(202, lambda account: {"block": view(account, block, call.now)})


def read(call: Call) -> Answer:
    block = call.item("blocks", GONE)
    return Answer(200, lambda account: {"block": view(account, block, call.now)})


def update(call: Call) -> Answer:
    """PATCH of label and size; it grows and never shrinks."""
    block = call.item("blocks", GONE)
    size = _size(call, block["block_type"], block["size_gb"])
    label = call.given("label", str, block["label"])
    if size < block["size_gb"]:
        raise ApiError(400, "Block storage can not be made smaller")
    if call.settings.refuse_empty_block_patch and (size, label) == (block["size_gb"], block["label"]):
        raise ApiError(400, NOTHING)
    if size > block["size_gb"]:
        call.effect("grow_disk", block["id"], size, touches=_touched(block))
    block |= {"size_gb": size, "label": label}
    return Answer(204)


def delete(call: Call) -> Answer:
    """DELETE; an attached one is detached first."""
    block = call.item("blocks", GONE)
    _detach(call, block)
    del call.account["blocks"][block["id"]]
    call.effect("drop_disk", block["id"], touches=[block["id"]])
    return Answer(204)


def all_of_them(call: Call) -> Answer:
    return listing(
        call, "blocks", call.account["blocks"].values(), lambda one: view(call.account, one, call.now)
    )


def attach(call: Call) -> Answer:
    """POST /attach; refused while it is attached, to the same server too."""
    block = call.item("blocks", GONE)
    instance = call.account["instances"].get(call.given("instance_id", str))
    if instance is None:
        raise ApiError(400, "Invalid instance ID")
    if instance["region"] != block["region"]:
        raise ApiError(400, "Block storage and server are in different regions")
    if _pending(block, call.now):
        raise ApiError(400, "Block storage is not ready")
    if block["attached_to_instance"]:
        raise ApiError(400, ELSEWHERE)
    _unlocked(call, instance)
    block["attached_to_instance"] = instance["id"]
    wait = not is_pending(instance, call.now)
    call.effect(
        "attach_disk", block["id"], instance["id"], block["mount_id"], touches=_touched(block), wait=wait
    )
    return Answer(204)


def detach(call: Call) -> Answer:
    """POST /detach"""
    block = call.item("blocks", GONE)
    if not block["attached_to_instance"]:
        raise ApiError(400, "Unable to detach block storage")
    _unlocked(call, call.account["instances"][block["attached_to_instance"]])
    _detach(call, block)
    return Answer(204)


def leave(call: Call, instance_id: str) -> None:
    """The server goes: its disks stay."""
    for block in call.account["blocks"].values():
        if block["attached_to_instance"] == instance_id:
            _detach(call, block)


def view(account: Json, block: Json, now: float) -> Json:
    """A block with what it knows of its server."""
    instance = account["instances"].get(block["attached_to_instance"], {})
    return public(block) | {
        "cost": round(block["size_gb"] * PRICES[block["block_type"]], 2),
        "status": "pending" if _pending(block, now) else "active",
        "attached_to_instance_ip": instance.get("_main_ip", ""),
        "attached_to_instance_label": instance.get("label", ""),
    }


def _unlocked(call: Call, instance: Json) -> None:
    if is_locked(instance, call.now):
        raise ApiError(400, LOCKED)


def _detach(call: Call, block: Json) -> None:
    if block["attached_to_instance"]:
        call.effect("detach_disk", block["id"], touches=_touched(block))
        block["attached_to_instance"] = ""


def _touched(block: Json) -> list[str]:
    return [block["id"], *filter(None, [block["attached_to_instance"]])]


def _pending(block: Json, now: float) -> bool:
    return bool(now < block["_ready_at"])


def _size(call: Call, kind: str, default: int | None = None) -> int:
    size: int = call.given("size_gb", int) if default is None else call.given("size_gb", int, default)
    if not SMALLEST[kind] <= size <= LARGEST[kind]:
        raise ApiError(400, f"size_gb must be between {SMALLEST[kind]} and {LARGEST[kind]}")
    return size


ROUTES = [
    Route("POST", "/blocks", create),
    Route("GET", "/blocks", all_of_them),
    Route("GET", "/blocks/{id}", read),
    Route("PATCH", "/blocks/{id}", update),
    Route("DELETE", "/blocks/{id}", delete),
    Route("POST", "/blocks/{id}/attach", attach),
    Route("POST", "/blocks/{id}/detach", detach),
]
