"""What is sent of a load balancer, and what is read of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lab.providers.protocol import Properties
from lab.providers.vultr.answers import decoded, pulumi_name, unwrapped
from lab.providers.vultr.resource import checksum, filled, text

RULE: Final = {
    "backend_port": int,
    "backend_protocol": str,
    "frontend_port": int,
    "frontend_protocol": str,
}
WALL: Final = {"ip_type": str, "port": int, "source": str}
HEALTH: Final = {
    "protocol": str,
    "port": int,
    "path": str,
    "check_interval": int,
    "response_timeout": int,
    "unhealthy_threshold": int,
    "healthy_threshold": int,
}
_SSL: Final = ("private_key", "certificate", "chain")


def creation(wanted: Properties) -> dict[str, Any]:
    """The body of a POST."""
    parts = {
        "instances": wanted["attachedInstances"],
        "health_check": _health(wanted),
        "sticky_session": filled({"cookie_name": wanted["cookieName"]}),
        "forwarding_rules": _members(wanted["forwardingRules"], RULE),
        "ssl": _ssl(wanted),
        "firewall_rules": _members(wanted["firewallRules"], WALL),
        "vpc": wanted["vpc"],
    }
    return _always(wanted) | filled(parts)


def update(wanted: Properties, changed: frozenset[str]) -> dict[str, Any]:
    """The body of a PATCH: what changed whole; an empty list can't be sent, an empty text for the VPC can."""
    parts: dict[str, Any] = {}
    if "healthCheck" in changed:
        parts["health_check"] = _health(wanted)
    if "ssl" in changed:
        parts["ssl"] = _ssl(wanted)
    if "forwardingRules" in changed:
        parts["forwarding_rules"] = _members(wanted["forwardingRules"], RULE)
    if "firewallRules" in changed:
        parts["firewall_rules"] = _members(wanted["firewallRules"], WALL)
    if "attachedInstances" in changed:
        parts["instances"] = wanted["attachedInstances"]
    body = _always(wanted) | filled(parts)
    if "cookieName" in changed:
        body["sticky_session"] = filled({"cookie_name": wanted["cookieName"]})
    if "vpc" in changed:
        body["vpc"] = text(wanted["vpc"])
    return body


def found(balancer: Any) -> dict[str, Any]:
    """The attributes of a balancer as it was answered; its certificate is not.

    Raises:
        PanicError: it has no health check, no general part, or that nothing on sticky sessions.
    """
    place = "load_balancer"
    health = decoded(unwrapped(balancer, "health_check"), HEALTH, f"{place}.health_check")
    general = unwrapped(balancer, "generic_info")
    kinds = {"balancing_algorithm": str, "ssl_redirect": bool, "proxy_protocol": bool, "vpc": str}
    sticky = decoded(unwrapped(general, "sticky_sessions"), {"cookie_name": str}, f"{place}.sticky_sessions")
    texts = dict.fromkeys(("label", "status", "ipv4", "ipv6", "region"), str)
    values = decoded(balancer, texts, place) | decoded(general, kinds, f"{place}.generic_info") | sticky
    return {pulumi_name(name): value for name, value in values.items()} | {
        "healthCheck": _named(health),
        "hasSsl": balancer.get("has_ssl"),
        "attachedInstances": decoded(balancer, {"instances": list}, place)["instances"],
        "forwardingRules": _found(balancer, "forwarding_rules", RULE, "ruleId"),
        "firewallRules": _found(balancer, "firewall_rules", WALL, "id"),
    }


def _always(wanted: Properties) -> dict[str, Any]:
    texts = {
        "region": wanted["region"],
        "label": wanted["label"],
        "balancing_algorithm": wanted["balancingAlgorithm"],
    }
    switches = {
        "ssl_redirect": bool(wanted["sslRedirect"]),
        "proxy_protocol": bool(wanted["proxyProtocol"]),
    }
    return filled(texts) | switches


def _health(wanted: Properties) -> dict[str, Any] | None:
    check = wanted["healthCheck"]
    return check and filled({name: check.get(pulumi_name(name)) for name in HEALTH})


def _ssl(wanted: Properties) -> dict[str, Any] | None:
    ssl = wanted["ssl"]
    return ssl and filled({name: ssl.get(pulumi_name(name)) for name in _SSL})


def _members(items: Any, fields: Mapping[str, type]) -> list[dict[str, Any]]:
    """The objects of a set in the order in which Terraform's SDK lists them."""
    bodies = [filled({name: item.get(pulumi_name(name)) for name in fields}) for item in items or ()]
    return sorted(
        bodies, key=lambda body: checksum("".join(f"{name}:{body.get(name, '')};" for name in sorted(fields)))
    )


def _found(balancer: Properties, name: str, fields: Mapping[str, type], id_: str) -> list[dict[str, Any]]:
    return [
        _named(decoded(item, fields, name)) | {id_: text(item.get("id"))} for item in balancer.get(name) or ()
    ]


def _named(values: Properties) -> dict[str, Any]:
    return {pulumi_name(name): value for name, value in values.items()}
