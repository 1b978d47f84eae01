"""A server comes up as its user data says, known by its pinned key from the first connection on."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from cloud import Booted, Cloud, HostKey

from lab.vultr.ports import Account, VpcSpec

VPC = VpcSpec("vpc-1", "10.64.0.0", 20)


@pytest.fixture(scope="module")
def server(cloud: Cloud) -> Booted:
    started = time.monotonic()
    files = [{"path": "/etc/written", "content": "by cloud-init\n"}]
    booted = cloud.boot("i-1", "app1.fleet.test", VPC, write_files=files, runcmd=["touch /root/ran"])
    print(f"boot returned after {time.monotonic() - started:.1f} s")
    booted.wait()
    print(f"let us in after {time.monotonic() - started:.1f} s")
    return booted


def test_the_first_connection_is_pinned_already(server: Booted) -> None:
    assert server.ssh("hostname").stdout.strip() == "app1"
    refused = server.ssh("true", known=HostKey.new().public)
    assert "HOST IDENTIFICATION HAS CHANGED" in refused.stderr
    assert server.said("ls /etc/ssh/ssh_host_*_key") == "/etc/ssh/ssh_host_ecdsa_key"


def test_nobody_is_let_in_but_by_user_data(server: Booted, cloud: Cloud) -> None:
    assert server.said("cut -d' ' -f1,2 /root/.ssh/authorized_keys") == " ".join(
        (cloud.folder / "login.pub").read_text().split()[:2]
    )
    assert server.said("ls /home") == ""


def test_cloud_init_did_all_of_its_work(server: Booted) -> None:
    assert server.said("cloud-init status --wait | tail -1") == "status: done"
    assert server.said("cat /etc/written") == "by cloud-init"
    server.said("test -e /root/ran")
    assert server.said("systemctl is-system-running --wait") == "running"


def test_servers_meet_in_their_private_network_only(server: Booted, cloud: Cloud) -> None:
    other = cloud.boot("i-2", "app2.fleet.test", VPC)
    alone = cloud.boot("i-3", "app3.fleet.test", VpcSpec("vpc-2", "10.64.0.0", 20))
    for booted in (other, alone):
        booted.wait()
    private = other.addresses.private[VPC.id]
    assert private.startswith("10.64.")
    assert private != server.addresses.private[VPC.id]
    server.said(f"ping -c1 -W2 {private}")
    alone.fails(f"ping -c1 -W1 {private}")

    cloud.machines.detach_vpc("i-2", VPC)
    server.fails(f"ping -c1 -W1 {private}")
    again = cloud.machines.attach_vpc("i-2", VPC)
    server.said(f"ping -c1 -W2 {again}")


def test_a_reboot_keeps_addresses_key_and_network(server: Booted, cloud: Cloud) -> None:
    private = cloud.machines.ground.book.read().servers["i-2"].private[VPC.id]
    server.machine.reboot()
    server.wait()
    server.said(f"ping -c1 -W2 {private}")
    server.said("rm /root/ran")
    server.machine.reboot()
    server.wait()
    server.fails("test -e /root/ran")


def test_a_server_that_is_switched_off_comes_back_with_its_files(server: Booted, cloud: Cloud) -> None:
    server.said("echo kept > /root/kept && sync")
    cloud.machines.halt("i-1")
    assert server.machine.state() == "off"
    assert not Path(f"/sys/class/net/vb-{server.machine.name}").exists(), (
        "unended connections keep the interface"
    )
    cloud.machines.start("i-1")
    server.wait()
    assert server.said("cat /root/kept") == "kept"


def test_the_metadata_service_tells_user_data_to_whoever_asks_on_the_server(server: Booted) -> None:
    base = "http://169.254.169.254"
    assert server.said(f"curl -sf {base}/latest/user-data").startswith("#cloud-config")
    assert "BEGIN OPENSSH PRIVATE KEY" in server.said(f"curl -sf {base}/latest/user-data")
    assert server.said(f"curl -sf {base}/v1/hostname") == "app1.fleet.test"
    assert "user-data" in server.said(f"curl -sf {base}/v1/").split()
    server.fails(f"curl -sf {base}/v1/nothing")


def test_a_reserved_address_moves_between_servers(server: Booted, cloud: Cloud) -> None:
    address = cloud.machines.reserve_address("r-1")
    assert address == cloud.machines.reserve_address("r-1")
    other = cloud.boot("i-2", "app2.fleet.test", VPC)  # it runs: its user data stays what it was
    cloud.machines.attach_address("i-1", address)
    other.said(f"ping -c1 -W2 {address}")
    assert address in server.said("ip -br address show host0")
    cloud.machines.detach_address("i-1", address)
    other.fails(f"ping -c1 -W1 {address}")
    cloud.machines.attach_address("i-2", address)
    server.said(f"ping -c1 -W3 {address}")
    cloud.machines.release_address("r-1")


def test_a_destroyed_server_leaves_nothing_and_its_address_is_free(server: Booted, cloud: Cloud) -> None:
    folder = server.machine.folder
    cloud.machines.destroy("i-1")
    assert not folder.exists()
    assert str(folder) not in Path("/proc/mounts").read_text()
    assert cloud.boot("i-4", "app4.fleet.test").addresses.main == server.addresses.main


def test_what_no_account_knows_is_gone_when_the_simulator_starts(cloud: Cloud) -> None:
    cloud.machines.make_disk("d-left", 1)
    cloud.machines.resume(Account())
    assert cloud.machines.ground.book.read().servers == {}
    assert cloud.machines.ground.disks.all() == []
    assert cloud.machines.ground.networks.mine() == []
