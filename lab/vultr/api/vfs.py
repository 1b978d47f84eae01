"""/vfs: file systems that several servers mount. Answers have no wrapper."""

from __future__ import annotations

from lab.vultr.api.call import Answer, ApiError, Call, Route, public
from lab.vultr.api.catalog import region
from lab.vultr.api.instance_view import is_pending
from lab.vultr.api.lists import listing
from lab.vultr.files import Json

GONE = "Subscription ID Not Found."
STILL_ATTACHED = "Can not delete this subscription until it is detatched from all machines"
SMALLEST_GB = 10
PRICE = 0.1
"""Dollars a GB and month, of disk type nvme."""


def create(call: Call) -> Answer:
    item = {
        "region": region(call),
        "label": call.given("label", str),
        "tags": call.texts("tags") or [],
        "disk_type": call.given("disk_type", str, "nvme"),
        "storage_size": _size(call.given("storage_size", dict).get("gb")),
        "storage_used": {"bytes": 0, "gb": 0},
        "_ready_at": call.ready_at(call.settings.share_s),
        "_tags": {},
    }
    share = call.add("vfs", item)
    call.effect("make_share", share["id"], touches=[share["id"]])
    return Answer(202, lambda account: view(share, call.now))


def read(call: Call) -> Answer:
    share = call.item("vfs", GONE)
    return Answer(200, lambda account: view(share, call.now))


def update(call: Call) -> Answer:
    """PUT; a size of 0 leaves it as it is."""
    share = call.item("vfs", GONE)
    share["label"] = call.given("label", str, share["label"])
    size = call.given("storage_size", dict, {}).get("gb", 0)
    if size:
        new = _size(size)
        if new["gb"] < share["storage_size"]["gb"]:
            raise ApiError(400, "Storage can not be made smaller")
        share["storage_size"] = new
    return Answer(200, lambda account: view(share, call.now))


def delete(call: Call) -> Answer:
    share = call.item("vfs", GONE)
    if share["_tags"]:
        raise ApiError(400, STILL_ATTACHED)
    del call.account["vfs"][share["id"]]
    call.effect("drop_share", share["id"], touches=[share["id"]])
    return Answer(204)


def all_of_them(call: Call) -> Answer:
    return listing(call, "vfs", call.account["vfs"].values(), lambda share: view(share, call.now))


def attach(call: Call) -> Answer:
    """PUT of an attachment; again it says the same."""
    share = call.item("vfs", GONE)
    target = call.ids["target"]
    instance = call.account["instances"].get(target)
    if instance is None or instance["region"] != share["region"]:
        raise ApiError(400, "Invalid target ID")
    if call.now < share["_ready_at"]:
        raise ApiError(400, "Subscription is not active")
    if target not in share["_tags"]:
        share["_tags"][target] = 10_000 + call.number()
        wait = not is_pending(instance, call.now)
        tag = str(share["_tags"][target])
        call.effect("attach_share", share["id"], target, tag, touches=[share["id"], target], wait=wait)
    return Answer(201, lambda account: _attachment(share, target))


def read_attachment(call: Call) -> Answer:
    share, target = _attached(call)
    return Answer(200, lambda account: _attachment(share, target))


def attachments(call: Call) -> Answer:
    share = call.item("vfs", GONE)
    return Answer(
        200, lambda account: {"attachments": [_attachment(share, target) for target in share["_tags"]]}
    )


def detach(call: Call) -> Answer:
    share, target = _attached(call)
    _detach(call, share, target)
    return Answer(204)


def leave(call: Call, instance_id: str) -> None:
    """The server goes: what it mounted stays."""
    for share in call.account["vfs"].values():
        if instance_id in share["_tags"]:
            _detach(call, share, instance_id)


def view(share: Json, now: float) -> Json:
    """A file system as answered."""
    monthly = round(share["storage_size"]["gb"] * PRICE, 2)
    status = "pending" if now < share["_ready_at"] else "active"
    return public(share) | {"status": status, "billing": {"charges": 0, "monthly": monthly}}


def _attached(call: Call) -> tuple[Json, str]:
    share, target = call.item("vfs", GONE), call.ids["target"]
    if target not in share["_tags"]:
        raise ApiError(404, "Attachment Not Found.")
    return share, target


def _attachment(share: Json, target: str) -> Json:
    tag = share["_tags"].get(target)
    return {"vfs_id": share["id"], "state": "ATTACHED", "target_id": target, "mount_tag": tag}


def _detach(call: Call, share: Json, target: str) -> None:
    del share["_tags"][target]
    call.effect("detach_share", share["id"], target, touches=[share["id"], target])


def _size(gb: object) -> Json:
    if not isinstance(gb, int) or isinstance(gb, bool) or gb < SMALLEST_GB:
        raise ApiError(400, f"Invalid storage_size: at least {SMALLEST_GB} GB")
    return {"bytes": gb * 1_000_000_000, "gb": gb}


ROUTES = [
    Route("POST", "/vfs", create),
    Route("GET", "/vfs", all_of_them),
    Route("GET", "/vfs/{id}", read),
    Route("PUT", "/vfs/{id}", update),
    Route("DELETE", "/vfs/{id}", delete),
    Route("GET", "/vfs/{id}/attachments", attachments),
    Route("PUT", "/vfs/{id}/attachments/{target}", attach),
    Route("GET", "/vfs/{id}/attachments/{target}", read_attachment),
    Route("DELETE", "/vfs/{id}/attachments/{target}", detach),
]
