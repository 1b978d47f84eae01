"""What a fleet asks Vultr for, on a recording monitor, and what no change of it may do."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks, rpc
from pulumi_command import remote

from codeb import plan
from components.fleet import Fleet, FleetArgs
from components.fleet.machine import KEPT
from tests.components.recording import Answers, Recording, Registration, recorded

OWNER = "codeb-test-0a1b2c"
API_KEY = "component-tests-vultr-key"
USER_DATA = "component-tests-user-data-with-a-key"

RULES = (
    plan.FirewallRule("22-v4", "v4", "tcp", "22", "0.0.0.0", 0),
    plan.FirewallRule("443-v6", "v6", "tcp", "443", "::", 0),
)
APP = plan.Machine(
    "app-1", "codeb-app-1", "app1.example.com", "default", "vc2-2c-4gb", 2625, ("app", "edge"), 4 << 30
)
DATA = plan.Machine(
    "data-1", "codeb-data-1", "data1.example.com", "data", "vc2-4c-8gb", 2625, ("data",), 8 << 30, disk_gb=100
)
BALANCER = plan.Balancer(
    ("app-1", "app-2"), "passthrough", True, (plan.ForwardingRule("tcp", 443, "tcp", 443),)
)
FLEET = plan.Fleet(
    region="icn",
    subnet="10.64.0.0",
    subnet_mask=20,
    machines=(APP, replace(APP, server="app-2", label="codeb-app-2", hostname="app2.example.com"), DATA),
    rules=RULES,
    balancer=BALANCER,
    zone="example.com",
    records=(
        plan.Record("shop", "shop", "A", plan.BALANCER, 300),
        plan.Record("app1", "app1", "A", "app-1", 300),
    ),
    shared=plan.SharedStorage(10, ("app-1", "app-2")),
)
SINGLE = replace(
    FLEET,
    machines=(replace(APP, roles=("app", "data", "edge"), disk_gb=50, reserved_ip=True),),
    balancer=None,
    records=(plan.Record("shop", "shop", "A", "app-1", 300),),
    shared=None,
)


class Vultr(Answers):
    """What the plugin answers: ids, addresses, a mount id, a tag for each server."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        identity, outputs = super().new_resource(args)
        kind = args.typ.rpartition(":")[2]
        if kind == "Instance":
            outputs |= {"mainIp": f"203.0.113.{len(args.name)}", "internalIp": f"10.64.0.{len(args.name)}"}
        elif kind == "BlockStorage":
            outputs |= {"mountId": "icn-0123456789abcdef0123"}
        elif kind == "LoadBalancer":
            outputs |= {"ipv4": "198.51.100.7"}
        elif args.typ == "vultr:index/database:Database":
            outputs |= {
                "host": "db.vultrdb.example",
                "port": "16751",
                "user": "vultradmin",
                "dbname": "defaultdb",
            }
            outputs |= {"password": "AVNS_example"}
        elif kind == "VirtualFileSystemStorage":
            servers = outputs["attachedInstances"]
            outputs["attachments"] = [
                {"instanceId": server, "mount": 100 + number, "state": "ATTACHED"}
                for number, server in enumerate(servers)
            ]
        return identity, outputs


def deploy(
    fleet: plan.Fleet,
    check: Callable[[Fleet], None] | None = None,
    arrives: Collection[str] = (),
    **more: Any,
) -> Recording:
    def program() -> None:
        args = FleetArgs(
            fleet,
            OWNER,
            ["ssh-ed25519 AAAA codeb", "ssh-ed25519 BBBB ann"],
            {machine.server: USER_DATA for machine in fleet.machines},
            API_KEY,
            **more,
        )
        made = Fleet("fleet", args)
        there = remote.ConnectionArgs(host="203.0.113.1")
        made.open({name: remote.Command(f"{name}-serving", connection=there) for name in arrives})
        if check:
            check(made)

    return recorded(Vultr(None), program)


def of(recording: Recording, kind: str) -> list[Registration]:
    return [item for item in recording.registrations if item.type.rpartition(":")[2] == kind]


@pytest.fixture(scope="module")
def fleet() -> Recording:
    return deploy(FLEET)


def test_everything_at_vultr_says_whose_it_is(fleet: Recording) -> None:
    for kind, key in (
        ("SSHKey", "name"),
        ("Vpc", "description"),
        ("FirewallGroup", "description"),
        ("FirewallRule", "notes"),
        ("BlockStorage", "label"),
        ("LoadBalancer", "label"),
        ("VirtualFileSystemStorage", "label"),
    ):
        found = of(fleet, kind)
        assert found, kind
        assert all(item.inputs[key].startswith(OWNER) for item in found), kind
    assert all(item.inputs["tags"] == ["codeb", OWNER] for item in of(fleet, "Instance"))


def test_whatever_could_replace_a_server_by_accident_is_said_and_kept(fleet: Recording) -> None:
    for item in of(fleet, "Instance"):
        assert set(item.ignore_changes) == set(KEPT)
        for key in ("region", "osId", "hostname", "userScheme", "userData", "sshKeyIds"):
            assert item.inputs.get(key), (
                f"{key} would be chosen by the plugin, which may choose otherwise later"
            )
    (vpc,) = of(fleet, "Vpc")
    assert (vpc.inputs["v4Subnet"], vpc.inputs["v4SubnetMask"]) == ("10.64.0.0", 20)


