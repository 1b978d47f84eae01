"""How a resource of the account differs from what the state says the program asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from ipaddress import ip_address
from typing import Any, Final

from codeb.fleet.account import Thing
from codeb.fleet.kinds import ADDRESS, BALANCER, DISK, FIREWALL, KEY, NETWORK, RECORD, SERVER, SHARE, Kind
from codeb.fleet.state import Known
from codeb.fleet.values import mapping, mappings, number, shown, text, texts

_PLAIN: Final[Mapping[Kind, Mapping[str, str]]] = {
    SERVER: {"plan": "plan", "firewallGroupId": "firewall_group_id"},
    BALANCER: {"label": "label"},
    RECORD: {"name": "name", "data": "data", "ttl": "ttl"},
    ADDRESS: {"label": "label", "instanceId": "instance_id"},
    DISK: {"label": "label", "sizeGb": "size_gb"},
    SHARE: {"label": "label"},
    FIREWALL: {"description": "description"},
    NETWORK: {"description": "description"},
    KEY: {"name": "name", "sshKey": "ssh_key"},
}
"""Inputs that are one text or number, and the API's name of the same."""

_GENERIC: Final = {
    "proxyProtocol": "proxy_protocol",
    "balancingAlgorithm": "balancing_algorithm",
    "sslRedirect": "ssl_redirect",
    "vpc": "vpc",
}
_HEALTH: Final = {
    "protocol": "protocol", "port": "port", "path": "path", "checkInterval": "check_interval",
    "responseTimeout": "response_timeout", "unhealthyThreshold": "unhealthy_threshold",
    "healthyThreshold": "healthy_threshold",
}  # fmt: skip


def differences(known: Known, thing: Thing, gone: Collection[str] = ()) -> list[str]:
    """What differs, in words; nothing where the state has no plain value or the API did not say one.

    Servers that are `gone` are told elsewhere: that a balancer lacks them is no difference.
    """
    found = _plain(known.inputs, thing.data, _PLAIN.get(known.kind, {}))
    if known.kind is SERVER:
        found += _lists(known, "tags", _texts(thing.data, "tags"))
        found += _lists(known, "vpcIds", _networks(thing.data))
    if known.kind is BALANCER:
        found += _balancer(known, thing, gone)
    return found


def same_data(one: object, other: object) -> bool:
    """Whether two records' data are the same; IPv6 addresses have several spellings."""
    try:
        return ip_address(str(one)) == ip_address(str(other))
    except ValueError:
        return str(one).rstrip(".") == str(other).rstrip(".")


def _plain(inputs: Mapping[str, Any], data: Mapping[str, Any], names: Mapping[str, str]) -> list[str]:
    found = []
    for wanted, given in names.items():
        want, has = inputs.get(wanted), data.get(given)
        if _is_plain(want) and _is_plain(has) and not _same(want, has):
            found.append(f"{wanted} is {shown(_word(has))} instead of {shown(_word(want))}")
    return found


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float)


def _same(want: object, has: object) -> bool:
    if number(want) is not None and number(has) is not None:
        return number(want) == number(has)
    return want == has or same_data(want, has)


def _word(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) or "empty"


def _lists(known: Known, name: str, has: tuple[str, ...] | None, gone: Collection[str] = ()) -> list[str]:
    """Two lists of texts whose order does not matter."""
    want = known.inputs.get(name)
    if not isinstance(want, list) or has is None or not all(isinstance(each, str) for each in want):
        return []
    given = set(has)
    missing, more = sorted({*want} - given - {*gone}), sorted(given - set(want))
    parts = [f"lacks {shown(each)}" for each in missing] + [f"has {shown(each)} too" for each in more]
    return [f"{name} {', '.join(parts)}"] if parts else []


def _texts(data: Mapping[str, Any], key: str) -> tuple[str, ...] | None:
    """The texts of a list; None when the API did not say it."""
    return texts(data[key]) if isinstance(data.get(key), list) else None


def _networks(data: Mapping[str, Any]) -> tuple[str, ...] | None:
    found = data.get("vpcs")
    return tuple(text(each, "id") for each in mappings(found)) if isinstance(found, list) else None


def _balancer(known: Known, thing: Thing, gone: Collection[str]) -> list[str]:
    generic, health = mapping(thing.data.get("generic_info")), mapping(thing.data.get("health_check"))
    found = _plain(known.inputs, generic, _GENERIC)
    found += [
        f"health check: {each}" for each in _plain(mapping(known.inputs.get("healthCheck")), health, _HEALTH)
    ]
    found += _lists(known, "attachedInstances", _texts(thing.data, "instances"), gone)
    want, has = known.inputs.get("forwardingRules"), thing.data.get("forwarding_rules")
    if isinstance(want, list) and isinstance(has, list):
        wanted, given = (
            {_wanted_rule(each) for each in mappings(want)},
            {_given_rule(each) for each in mappings(has)},
        )
        found += [f"lacks the rule {each}" for each in sorted(wanted - given)]
        found += [f"has the rule {each} too" for each in sorted(given - wanted)]
    return found


def _wanted_rule(rule: Mapping[str, Any]) -> str:
    names = ("frontendProtocol", "frontendPort", "backendProtocol", "backendPort")
    return _rule([_whole(rule.get(name)) for name in names])


def _given_rule(rule: Mapping[str, Any]) -> str:
    names = ("frontend_protocol", "frontend_port", "backend_protocol", "backend_port")
    return _rule([_whole(rule.get(name)) for name in names])


def _rule(parts: list[str]) -> str:
    return shown(f"{parts[0]} {parts[1]} → {parts[2]} {parts[3]}")


def _whole(value: object) -> str:
    """Ports come as 443 or 443.0, protocols in any case."""
    found = number(value)
    return str(value).lower() if found is None else f"{found:.0f}"
