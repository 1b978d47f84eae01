"""/vpcs: private networks."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from lab.vultr.api.call import Answer, ApiError, Call, Route, public
from lab.vultr.api.catalog import region
from lab.vultr.api.lists import listing
from lab.vultr.files import Json

GONE = "Invalid VPC ID"
STILL_ATTACHED = "Please remove instances attached to this VPC network"


def create(call: Call) -> Answer:
    """POST; without a subnet ("" and 0) Vultr chooses one."""
    subnet = call.given("v4_subnet", str, "")
    mask = call.given("v4_subnet_mask", int, 0)
    network = _given(subnet, mask) if subnet else _free(call)
    vpc = call.add(
        "vpcs",
        {
            "region": region(call),
            "description": call.given("description", str, ""),
            "v4_subnet": str(network.network_address),
            "v4_subnet_mask": network.prefixlen,
        },
    )
    return Answer(201, lambda account: {"vpc": public(vpc)})


def read(call: Call) -> Answer:
    vpc = call.item("vpcs", GONE)
    return Answer(200, lambda account: {"vpc": public(vpc)})


def update(call: Call) -> Answer:
    vpc = call.item("vpcs", GONE)
    vpc["description"] = call.given("description", str, vpc["description"])
    return Answer(204)


def delete(call: Call) -> Answer:
    """DELETE; refused while an instance or a balancer is in it."""
    vpc = call.item("vpcs", GONE)
    if any(_members(call.account, vpc["id"])):
        raise ApiError(400, STILL_ATTACHED)
    del call.account["vpcs"][vpc["id"]]
    return Answer(204)


def all_of_them(call: Call) -> Answer:
    return listing(call, "vpcs", call.account["vpcs"].values(), public)


def named(call: Call, vpc_id: str, place: str) -> Json:
    """A network that a body names, in a region."""
    vpc: Json | None = call.account["vpcs"].get(vpc_id)
    if vpc is None or vpc["region"] != place:
        raise ApiError(400, GONE)
    return vpc


def spec(vpc: Json) -> list[object]:
    """A network as the machines' calls carry it."""
    return [vpc["id"], vpc["v4_subnet"], vpc["v4_subnet_mask"]]


def _members(account: Json, vpc_id: str) -> Iterator[str]:
    yield from (one["id"] for one in account["instances"].values() if vpc_id in one["_vpcs"])
    yield from (one["id"] for one in account["load_balancers"].values() if one["_vpc"] == vpc_id)


def _given(subnet: str, mask: int) -> ipaddress.IPv4Network:
    try:
        network = ipaddress.IPv4Network(f"{subnet}/{mask}")
    except ValueError:
        raise ApiError(400, "Invalid v4_subnet") from None
    if not network.is_private or not 8 <= mask <= 28:
        raise ApiError(400, "Invalid v4_subnet")
    return network


def _free(call: Call) -> ipaddress.IPv4Network:
    taken = {vpc["v4_subnet"] for vpc in call.account["vpcs"].values()}
    every = ipaddress.IPv4Network("10.99.0.0/16").subnets(new_prefix=24)
    return next(network for network in every if str(network.network_address) not in taken)


ROUTES = [
    Route("POST", "/vpcs", create),
    Route("GET", "/vpcs", all_of_them),
    Route("GET", "/vpcs/{id}", read),
    Route("PUT", "/vpcs/{id}", update),
    Route("DELETE", "/vpcs/{id}", delete),
]
