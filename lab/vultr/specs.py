"""Between the store and the machines: what a call needs of the account, and what its result changes there."""

from __future__ import annotations

import base64
from collections.abc import Iterable

from lab.vultr.api import databases
from lab.vultr.api.catalog import PLANS
from lab.vultr.files import Json
from lab.vultr.ports import (
    Addresses,
    AllowRule,
    BalancerSpec,
    CacheUser,
    DatabaseSpec,
    ForwardingRule,
    HealthCheck,
    InstanceSpec,
    Served,
    Tls,
    VpcSpec,
)


def instance(account: Json, instance_id: str) -> list[InstanceSpec] | None:
    """The server to boot; None when it is gone."""
    found = account["instances"].get(instance_id)
    return [instance_spec(account, found)] if found else None


def instance_spec(account: Json, item: Json) -> InstanceSpec:
    """A server as the machines know it."""
    return InstanceSpec(
        id=item["id"],
        hostname=item["hostname"],
        label=item["label"],
        user_data=base64.b64decode(item["_user_data"]).decode(),
        ssh_keys=tuple(item["_ssh_keys"]),
        vpcs=tuple(vpc(account, one) for one in item["_vpcs"]),
        os_id=item["os_id"],
        memory_mb=PLANS[item["plan"]][1],
        reserved_ip=item["_reserved_ip"],
    )


def guards(accounts: Iterable[Json]) -> dict[str, tuple[AllowRule, ...]]:
    """What the firewall groups of all accounts let in, by server; those without a group are not named."""
    return {
        server["id"]: tuple(
            AllowRule(rule["protocol"], rule["port"], f"{rule['subnet']}/{rule['subnet_size']}")
            for rule in account["firewall_groups"][server["firewall_group_id"]]["_rules"].values()
        )
        for account in accounts
        for server in account["instances"].values()
        if server["firewall_group_id"] and server["_booted"]
    }


def vpc(account: Json, vpc_id: str) -> VpcSpec:
    """A network as the machines know it."""
    found = account["vpcs"][vpc_id]
    return VpcSpec(vpc_id, found["v4_subnet"], found["v4_subnet_mask"])


def address(account: Json, instance_id: str, reserved_id: str) -> list[str] | None:
    """The server and the reserved address to give it; None when the address is gone."""
    found = account["reserved_ips"].get(reserved_id)
    return [instance_id, found["subnet"]] if found else None


def balancer(account: Json, balancer_id: str) -> list[BalancerSpec] | None:
    """The balancer as it is to be now; None when it is gone."""
    found = account["load_balancers"].get(balancer_id)
    return [balancer_spec(account, found)] if found else None


def balancer_spec(account: Json, item: Json) -> BalancerSpec:
    """A balancer as the machines know it, with the servers that have an address by now."""
    info, health = item["generic_info"], item["health_check"]
    servers = (account["instances"][one] for one in item["instances"] if one in account["instances"])
    backends = (_backend(one, item["_vpc"]) for one in servers)
    return BalancerSpec(
        id=item["id"],
        rules=tuple(
            ForwardingRule(**{key: value for key, value in rule.items() if key != "id"})
            for rule in item["forwarding_rules"]
        ),
        health=HealthCheck(
            protocol=health["protocol"],
            port=health["port"],
            path=health["path"],
            interval_s=health["check_interval"],
            timeout_s=health["response_timeout"],
            unhealthy=health["unhealthy_threshold"],
            healthy=health["healthy_threshold"],
        ),
        backends=tuple(filter(None, backends)),
        proxy_protocol=info["proxy_protocol"],
        ssl_redirect=info["ssl_redirect"],
        algorithm=info["balancing_algorithm"],
        vpc=vpc(account, item["_vpc"]) if item["_vpc"] else None,
        tls=Tls(**item["_tls"]) if item["_tls"] else None,
    )


def database(account: Json, database_id: str) -> list[DatabaseSpec] | None:
    """The database to serve; None when it is gone."""
    found = account["databases"].get(database_id)
    if found is None:
        return None
    return [database_spec(found)]


def database_spec(item: Json) -> DatabaseSpec:
    """A database of the account."""
    return DatabaseSpec(
        id=item["id"],
        version=item["database_engine_version"],
        user=databases.ADMIN,
        password=item["_password"],
        database=databases.DATABASE,
        engine=item["database_engine"],
        users=tuple(map(_cache_user, item["_users"].values())) if item["database_engine"] == "valkey" else (),
    )


def _cache_user(item: Json) -> CacheUser:
    """In the order of the lists as the API names them: categories, commands, keys, channels."""
    access = item["access_control"]
    where = [*(f"~{key}" for key in access["acl_keys"]), *(f"&{one}" for one in access["acl_channels"])]
    return CacheUser(
        item["username"], item["password"], (*access["acl_categories"], *access["acl_commands"], *where)
    )


def record(account: Json, one: Json, result: object, failed: bool) -> None:
    """Keep what a call has brought about."""
    item = _item(account, one)
    if item is None:
        return
    if one["call"] in ("boot", "balance", "make_database") and failed:
        item["_failed"] = True
    elif one["call"] == "boot" and isinstance(result, Addresses):
        item |= {"_booted": True, "_main_ip": result.main}
        for vpc_id, address in result.private.items():
            if vpc_id in item["_vpcs"]:
                item["_vpcs"][vpc_id]["ip"] = address
    elif one["call"] == "attach_vpc" and one["arguments"][1][0] in item["_vpcs"]:
        item["_vpcs"][one["arguments"][1][0]]["ip"] = result or ""
    elif one["call"] == "reserve_address":
        item["subnet"] = result or ""
    elif one["call"] == "make_database" and isinstance(result, Served):
        item |= {"_host": result.host, "_port": result.port, "_failed": False}
    elif one["call"] == "balance":
        item |= {"_balanced": True, "_failed": False, "ipv4": result}


def _item(account: Json, one: Json) -> Json | None:
    """What a call is about, where its result is kept; None when it is gone or there is none."""
    places = {
        "boot": "instances",
        "attach_vpc": "instances",
        "reserve_address": "reserved_ips",
        "balance": "load_balancers",
        "make_database": "databases",
    }
    if one["call"] not in places:
        return None
    found: Json | None = account[places[one["call"]]].get(one["arguments"][0])
    return found


def _backend(server: Json, vpc_id: str) -> str:
    if vpc_id in server["_vpcs"]:
        return str(server["_vpcs"][vpc_id]["ip"])
    return str(server["_main_ip"]) if server["_booted"] else ""
