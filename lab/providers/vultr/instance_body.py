"""What is sent of an instance, for a creation and for an update."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from lab.providers.protocol import Properties
from lab.providers.vultr.api import ApiError
from lab.providers.vultr.resource import filled, missing_from, set_order, text

_IMAGES = {
    "osId": "os_id",
    "appId": "app_id",
    "imageId": "image_id",
    "isoId": "iso_id",
    "snapshotId": "snapshot_id",
}
_TEXTS = {
    "label": "label",
    "firewallGroupId": "firewall_group_id",
    "hostname": "hostname",
    "ipxeChainUrl": "ipxe_chain_url",
    "scriptId": "script_id",
    "backups": "backups",
    "reservedIpId": "reserved_ipv4",
    "userScheme": "user_scheme",
}


def creation(wanted: Properties) -> dict[str, Any]:
    """The body of a POST.

    Raises:
        ApiError: backups without a schedule or the other way round, no image, or more than one.
    """
    _check_backups(wanted)
    image = _image(wanted)
    given = {name: wanted[key] for key, name in _TEXTS.items()} | {
        "region": wanted["region"],
        "plan": wanted["plan"],
        _IMAGES[image]: wanted[image],
        "enable_ipv6": bool(wanted["enableIpv6"]),
        "disable_public_ipv4": bool(wanted["disablePublicIpv4"]),
        "activation_email": bool(wanted["activationEmail"]),
        "ddos_protection": bool(wanted["ddosProtection"]),
        "attach_vpc": set_order(wanted["vpcIds"] or ()),
        "attach_vpc2": set_order(wanted["vpc2Ids"] or ()),
        "sshkey_id": wanted["sshKeyIds"],
        "user_data": base64.b64encode(text(wanted["userData"]).encode()).decode(),
        "app_variables": wanted["appVariables"],
    }
    return {**filled(given), "tags": set_order(wanted["tags"] or ()) or None}


def update(old: Properties, wanted: Properties, changed: frozenset[str]) -> dict[str, Any]:
    """The body of a PATCH: null for tags and protection leaves them as they are."""
    given: dict[str, Any] = {
        "label": wanted["label"],
        "firewall_group_id": wanted["firewallGroupId"],
        "enable_ipv6": bool(wanted["enableIpv6"]),
        "plan": wanted["plan"] if "plan" in changed else None,
        "backups": wanted["backups"] if "backups" in changed else None,
    }
    for key, name in (("vpcIds", "vpc"), ("vpc2Ids", "vpc2")):
        if key in changed:
            before, after = set_order(old.get(key) or ()), set_order(wanted[key] or ())
            given[f"attach_{name}"] = missing_from(before, after)
            given[f"detach_{name}"] = missing_from(after, before)
    protection = bool(wanted["ddosProtection"]) if "ddosProtection" in changed else None
    tags = set_order(wanted["tags"] or ()) if "tags" in changed else None
    return {**filled(given), "tags": tags, "ddos_protection": protection}


def detachments(old: Properties) -> Iterator[dict[str, Any]]:
    """The bodies of the PATCHes before an instance is deleted."""
    for key, name in (("vpcIds", "detach_vpc"), ("vpc2Ids", "detach_vpc2")):
        if old.get(key):
            yield {"tags": None, name: set_order(old[key]), "ddos_protection": None}


def schedule(wanted: Properties) -> dict[str, Any]:
    """The body of a POST of the schedule for backups."""
    given = wanted["backupsSchedule"]
    times = {"hour": given.get("hour") or 0, "dow": given.get("dow") or 0}
    return {"type": given["type"], **times, **filled({"dom": given.get("dom")})}


def _check_backups(wanted: Properties) -> None:
    if wanted["backups"] == "enabled" and not wanted["backupsSchedule"]:
        raise ApiError("Backups are set to enabled please provide a backups_schedule")
    if wanted["backups"] == "disabled" and wanted["backupsSchedule"]:
        raise ApiError("Backups are set to disabled please remove backups_schedule")


def _image(wanted: Properties) -> str:
    """The one attribute that says what the instance boots."""
    given = [key for key in _IMAGES if wanted[key]]
    others = [_IMAGES[key] for key in given if key != "osId"]
    if len(others) > 1:
        raise ApiError(f"too many options have been selected : [{' '.join(others)}] : please select one")
    if others and "osId" in given:
        raise ApiError(f"Please do not set {others[0]} with os_id")
    if not given:
        raise ApiError("error occurred while getting your intended os type")
    return given[0]
