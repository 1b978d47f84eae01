"""/load-balancers"""

from __future__ import annotations

from lab.vultr.api import vpcs
from lab.vultr.api.balancing import balance
from lab.vultr.api.call import Answer, ApiError, Call, Route, public
from lab.vultr.api.catalog import region
from lab.vultr.api.forwarding import RULES, check, rules_of
from lab.vultr.api.instance_view import is_pending
from lab.vultr.api.lists import listing
from lab.vultr.files import Json

GONE = "Invalid load balancer ID"
NOT_READY = "Load balancer is not ready."
HEALTH = {
    "protocol": "http",
    "port": 80,
    "path": "/",
    "check_interval": 15,
    "response_timeout": 5,
    "unhealthy_threshold": 5,
    "healthy_threshold": 5,
}
ALGORITHMS = ("roundrobin", "leastconn")


def create(call: Call) -> Answer:
    item = {
        "region": region(call),
        "label": "",
        "ipv4": "",
        "ipv6": "",
        "generic_info": {
            "balancing_algorithm": "roundrobin",
            "ssl_redirect": False,
            "sticky_sessions": {"cookie_name": ""},
            "proxy_protocol": False,
            "vpc": "",
            "timeout": 600,
        },
        "health_check": dict(HEALTH),
        "http2": False,
        "nodes": call.given("nodes", int, 1),
        "forwarding_rules": [],
        "firewall_rules": [],
        "instances": [],
        "_vpc": "",
        "_tls": None,
        "_ready_at": call.ready_at(call.settings.balancer_s),
        "_address_at": call.ready_at(call.settings.balancer_s) + call.settings.balancer_address_s,
        "_balanced": False,
        "_failed": False,
    }
    balancer = call.add("load_balancers", item)
    balancer["ipv6"] = f"2001:db8::{balancer['_number'] % 65536:x}"
    _apply(call, balancer)
    check(call, balancer["forwarding_rules"])
    balance(call, balancer, wait=_waits(call, balancer))
    return Answer(202, lambda account: {"load_balancer": _now(call, account, balancer)})


def read(call: Call) -> Answer:
    balancer = call.item("load_balancers", GONE)
    return Answer(200, lambda account: {"load_balancer": view(balancer, call.now)})


def update(call: Call) -> Answer:
    """PATCH: what is absent stays (`instances` above all), `"vpc": ""` takes it out of its network."""
    balancer = call.item("load_balancers", GONE)
    if call.given("region", str, balancer["region"]).lower() != balancer["region"]:
        raise ApiError(400, "Invalid region")
    before = list(balancer["instances"])
    _apply(call, balancer)
    if call.body:
        balance(call, balancer, also=tuple(before), wait=_waits(call, balancer))
    return Answer(204)


def delete(call: Call) -> Answer:
    balancer = call.item("load_balancers", GONE)
    if view(balancer, call.now)["status"] == "pending":
        raise ApiError(400, NOT_READY)
    del call.account["load_balancers"][balancer["id"]]
    call.effect("unbalance", balancer["id"], touches=[balancer["id"]])
    return Answer(204)


def all_of_them(call: Call) -> Answer:
    found = call.account["load_balancers"].values()
    return listing(call, "load_balancers", found, lambda one: view(one, call.now))


def no_tls(call: Call) -> Answer:
    """DELETE /load-balancers/{id}/ssl"""
    balancer = call.item("load_balancers", GONE)
    balancer["_tls"] = None
    balance(call, balancer)
    return Answer(204)


def view(balancer: Json, now: float) -> Json:
    """A balancer as answered; its certificate and key never are."""
    status = "active" if balancer["_balanced"] and now >= balancer["_ready_at"] else "pending"
    return public(balancer) | {
        "status": "suspended" if balancer["_failed"] else status,
        "has_ssl": balancer["_tls"] is not None,
        **({} if now >= balancer["_address_at"] else {"ipv4": "", "ipv6": ""}),
    }


def _apply(call: Call, balancer: Json) -> None:
    """Take over what the body names."""
    info = balancer["generic_info"]
    balancer["label"] = call.given("label", str, balancer["label"])
    balancer["http2"] = call.given("http2", bool, balancer["http2"])
    for name in ("ssl_redirect", "proxy_protocol"):
        info[name] = call.given(name, bool, info[name])
    info["timeout"] = call.given("timeout", int, info["timeout"])
    info["balancing_algorithm"] = call.given("balancing_algorithm", str, info["balancing_algorithm"])
    if info["balancing_algorithm"] not in ALGORITHMS:
        raise ApiError(400, "Invalid balancing_algorithm")
    cookie = call.given("sticky_session", dict, {}).get("cookie_name")
    info["sticky_sessions"] = {"cookie_name": cookie} if cookie is not None else info["sticky_sessions"]
    balancer["health_check"] |= _health(call)
    if call.body.get("forwarding_rules") is not None:
        balancer["forwarding_rules"] = rules_of(call)
    balancer["_tls"] = _tls(call, balancer["_tls"])
    _apply_place(call, balancer)


def _apply_place(call: Call, balancer: Json) -> None:
    vpc = call.given("vpc", str, balancer["_vpc"])
    if vpc:
        vpcs.named(call, vpc, balancer["region"])
    balancer["_vpc"] = balancer["generic_info"]["vpc"] = vpc
    instances = call.texts("instances")
    for instance_id in instances or []:
        instance = call.account["instances"].get(instance_id)
        if instance is None:
            raise ApiError(400, "Invalid instance ID")
        if instance["region"] != balancer["region"]:
            raise ApiError(422, "Can not attach instance from different location")
    balancer["instances"] = balancer["instances"] if instances is None else list(dict.fromkeys(instances))


def _health(call: Call) -> Json:
    given = call.given("health_check", dict, {})
    for name, value in given.items():
        if name not in HEALTH or type(value) is not type(HEALTH[name]):
            raise ApiError(400, f"Invalid health_check: {name}")
    return dict(given)


def _tls(call: Call, before: Json | None) -> Json | None:
    ssl = call.given("ssl", dict, None)
    if ssl is None:
        return before
    if not ssl.get("certificate") or not ssl.get("private_key"):
        raise ApiError(400, "Invalid ssl: certificate and private_key are needed")
    return {name: ssl.get(name, "") for name in ("certificate", "private_key", "chain")}


def _waits(call: Call, balancer: Json) -> bool:
    """Whether an answer waits for the balancer: not for servers that boot for a while."""
    servers = [call.account["instances"][one] for one in balancer["instances"]]
    return call.now >= balancer["_ready_at"] and not any(is_pending(one, call.now) for one in servers)


def _now(call: Call, account: Json, balancer: Json) -> Json:
    return view(account["load_balancers"].get(balancer["id"], balancer), call.now)


ROUTES = [
    Route("POST", "/load-balancers", create),
    Route("GET", "/load-balancers", all_of_them),
    Route("GET", "/load-balancers/{id}", read),
    Route("PATCH", "/load-balancers/{id}", update),
    Route("DELETE", "/load-balancers/{id}", delete),
    Route("DELETE", "/load-balancers/{id}/ssl", no_tls),
    *RULES,
]
