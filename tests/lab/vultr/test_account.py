"""From the API to the machines and back: what a client makes runs, survives the simulator, and goes away with it."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cloud import Booted, Cloud, HostKey

from lab.host.processes import wait_until
from lab.vultr.ports import Addresses, InstanceSpec
from lab.vultr.simulator import Simulator

REGION, PLAN, OS = "icn", "vc2-1c-2gb", 2625


@dataclass(frozen=True)
class Client:
    """As much of a client as is needed."""

    vultr: Simulator

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer's document."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.vultr.url}{path}", data, method=method)  # noqa: S310 always https
        request.add_header("Authorization", f"Bearer {self.vultr.key()}")
        context = ssl.create_default_context(cafile=str(self.vultr.ca))
        with urllib.request.urlopen(request, timeout=60, context=context) as answer:  # noqa: S310
            found: dict[str, Any] = json.loads(answer.read() or b"{}")
        return found


@pytest.fixture(scope="module")
def vultr(cloud: Cloud) -> Iterator[Simulator]:
    simulator = Simulator(cloud.folder / "vultr", cloud.machines).start()
    yield simulator
    simulator.stop()


@pytest.fixture(scope="module")
def server(vultr: Simulator, cloud: Cloud) -> Booted:
    """An instance in a network with a disk, as the program makes it."""
    client = Client(vultr)
    vpc = client.call(
        "POST",
        "/vpcs",
        {"region": REGION, "v4_subnet": "10.64.0.0", "v4_subnet_mask": 20, "description": "x"},
    )["vpc"]
    key = HostKey.new()
    user_data = cloud.user_data(key)
    wanted = {
        "region": REGION,
        "plan": PLAN,
        "os_id": OS,
        "label": "codeb-data-1",
        "hostname": "data1.fleet.test",
        "user_data": base64.b64encode(user_data.encode()).decode(),
        "attach_vpc": [vpc["id"]],
    }
    made = client.call("POST", "/instances", wanted)["instance"]
    found = client.call("GET", f"/instances/{made['id']}")["instance"]
    assert (found["status"], found["power_status"]) == ("active", "running")
    private = client.call("GET", f"/instances/{made['id']}/vpcs")["vpcs"][0]["ip_address"]
    spec = InstanceSpec(made["id"], "data1.fleet.test", "codeb-data-1", user_data)
    booted = Booted(spec, Addresses(found["main_ip"], {vpc["id"]: private}), key, cloud)
    booted.wait()
    return booted


def test_an_instance_is_a_server_with_the_addresses_that_the_api_says(server: Booted) -> None:
    assert server.ssh("hostname").stdout.strip() == "data1"
    shown = server.said("ip -br address")
    assert f" {server.addresses.main}/" in shown
    assert f" {next(iter(server.addresses.private.values()))}/20" in shown


def test_a_block_is_found_by_its_mount_id(server: Booted, vultr: Simulator) -> None:
    client = Client(vultr)
    wanted = {"region": REGION, "size_gb": 10, "label": "data", "block_type": "high_perf"}
    block = client.call("POST", "/blocks", wanted)["block"]
    client.call("POST", f"/blocks/{block['id']}/attach", {"instance_id": server.spec.id, "live": True})
    device = f"/dev/disk/by-id/virtio-{block['mount_id']}"
    server.said(
        f"mkfs.ext4 -q {device} && mkdir /data && mount {device} /data && echo kept > /data/file && sync"
    )


def test_a_firewall_group_lets_in_what_its_rules_say(server: Booted, vultr: Simulator, cloud: Cloud) -> None:
    client = Client(vultr)
    neighbour = cloud.boot("i-neighbour", "other.fleet.test")
    server.said(
        "systemd-run --quiet python3 -m http.server 80; systemd-run --quiet python3 -m http.server 8080"
    )
    neighbour.wait()
    reach = f"curl -s -o /dev/null --connect-timeout 1 http://{server.addresses.main}"
    neighbour.said(f"{reach}:80 && {reach}:8080")
    group = client.call("POST", "/firewalls", {"description": "x"})["firewall_group"]["id"]
    gateway = cloud.machines.ground.lab.network.gateway
    for port, subnet, size in (("80", "0.0.0.0", 0), ("22", gateway, 32)):
        rule = {"ip_type": "v4", "protocol": "tcp", "port": port, "subnet": subnet, "subnet_size": size}
        made = client.call("POST", f"/firewalls/{group}/rules", rule)["firewall_rule"]["id"]
    client.call("PATCH", f"/instances/{server.spec.id}", {"firewall_group_id": group})
    neighbour.said(f"{reach}:80")
    neighbour.fails(f"{reach}:8080")
    neighbour.fails(f"timeout 1 bash -c '< /dev/tcp/{server.addresses.main}/22'")
    assert server.ssh("true").returncode == 0, "the machine that may log in can't"
    neighbour.said(f"ping -c1 -W1 {gateway}")
    server.said(f"timeout 1 bash -c '< /dev/tcp/{neighbour.addresses.main}/22'")
    client.call("DELETE", f"/firewalls/{group}/rules/{made}")
    assert server.ssh("true").returncode == 255
    client.call("PATCH", f"/instances/{server.spec.id}", {"firewall_group_id": ""})
    assert server.ssh("true").returncode == 0
    client.call("DELETE", f"/firewalls/{group}")
    cloud.machines.destroy("i-neighbour")


def test_a_simulator_that_starts_again_finds_all_as_it_was(
    server: Booted, vultr: Simulator, cloud: Cloud
) -> None:
    vultr.stop()
    assert server.said("cat /data/file") == "kept", "the servers went down with their simulator"
    cloud.machines.down()
    vultr.start()
    server.wait()
    assert server.ssh("hostname").stdout.strip() == "data1"
    assert server.said("mount /dev/vdb /data && cat /data/file") == "kept"


def test_what_was_deleted_leaves_no_machine_behind(server: Booted, vultr: Simulator, cloud: Cloud) -> None:
    client = Client(vultr)
    client.call("DELETE", f"/instances/{server.spec.id}")
    for block in client.call("GET", "/blocks")["blocks"]:
        client.call("DELETE", f"/blocks/{block['id']}")
    for vpc in client.call("GET", "/vpcs")["vpcs"]:
        client.call("DELETE", f"/vpcs/{vpc['id']}")
    ground = cloud.machines.ground
    assert wait_until(vultr.is_empty, 10)
    assert ground.book.read().servers == {}
    assert ground.disks.all() == []
    assert ground.networks.mine() == []
    assert list(ground.folders.hosts.iterdir()) == []
    assert str(ground.folders.lab) not in Path("/proc/mounts").read_text()
