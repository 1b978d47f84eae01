"""Forwarding rules of a balancer: at most 15, and some ports are the balancer's own."""

from __future__ import annotations

import secrets

from lab.vultr.api.balancing import balance
from lab.vultr.api.call import Answer, ApiError, Call, Route
from lab.vultr.api.lists import listing
from lab.vultr.files import Json

GONE = "Invalid load balancer ID"
MOST = 15
OWN_PORTS = range(65300, 65311)
PROTOCOLS = ("http", "https", "tcp")
_FIELDS = {"frontend_protocol": str, "frontend_port": int, "backend_protocol": str, "backend_port": int}


def rules_of(call: Call) -> list[Json]:
    """The body's rules, with new ids whatever ids it gives."""
    return check(call, [_rule(one) for one in call.given("forwarding_rules", list)])


def check(call: Call, rules: list[Json]) -> list[Json]:
    """The rules themselves, or a 400: none, too many, or two for one port."""
    if not rules:
        raise ApiError(400, "Missing required field: forwarding_rules")
    if len(rules) > MOST:
        raise ApiError(400, f"A load balancer can have at most {MOST} forwarding rules")
    ports = [rule["frontend_port"] for rule in rules]
    if len(set(ports)) < len(ports):
        raise ApiError(400, "Duplicate frontend_port in forwarding_rules")
    return rules


def all_rules(call: Call) -> Answer:
    rules = call.item("load_balancers", GONE)["forwarding_rules"]
    numbered = [{**rule, "_number": number} for number, rule in enumerate(rules, 1)]
    return listing(
        call, "forwarding_rules", numbered, lambda rule: {k: v for k, v in rule.items() if k != "_number"}
    )


def create_rule(call: Call) -> Answer:
    balancer = call.item("load_balancers", GONE)
    rule = _rule(call.body)
    balancer["forwarding_rules"] = check(call, [*balancer["forwarding_rules"], rule])
    balance(call, balancer)
    return Answer(201, lambda account: {"forwarding_rule": rule})


def delete_rule(call: Call) -> Answer:
    balancer = call.item("load_balancers", GONE)
    kept = [rule for rule in balancer["forwarding_rules"] if rule["id"] != call.ids["rule"]]
    if len(kept) == len(balancer["forwarding_rules"]):
        raise ApiError(404, "Invalid forwarding rule ID")
    balancer["forwarding_rules"] = kept
    balance(call, balancer)
    return Answer(204)


def _rule(given: object) -> Json:
    rule = given if isinstance(given, dict) else {}
    for name, kind in _FIELDS.items():
        value = rule.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ApiError(400, f"Invalid forwarding_rules: {name}")
        if kind is str and value not in PROTOCOLS:
            raise ApiError(400, f"Invalid forwarding_rules: {name}")
        if isinstance(value, int) and not 1 <= value <= 65535:
            raise ApiError(400, f"Invalid forwarding_rules: {name}")
    if rule["frontend_port"] in OWN_PORTS:
        raise ApiError(400, f"Ports {OWN_PORTS[0]} to {OWN_PORTS[-1]} are reserved for the load balancer")
    return {"id": secrets.token_hex(8), **{name: rule[name] for name in _FIELDS}}


RULES = [
    Route("GET", "/load-balancers/{id}/forwarding-rules", all_rules),
    Route("POST", "/load-balancers/{id}/forwarding-rules", create_rule),
    Route("DELETE", "/load-balancers/{id}/forwarding-rules/{rule}", delete_rule),
]
