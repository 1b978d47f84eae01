"""/firewalls: groups and their rules. The machines enforce them."""

from __future__ import annotations

import ipaddress
import re

from lab.vultr.api.call import Answer, ApiError, Call, Route, public
from lab.vultr.api.lists import listing
from lab.vultr.files import Json

GONE = "Invalid firewall group ID"
RULE_GONE = "Firewall rule ID not found."
MOST_RULES = 50
_PORT = re.compile(r"\d{1,5}([:-]\d{1,5})?")


def create(call: Call) -> Answer:
    group = call.add("firewall_groups", {"description": call.given("description", str, "")})
    group |= {"date_modified": group["date_created"], "_rules": {}, "_last_rule": 0}
    return Answer(201, lambda account: {"firewall_group": view(account, group)})


def read(call: Call) -> Answer:
    group = call.item("firewall_groups", GONE)
    return Answer(200, lambda account: {"firewall_group": view(account, group)})


def update(call: Call) -> Answer:
    group = call.item("firewall_groups", GONE)
    group["description"] = call.given("description", str)
    group["date_modified"] = call.date()
    return Answer(204)


def delete(call: Call) -> Answer:
    """DELETE; instances of the group are without one from then on."""
    group = call.item("firewall_groups", GONE)
    for instance in call.account["instances"].values():
        if instance["firewall_group_id"] == group["id"]:
            instance["firewall_group_id"] = ""
    del call.account["firewall_groups"][group["id"]]
    return Answer(204)


def all_of_them(call: Call) -> Answer:
    groups = call.account["firewall_groups"].values()
    return listing(call, "firewall_groups", groups, lambda group: view(call.account, group))


def create_rule(call: Call) -> Answer:
    """POST of a rule: a new integer; nothing is merged with a rule that says the same."""
    group = call.item("firewall_groups", GONE)
    if len(group["_rules"]) >= MOST_RULES:
        raise ApiError(400, "Maximum number of firewall rules reached")
    rule = _rule(call)
    group["_last_rule"] += 1
    rule = {"id": group["_last_rule"], **rule, "_number": call.number()}
    group["_rules"][str(rule["id"])] = rule
    group["date_modified"] = call.date()
    return Answer(201, lambda account: {"firewall_rule": public(rule)})


def read_rule(call: Call) -> Answer:
    rule = _found(call)
    return Answer(200, lambda account: {"firewall_rule": public(rule)})


def delete_rule(call: Call) -> Answer:
    rule = _found(call)
    del call.item("firewall_groups", GONE)["_rules"][str(rule["id"])]
    return Answer(204)


def all_rules(call: Call) -> Answer:
    return listing(call, "firewall_rules", call.item("firewall_groups", GONE)["_rules"].values(), public)


def view(account: Json, group: Json) -> Json:
    """A group with the counts that change by themselves."""
    used = [one for one in account["instances"].values() if one["firewall_group_id"] == group["id"]]
    counts = {"instance_count": len(used), "rule_count": len(group["_rules"]), "max_rule_count": MOST_RULES}
    return public(group) | counts


def _found(call: Call) -> Json:
    rule: Json | None = call.item("firewall_groups", GONE)["_rules"].get(call.ids["rule"])
    if rule is None:
        raise ApiError(404, RULE_GONE)
    return rule


def _rule(call: Call) -> Json:
    ip_type = call.given("ip_type", str)
    protocol = str(call.given("protocol", str)).lower()
    port = call.given("port", str, "")
    size = call.given("subnet_size", int)
    subnet = call.given("subnet", str)
    if protocol not in ("tcp", "udp", "icmp", "gre", "esp", "ah"):
        raise ApiError(400, "Invalid protocol")
    if protocol in ("tcp", "udp") and not _PORT.fullmatch(port):
        raise ApiError(400, "Invalid port")
    try:
        version = ipaddress.ip_network(f"{subnet}/{size}", strict=False).version
    except ValueError:
        raise ApiError(400, "Invalid subnet") from None
    if f"v{version}" != ip_type:
        raise ApiError(400, "Invalid ip_type")
    return {
        "type": ip_type,
        "ip_type": ip_type,
        "action": "accept",
        "protocol": protocol,
        "port": port,
        "subnet": subnet,
        "subnet_size": size,
        "source": call.given("source", str, ""),
        "notes": call.given("notes", str, ""),
    }


ROUTES = [
    Route("POST", "/firewalls", create),
    Route("GET", "/firewalls", all_of_them),
    Route("GET", "/firewalls/{id}", read),
    Route("PUT", "/firewalls/{id}", update),
    Route("DELETE", "/firewalls/{id}", delete),
    Route("POST", "/firewalls/{id}/rules", create_rule),
    Route("GET", "/firewalls/{id}/rules", all_rules),
    Route("GET", "/firewalls/{id}/rules/{rule}", read_rule),
    Route("DELETE", "/firewalls/{id}/rules/{rule}", delete_rule),
]