def test_a_server_made_anew_on_purpose_takes_all_its_settings() -> None:
    recording = deploy(FLEET, renew=frozenset({"app-2"}))
    kept = {item.name: set(item.ignore_changes) for item in of(recording, "Instance")}
    assert kept["app-2-instance"] == set()
    assert kept["app-1-instance"] == set(KEPT)


def test_secrets_are_marked(fleet: Recording) -> None:
    for item in of(fleet, "Instance"):
        assert rpc.is_rpc_secret(item.inputs["userData"])
        assert {"userData", "kvm"} <= set(item.additional_secret_outputs)
    (provider,) = [item for item in fleet.registrations if item.type == "pulumi:providers:vultr"]
    assert rpc.is_rpc_secret(provider.inputs["apiKey"])


def test_what_holds_data_is_protected_and_nothing_else(fleet: Recording) -> None:
    protected = {item.name for item in fleet.registrations if item.protect}
    assert protected == {"data-1-disk-storage"}, "of the shared files each edge has a copy"
    without_disk = replace(FLEET, machines=(*FLEET.machines[:2], replace(DATA, disk_gb=None)))
    assert "data-1-instance" in {item.name for item in deploy(without_disk).registrations if item.protect}
    assert not [item for item in deploy(replace(FLEET, protect=False)).registrations if item.protect]


def test_a_server_with_disk_or_reserved_address_goes_before_the_new_one_comes() -> None:
    recording = deploy(SINGLE)
    (instance,) = of(recording, "Instance")
    assert instance.delete_before_replace
    assert instance.inputs["reservedIpId"] == "app-1-address-id"
    (disk,) = of(recording, "BlockStorage")
    assert disk.inputs["attachedToInstance"] == "app-1-instance-id"
    assert disk.inputs["label"] == f"{OWNER}-app-1.app-1-in", "it changes with the machine"
    assert not any(item.delete_before_replace for item in of(deploy(FLEET), "Instance") if "app" in item.name)


def test_the_balancer_is_as_asked(fleet: Recording) -> None:
    (balancer,) = of(fleet, "LoadBalancer")
    assert balancer.inputs["attachedInstances"] == ["app-1-instance-id", "app-2-instance-id"]
    assert balancer.inputs["proxyProtocol"] is True
    assert balancer.inputs["healthCheck"] == {
        "protocol": "http",
        "port": 80,
        "path": "/api/health",
        "checkInterval": 15,
        "responseTimeout": 5,
        "unhealthyThreshold": 3,
        "healthyThreshold": 2,
    }


def test_an_edge_that_comes_is_attached_and_named_once_it_serves(fleet: Recording) -> None:
    (balancer,) = of(deploy(FLEET, arrives=["app-2"]), "LoadBalancer")
    assert [urn.rpartition("::")[2] for urn in balancer.dependencies if "serving" in urn] == ["app-2-serving"]
    (at_once,) = of(fleet, "LoadBalancer")
    assert balancer.inputs == at_once.inputs
    assert not [urn for urn in at_once.dependencies if "serving" in urn]
    pointed = {item.inputs["name"]: item for item in of(deploy(SINGLE, arrives=["app-1"]), "DnsRecord")}
    assert any(urn.endswith("::app-1-serving") for urn in pointed["shop"].dependencies)


def test_names_lead_to_the_balancer_or_their_server(fleet: Recording) -> None:
    records = {item.inputs["name"]: item.inputs["data"] for item in of(fleet, "DnsRecord")}
    assert records == {"shop": "198.51.100.7", "app1": "203.0.113.14"}
    (record,) = of(deploy(SINGLE), "DnsRecord")
    assert record.inputs["data"] == "203.0.113.14"


def test_every_marker_of_the_plan_has_an_answer() -> None:
    found: dict[str, Any] = {}

    def check(made: Fleet) -> None:
        pulumi.Output.all(**made.known).apply(found.update)

    deploy(FLEET, check)
    assert found["@{address:app-1}"] == "203.0.113.14"
    assert found["@{private:data-1}"] == "10.64.0.15"
    assert found["@{disk:data-1}"] == "/dev/disk/by-id/virtio-icn-0123456789abcdef"
    assert (found["@{share:app-1}"], found["@{share:app-2}"]) == ("100", "101")
    assert len(found) == 3 * 2 + 1 + 2


def test_machines_wait_for_their_firewall(fleet: Recording) -> None:
    rules = {item.urn for item in of(fleet, "FirewallRule")}
    machines = [item for item in fleet.registrations if item.type == "codeb:fleet:Machine"]
    assert machines
    assert all(rules <= item.dependencies for item in machines)


def test_network_and_address_stay_where_servers_are_and_follow_the_settings_before() -> None:
    for settled, kept in ((True, {"region", "v4Subnet", "v4SubnetMask"}), (False, set())):
        recording = deploy(SINGLE, settled=settled)
        (network,), (address,) = of(recording, "Vpc"), of(recording, "ReservedIp")
        assert set(network.ignore_changes) == kept
        assert set(address.ignore_changes) == kept & {"region"}
        (instance,) = of(recording, "Instance")
        assert set(instance.ignore_changes) == set(KEPT)
