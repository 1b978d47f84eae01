"""What a server at Vultr has besides, and that others have nothing of it."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from agent.bundle.document import read_bundle
from agent.documents.reader import Reader
from agent.host.paths import DATA, mount_unit
from codeb import names
from codeb.model import load_manifests, parse_settings
from codeb.plan import Fleet, Machine, Plan, SharedStorage, make_plan
from codeb.render import host_bundle, host_files

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0kxXQw8RwP8VXoR3wkzXkX0LhSCTY0zH8m6bYwJ1T"
FILLED = {names.disk_marker("data-1"): "/dev/disk/by-id/virtio-b1", names.share_marker("app-1"): "certs"}


def made() -> Plan:
    """An app server with edge and a data server with a disk; the first shares a file system."""
    servers = [
        {
            "name": name,
            "address": f"203.0.113.{n}",
            "privateAddress": f"10.1.0.{n}",
            "roles": roles,
            "hostKey": KEY,
        }
        for n, (name, roles) in enumerate({"app-1": ["app", "edge"], "data-1": ["data"]}.items(), 1)
    ]
    settings = parse_settings({"domain": "example.com", "servers": servers, "acmeEmail": "infra@example.com"})
    plan = make_plan(settings, load_manifests([], settings), None)
    machines = tuple(
        Machine(
            server.name,
            f"codeb-{server.name}",
            f"{server.name}.example.com",
            "default",
            "vc2-1c-1gb",
            2625,
            server.roles,
            1 << 30,
        )
        for server in plan.servers
    )
    machines = tuple(replace(each, disk_gb=200) if each.server == "data-1" else each for each in machines)
    fleet = Fleet("icn", "10.64.0.0", 20, machines, (), shared=SharedStorage(10, ("app-1",)))
    return replace(plan, fleet=fleet, settings=settings.model_copy(update={"ssh_keys": (f"{KEY} ann",)}))


@pytest.fixture
def plan() -> Plan:
    return made()


def texts(plan: Plan, server: str) -> dict[str, str]:
    return {file.path: file.content for file in host_files(plan, plan.server(server)).files}


def test_a_server_that_existed_before_has_nothing_of_it(plan: Plan) -> None:
    bundle = host_bundle(replace(plan, fleet=None), plan.server("data-1"))
    assert sorted(bundle) == ["admins", "directories", "files", "packages", "services", "version"]
    assert not [
        file["path"] for file in bundle["files"] if "cloud" in file["path"] or "/root" in file["path"]
    ]
    assert not [file for file in bundle["files"] if "keep" in file]


def test_the_agent_takes_the_bundles_once_markers_are_filled_in(plan: Plan) -> None:
    for server in plan.servers:
        document = host_bundle(plan, server)
        for kind, key in (("disks", "device"), ("shares", "tag")):
            for each in document.get(kind, []):
                each[key] = FILLED[each[key]]
        for disk in document.get("disks", []):
            assert disk["owner"] == "@{public:platform/fleet}"
            disk["owner"] = "codeb-prod-ab12cd"
        text = re.sub(r"@\{secret:[^}]+\}", "A" * 40, json.dumps(document))
        bundle = read_bundle(Reader(json.loads(text), ""))
        assert [disk.path for disk in bundle.storage.disks] == ([DATA] if server.has("data") else [])
        assert bundle.absent == ("/etc/ssh/ssh_host_ecdsa_key", "/etc/ssh/ssh_host_ecdsa_key.pub")


def test_nothing_on_the_data_disk_starts_without_it(plan: Plan) -> None:
    found = texts(plan, "data-1")
    services = [
        f"{name}.service"
        for name in (names.POSTGRES, *(redis.name for redis in plan.data.redis), names.MINIO)
    ]
    for service in services:
        dropin = found[f"/etc/systemd/system/{service}.d/10-codeb-disk.conf"]
        assert f"RequiresMountsFor={names.DATA_DIR}\nAssertPathIsMountPoint={names.DATA_DIR}\n" in dropin
    users = [
        path
        for path, text in found.items()
        if path.endswith(".container") and f"Volume={names.DATA_DIR}/" in text
    ]
    assert len(users) == len(services), "a service with data that nothing keeps from the bare mount point"


def test_caddy_waits_for_the_disk_that_holds_its_data(plan: Plan) -> None:
    fleet = plan.fleet
    assert fleet
    disks = replace(fleet, machines=tuple(replace(each, disk_gb=10) for each in fleet.machines))
    dropin = "/etc/systemd/system/caddy.service.d/10-codeb-disk.conf"
    assert dropin in texts(replace(plan, fleet=disks), "app-1")
    assert dropin not in texts(plan, "app-1")


def test_mount_units_hold_up_no_boot_and_name_the_file_system(plan: Plan) -> None:
    (disk,) = host_files(plan, plan.server("data-1")).disks
    (share,) = host_files(plan, plan.server("app-1")).shares
    assert "What=/dev/disk/by-uuid/@UUID@\nWhere=/srv/codeb\nType=ext4\nOptions=noatime,nofail\n" in disk.unit
    assert (
        f"What={names.share_marker('app-1')}\nWhere={names.SHARED_DIR}\nType=virtiofs\nOptions=nofail\n"
        in share.unit
    )
    for unit in (disk.unit, share.unit):
        assert "WantedBy=multi-user.target" in unit
    assert mount_unit(names.SHARED_DIR) == "srv-codeb\\x2dshared.mount"


def test_the_program_is_let_in_first_and_the_list_outlives_the_stack(plan: Plan) -> None:
    files = {file.path: file for file in host_files(plan, plan.server("app-1")).files}
    keys = files["/root/.ssh/authorized_keys"]
    assert keys.content.splitlines() == ["@{public:ssh/own}", f"{KEY} ann"]
    assert (keys.mode, keys.keep) == ("0600", True)
    assert "HostKey /etc/ssh/ssh_host_ed25519_key\n" in files["/etc/ssh/sshd_config.d/05-codeb.conf"].content


def test_only_an_edge_has_to_keep_caddy_from_the_metadata_service(plan: Plan) -> None:
    dropin = "/etc/systemd/system/caddy.service.d/10-codeb-network.conf"
    assert "IPAddressDeny=link-local" in texts(plan, "app-1")[dropin]
    assert dropin not in texts(plan, "data-1")


@pytest.mark.parametrize("server", ["app-1", "data-1"])
def test_no_container_is_let_through_to_the_metadata_service(plan: Plan, server: str) -> None:
    """Before anything that lets containers out, and before connections that were let out once."""
    rules = texts(plan, server)["/etc/nftables.conf"].partition("chain forward")[2]
    lines = [line.strip() for line in rules.splitlines()]
    first = next(n for n, line in enumerate(lines) if line.endswith("accept"))
    assert {
        'iifname "podman*" ip daddr 169.254.0.0/16 drop',
        'iifname "podman*" ip6 daddr { fe80::/10, fd00:ec2::254, fd20:ce::254, fd00:42::42 } drop',
    } <= set(lines[:first])
