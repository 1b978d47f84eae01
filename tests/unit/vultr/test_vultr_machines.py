"""What the machines are told: everything once, in the order of the API's changes where it is about the same thing."""

from __future__ import annotations

import base64
import threading
from pathlib import Path

import pytest

from lab.vultr.nowhere import Nowhere
from lab.vultr.ports import (
    Account,
    Addresses,
    BalancerSpec,
    DiskSpec,
    ForwardingRule,
    InstanceSpec,
    MachineError,
    ShareSpec,
    Tls,
    VpcSpec,
)
from lab.vultr.simulator import InUseError, Simulator
from tests.unit.vultr.conftest import Clock
from tests.vultr_api import KEY, RULE, Api, Notebook

VPC = "10.64.0.0"


def test_a_server_is_booted_with_what_it_was_asked_for(api: Api, machines: Notebook) -> None:
    key, vpc = api.ssh_key()["id"], api.vpc(VPC)["id"]
    data = base64.b64encode(b"#cloud-config\n").decode()
    server = api.instance(
        label="l", hostname="app1.x.test", sshkey_id=[key], attach_vpc=[vpc], user_data=data
    )
    ((spec,),) = machines.of("boot")
    assert spec == InstanceSpec(
        server["id"],
        "app1.x.test",
        "l",
        "#cloud-config\n",
        (KEY,),
        (VpcSpec(vpc, VPC, 20),),
        2625,
        1024,
        None,
    )
    assert "cloud-config" not in repr(spec)
    (private,) = api.get(f"/instances/{server['id']}/vpcs")["vpcs"]
    assert (private["ip_address"], server["internal_ip"]) == ("10.64.0.3", "10.64.0.3")


def test_everything_about_a_server_is_done_in_order(api: Api, machines: Notebook) -> None:
    vpc = api.vpc(VPC)["id"]
    server, block, share = api.instance(attach_vpc=[vpc])["id"], api.block()["id"], api.share()["id"]
    api.does("POST", f"/blocks/{block}/attach", {"instance_id": server})
    mount = api.get(f"/blocks/{block}")["block"]["mount_id"]
    tag = str(api.does("PUT", f"/vfs/{share}/attachments/{server}")["mount_tag"])
    balancer = api.balancer(instances=[server], vpc=vpc)["id"]
    api.does("PATCH", f"/blocks/{block}", {"size_gb": 60})
    machines.told.clear()
    api.does("DELETE", f"/instances/{server}")
    assert machines.names()[-1] == "destroy"
    assert sorted(machines.names()[:-1]) == ["balance", "detach_disk", "detach_share"]
    assert machines.of("destroy") == [(server,)]
    assert machines.of("balance")[0][0].backends == ()
    api.does("DELETE", f"/load-balancers/{balancer}")
    api.does("DELETE", f"/blocks/{block}")
    api.does("DELETE", f"/vfs/{share}")
    assert machines.told[-3:] == [
        ("unbalance", (balancer,)),
        ("drop_disk", (block,)),
        ("drop_share", (share,)),
    ]
    assert (mount[:4], tag.isdecimal()) == ("icn-", True)


def test_disks_and_shares_are_told_by_id_size_and_tag(api: Api, machines: Notebook) -> None:
    server, block, share = api.instance()["id"], api.block(size_gb=40)["id"], api.share()["id"]
    mount = api.get(f"/blocks/{block}")["block"]["mount_id"]
    api.does("POST", f"/blocks/{block}/attach", {"instance_id": server})
    api.does("PATCH", f"/blocks/{block}", {"size_gb": 60})
    tag = api.does("PUT", f"/vfs/{share}/attachments/{server}")["mount_tag"]
    api.does("DELETE", f"/vfs/{share}/attachments/{server}")
    api.does("POST", f"/blocks/{block}/detach")
    assert machines.told[2:] == [
        ("make_disk", (block, 40)),
        ("make_share", (share,)),
        ("attach_disk", (block, server, mount)),
        ("grow_disk", (block, 60)),
        ("attach_share", (share, server, str(tag))),
        ("detach_share", (share, server)),
        ("detach_disk", (block,)),
    ]


def test_deleting_an_attached_disk_detaches_it_first(api: Api, machines: Notebook) -> None:
    server, block = api.instance()["id"], api.block()["id"]
    api.does("POST", f"/blocks/{block}/attach", {"instance_id": server})
    api.does("DELETE", f"/blocks/{block}")
    assert machines.names()[-2:] == ["detach_disk", "drop_disk"]


