"""What running servers can't follow is refused, in words that say what to do."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest

from codeb.fleet import State, read_state
from codeb.plan import Fleet
from components.running import (
    check_addresses,
    check_data,
    check_fleet,
    check_place,
    check_root,
    check_running,
)
from tests.components.test_fleet import DATA, FLEET

OWNER = "codeb-prod-1a2b3c"
RUNS = {"dataDiskGb": 100.0, "dataDiskType": "storage_opt", "plan": "vc2-4c-8gb", "reservedAddress": False}
HDD = replace(DATA, disk_type="storage_opt")


def plan(*servers: tuple[str, str, str], protect: bool = True) -> Any:
    """Servers by name, address and role."""
    made = [
        SimpleNamespace(name=name, address=address, has=lambda wanted, role=role: role == wanted)
        for name, address, role in servers
    ]
    return SimpleNamespace(servers=made, settings=SimpleNamespace(protect=protect), fleet=None)


def output(**servers: str) -> dict[str, dict[str, Any]]:
    """The output `servers`: each has one role."""
    return {name: {"address": f"at-{name}", "roles": [role]} for name, role in servers.items()}


@pytest.mark.parametrize(
    "now",
    [
        [("app-1", "@", "data"), ("data-1", "@", "app")],
        [("db-1", "@", "data")],
        [("own", "192.0.2.1", "data")],
    ],
    ids=["the role went to another pool", "the pool has another name", "an existing server has it"],
)
def test_the_role_data_goes_to_no_other_server(now: list[tuple[str, str, str]]) -> None:
    before = output(app_1="app", data_1="data")
    with pytest.raises(
        pulumi.RunError, match=f"data_1 holds the data of all projects, and {now[0][0]} would"
    ):
        check_running(plan(*now), OWNER, before, {})
    with pytest.raises(pulumi.RunError, match="data_1 holds the data"):
        check_running(plan(*now, protect=False), OWNER, before, {"protect": True})
    check_running(plan(*now, protect=False), OWNER, before, {"protect": False})


def test_a_data_server_stays_one_under_another_name_at_its_address() -> None:
    before = output(old="data")
    check_data(plan(("old", "192.0.2.9", "data")), before)
    check_data(plan(("new", "at-old", "data")), before)
    check_data(plan(("new", "192.0.2.9", "data")), {})


def test_another_root_secret_is_refused_and_a_renamed_stack_is_not() -> None:
    check_root(OWNER, {})
    check_root("codeb-production-1a2b3c", {"owner": OWNER})
    with pytest.raises(pulumi.RunError, match="codeb:rootSecret is not the one"):
        check_root("codeb-prod-ffffff", {"owner": OWNER})


def test_a_reserved_address_goes_with_no_server() -> None:
    before = {
        "servers": {
            "app-1": {"reservedAddress": True, "address": "192.0.2.1"},
            "web-1": {"reservedAddress": False},
        }
    }
    check_addresses(SimpleNamespace(fleet=FLEET), before)
    for fleet in (None, replace(FLEET, machines=FLEET.machines[1:])):
        with pytest.raises(
            pulumi.RunError, match=r"app-1 has the reserved address 192\.0\.2\.1, which would go"
        ):
            check_addresses(SimpleNamespace(fleet=fleet), before)


def with_data(**changes: Any) -> Fleet:
    return replace(FLEET, machines=(*FLEET.machines[:2], replace(HDD, **changes)))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"disk_type": "high_perf"},
            "dataDiskType of pool data is nvme, but data-1's disk is hdd and stays so",
        ),
        ({"disk_gb": None, "disk_type": None}, "put dataDisk: 100Gi back"),
        ({"disk_gb": 80}, "data-1's has 100 GB: a disk grows and never shrinks"),
        ({"plan": "vc2-2c-4gb"}, "data-1 is vc2-4c-8gb with 160 GB: Vultr makes no server smaller"),
        ({"reserved_ip": True}, "its address would change under it"),
    ],
)
def test_edits_that_a_running_server_can_t_follow(changes: dict[str, Any], words: str) -> None:
    before = {"servers": {"data-1": RUNS}}
    with pytest.raises(pulumi.RunError, match=words):
        check_fleet(with_data(**changes), before, frozenset(), protected=True)
    check_fleet(with_data(**changes), {}, frozenset(), protected=True)
    check_fleet(with_data(), before, frozenset(), protected=True)


def test_a_server_made_anew_may_be_smaller_and_its_disk_may_not_be_another() -> None:
    before, anew = {"servers": {"data-1": RUNS}}, frozenset({"data-1"})
    check_fleet(with_data(plan="vc2-2c-4gb", reserved_ip=True), before, anew, protected=True)
    for changes in ({"disk_type": "high_perf"}, {"disk_gb": 80}, {"disk_gb": None}):
        with pytest.raises(pulumi.RunError, match="codeb:pools"):
            check_fleet(with_data(**changes), before, anew, protected=True)


def test_an_older_output_that_tells_less_stops_nothing() -> None:
    before = {"servers": {"data-1": {"dataDiskGb": 100}}}
    check_fleet(with_data(disk_type="high_perf", plan="vc2-2c-4gb"), before, frozenset(), protected=True)


def state(*resources: tuple[str, dict[str, Any]]) -> State:
    found = [
        {
            "type": f"vultr:index/{type_}",
            "urn": f"urn:pulumi:prod::codeb::{type_}::x",
            "id": "1",
            "inputs": inputs,
        }
        for type_, inputs in resources
    ]
    return read_state({"deployment": {"resources": found}})


NETWORK = ("vpc:Vpc", {"region": "nrt", "v4Subnet": "10.65.0.0", "v4SubnetMask": 20})


@pytest.mark.parametrize("placed", ["instance:Instance", "blockStorage:BlockStorage"])
def test_a_first_update_that_failed_has_its_place_in_the_state(placed: str) -> None:
    with pytest.raises(pulumi.RunError, match="codeb:region is icn, but this stack's servers are in nrt"):
        check_place(FLEET, state((placed, {"region": "NRT"})))
    with pytest.raises(pulumi.RunError, match=r"codeb:vpcSubnet is 10\.64\.0\.0/20"):
        check_place(FLEET, state((placed, {"region": "icn"}), NETWORK))


def test_a_network_alone_keeps_nothing_in_its_place() -> None:
    check_place(FLEET, state(NETWORK))
    check_place(FLEET, state())