def test_networks_of_a_running_server_change(api: Api, machines: Notebook) -> None:
    one, two = api.vpc("10.1.0.0")["id"], api.vpc("10.2.0.0")["id"]
    server = api.instance(attach_vpc=[one])["id"]
    api.does("PATCH", f"/instances/{server}", {"attach_vpc": [two], "detach_vpc": [one]})
    assert machines.of("detach_vpc") == [(server, VpcSpec(one, "10.1.0.0", 20))]
    assert machines.of("attach_vpc") == [(server, VpcSpec(two, "10.2.0.0", 20))]
    api.does("DELETE", f"/vpcs/{one}")


def test_reserved_addresses(api: Api, machines: Notebook) -> None:
    server = api.instance()["id"]
    reserved = api.reserved(instance_id=server)
    api.does("POST", f"/reserved-ips/{reserved['id']}/attach", {"instance_id": server})
    api.does("DELETE", f"/reserved-ips/{reserved['id']}")
    assert machines.told[2:] == [
        ("reserve_address", (reserved["id"],)),
        ("attach_address", (server, reserved["subnet"])),
        ("detach_address", (server, reserved["subnet"])),
        ("release_address", (reserved["id"],)),
    ]


def test_a_balancer_gets_private_addresses_in_a_network_and_public_ones_without(
    api: Api, machines: Notebook
) -> None:
    vpc = api.vpc(VPC)["id"]
    server = api.instance(attach_vpc=[vpc])
    tls = {"certificate": "C", "private_key": "K", "chain": "H"}
    made = api.balancer(instances=[server["id"]], vpc=vpc, proxy_protocol=True, ssl=tls,
                        health_check={"path": "/api/health", "unhealthy_threshold": 3})  # fmt: skip
    ((spec,),) = machines.of("balance")
    assert isinstance(spec, BalancerSpec)
    assert (spec.rules, spec.backends, spec.proxy_protocol) == (
        (ForwardingRule(**RULE),),
        ("10.64.0.3",),
        True,
    )
    assert (spec.health.path, spec.health.unhealthy, spec.health.interval_s) == ("/api/health", 3, 15)
    assert (spec.tls, spec.vpc) == (Tls("C", "K", "H"), VpcSpec(vpc, VPC, 20))
    assert "'K'" not in repr(spec)
    assert made["ipv4"].startswith("203.0.113.")
    api.does("PATCH", f"/load-balancers/{made['id']}", {"vpc": ""})
    assert machines.of("balance")[-1][0].backends == (server["main_ip"],)
    api.does("PATCH", f"/load-balancers/{made['id']}", {})
    assert len(machines.of("balance")) == 2


def test_a_balancer_hears_of_its_servers_networks(api: Api, machines: Notebook) -> None:
    vpc = api.vpc(VPC)["id"]
    server = api.instance()["id"]
    api.balancer(instances=[server], vpc=vpc)
    api.does("PATCH", f"/instances/{server}", {"attach_vpc": [vpc]})
    assert machines.of("balance")[-1][0].backends == ("10.64.0.3",)


def test_servers_boot_at_the_same_time_and_what_hangs_on_them_waits(
    vultr: Simulator, api: Api, machines: Notebook
) -> None:
    both, gate = threading.Barrier(3, timeout=90), threading.Event()

    def boot(spec: InstanceSpec) -> Addresses:
        both.wait()
        assert gate.wait(90)
        return Addresses(f"198.51.100.{9 if spec.label == 'a' else 8}")

    machines.boot = boot
    vultr.set(instance_s=0.001)
    one, two, block = api.instance(label="a")["id"], api.instance(label="b")["id"], api.block()["id"]
    both.wait()  # both boot now
    api.does("POST", f"/blocks/{block}/attach", {"instance_id": one})
    api.balancer(instances=[one, two])
    assert machines.of("attach_disk") == machines.of("balance") == []
    gate.set()
    api.does("POST", f"/instances/{one}/start")
    api.does("POST", f"/instances/{two}/start")
    assert len(machines.of("attach_disk")) == 1
    assert set(machines.of("balance")[-1][0].backends) == {"198.51.100.9", "198.51.100.8"}


def test_a_server_deleted_while_it_boots_is_destroyed_after(
    vultr: Simulator, api: Api, machines: Notebook
) -> None:
    gate, order = threading.Event(), []

    def boot(spec: InstanceSpec) -> Addresses:
        assert gate.wait(90)
        order.append("boot")
        return Addresses("198.51.100.9")

    def destroy(instance: str) -> None:
        order.append("destroy")

    machines.boot, machines.destroy = boot, destroy
    vultr.set(instance_s=1)
    server = api.instance()["id"]
    threading.Timer(0.1, gate.set).start()
    api.does("DELETE", f"/instances/{server}")
    assert order == ["boot", "destroy"]
    assert vultr.is_empty()


def test_an_error_of_the_machines_is_kept_and_the_rest_goes_on(
    vultr: Simulator, api: Api, machines: Notebook
) -> None:
    def fail(*_: object) -> None:
        raise MachineError("the disk is on fire")

    machines.make_disk = fail
    block = api.block()["id"]
    del machines.make_disk
    api.does("DELETE", f"/blocks/{block}")
    assert [one["error"] for one in vultr.content()["failures"]] == ["the disk is on fire"]
    assert machines.of("drop_disk") == [(block,)]
    machines.make_disk = lambda *_: 1 / 0
    api.block()
    assert vultr.content()["failures"][-1]["error"].startswith("ZeroDivisionError")


def test_a_simulator_that_starts_again_says_what_should_be_there(
    vultr: Simulator, api: Api, machines: Notebook
) -> None:
    vpc = api.vpc(VPC)["id"]
    up, off = api.instance(attach_vpc=[vpc]), api.instance()
    api.does("POST", f"/instances/{off['id']}/halt")
    block, free, share = api.block()["id"], api.block()["id"], api.share()["id"]
    api.does("POST", f"/blocks/{block}/attach", {"instance_id": up["id"]})
    tag = str(api.does("PUT", f"/vfs/{share}/attachments/{up['id']}")["mount_tag"])
    reserved, balancer = api.reserved(), api.balancer(instances=[up["id"]])
    mounts = {one: api.get(f"/blocks/{one}")["block"]["mount_id"] for one in (block, free)}
    vultr.stop()
    machines.told.clear()
    vultr.start()
    ((account,),) = machines.of("resume")
    assert machines.names() == []
    assert isinstance(account, Account)
    assert [one.id for one in account.running] == [up["id"]]
    assert [one.id for one in account.halted] == [off["id"]]
    assert account.disks == (
        DiskSpec(block, 40, mounts[block], up["id"]),
        DiskSpec(free, 40, mounts[free], None),
    )
    assert account.shares == (ShareSpec(share, {up["id"]: tag}),)
    assert account.addresses[up["id"]] == Addresses(up["main_ip"], {vpc: "10.64.0.3"})
    assert account.reserved == {reserved["id"]: reserved["subnet"]}
    assert account.balanced == {balancer["id"]: balancer["ipv4"]}
    assert account.balancers[0].backends == (up["main_ip"],)
    assert api.get(f"/instances/{up['id']}")["instance"]["main_ip"] == up["main_ip"]


def test_nowhere_gives_no_address_twice_after_a_start_either(tmp_path: Path, clock: Clock) -> None:
    seen: list[str] = []
    for _ in range(3):
        with Simulator(tmp_path / "v", Nowhere(), clock=clock) as vultr:
            api = Api(vultr)
            vpc = api.get("/vpcs")["vpcs"] or [api.vpc(VPC)]
            server = api.instance(attach_vpc=[vpc[0]["id"]])
            seen += [
                server["main_ip"],
                server["internal_ip"],
                api.reserved()["subnet"],
                api.balancer()["ipv4"],
            ]
    assert len(set(seen)) == len(seen) == 12


def test_nowhere_takes_addresses_back_and_says_when_it_has_none() -> None:
    nowhere, tiny = Nowhere(), VpcSpec("v", "10.0.0.0", 29)
    addresses = [nowhere.attach_vpc(str(number), tiny) for number in range(4)]
    assert addresses == ["10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"]
    with pytest.raises(MachineError):
        nowhere.attach_vpc("more", tiny)
    nowhere.detach_vpc("1", tiny)
    assert nowhere.attach_vpc("more", tiny) == "10.0.0.4"
    nowhere.destroy("2")
    assert nowhere.attach_vpc("again", tiny) == "10.0.0.5"


def test_a_folder_is_one_simulator_s(vultr: Simulator) -> None:
    with pytest.raises(InUseError):
        Simulator(vultr.folder).start()
