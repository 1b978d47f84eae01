"""The agent on servers of the simulated cloud, with the bundle as it is rendered: disk, share, logins, metadata service."""

from __future__ import annotations

import json
import re
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cloud import Booted, Cloud

from agent.program.build import zipapp
from codeb import names
from codeb.model import load_manifests, parse_settings
from codeb.plan import Fleet, Machine, Plan, SharedStorage, make_plan
from codeb.render import host_bundle
from codeb.secrets import PlatformSecrets, RootSecret, resolve
from lab.host.processes import wait_until

pytestmark = pytest.mark.lab

MOUNT_ID = "icn-1bbd2b4ab3e84811ffff"
DEVICE = f"/dev/disk/by-id/virtio-{MOUNT_ID[:20]}"
TAG = "vfs-0123"
OWNER = "codeb-prod-ab12cd"
METADATA = "http://169.254.169.254/v1/hostname"
IMAGES = {
    "postgres": "localhost/lab/postgres:16",
    "redis": "localhost/lab/redis:7",
    "minio": "localhost/lab/minio:2026-02-12",
    "caddy": "localhost/lab/caddy:2.11.7",
}


@dataclass(frozen=True)
class Done:
    """How a run of the agent ended."""

    code: int
    answer: dict[str, Any]
    seconds: float


@dataclass(frozen=True)
class DataServer:
    """A server that the program has reached: the agent is on it, and the host key that the program pins."""

    booted: Booted
    host_key: str

    @classmethod
    def of(cls, booted: Booted) -> DataServer:
        booted.wait()
        booted.said("mkdir -p /usr/local/lib/codeb")
        put = ["install", "-m", "755", "/dev/stdin", "/usr/local/lib/codeb/agent.pyz"]
        assert booted.machine.run(put, zipapp()).returncode == 0
        booted.said("ln -sfn /usr/local/lib/codeb/agent.pyz /usr/local/bin/codeb-agent")
        booted.said("ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key </dev/null")
        return cls(booted, booted.said("cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub"))

    @property
    def own_key(self) -> str:
        return Path(f"{self.booted.cloud.login}.pub").read_text().strip()

    def agent(self, verb: str, document: object = None) -> Done:
        began = time.monotonic()
        done = self.booted.machine.run(["codeb-agent", verb], json.dumps(document or {}).encode())
        return Done(done.returncode, json.loads(done.stdout or b"{}"), time.monotonic() - began)

    def plan(self, *, shared: bool = False) -> Plan:
        address = self.booted.addresses.main
        server = {
            "name": "data-1",
            "address": address,
            "privateAddress": address,
            "roles": ["app", "data", "edge"],
        }
        options = {
            "domain": "fleet.test",
            "servers": [{**server, "hostKey": self.host_key}],
            "images": IMAGES,
        }
        settings = parse_settings({**options, "imagePull": "never", "tlsIssuer": "internal"})
        plan = make_plan(settings, load_manifests([], settings), None)
        machine = Machine(
            "data-1", "codeb-data-1", "data1.fleet.test", "data", "vc2-1c-1gb", 2625, ("data",), 1 << 30, 1
        )
        storage = SharedStorage(10, ("data-1",)) if shared else None
        return replace(plan, fleet=Fleet("icn", "10.64.0.0", 20, (machine,), (), shared=storage))

    def bundle(self, *, shared: bool = False) -> dict[str, Any]:
        """The rendered bundle with its markers filled in; PostgreSQL and Caddy stand for all that is on the disk."""
        plan = self.plan(shared=shared)
        secrets = PlatformSecrets(RootSecret("A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0"), [plan.data.host])
        cloud = {names.disk_marker("data-1"): DEVICE, names.share_marker("data-1"): TAG}
        public = {"ssh/own": self.own_key, "platform/fleet": OWNER}

        def filled(value: Any) -> Any:
            if isinstance(value, dict):
                return {key: filled(each) for key, each in value.items()}
            if isinstance(value, list):
                return [filled(each) for each in value]
            if not isinstance(value, str):
                return value
            for marker, text in cloud.items():
                value = value.replace(marker, text)
            for purpose, text in public.items():
                value = value.replace(f"@{{public:{purpose}}}", text)
            return resolve(value, secrets.lookup)

        document = host_bundle(plan, plan.server("data-1"))
        for key, name in (("files", "path"), ("services", "name")):
            document[key] = [each for each in document[key] if not re.search("redis|minio", each[name])]
        document["admins"] = {**document["admins"], "redis": []}
        return dict(filled({**document, "packages": []}))

    def apply(self, *, shared: bool = False) -> Done:
        return self.agent("apply", self.bundle(shared=shared))

    def mounted(self) -> str:
        return self.booted.said("findmnt --noheadings --output SOURCE --mountpoint /srv/codeb || true")

    def active(self, unit: str) -> str:
        return self.booted.said(f"systemctl is-active {unit} || true")


@pytest.fixture(scope="module")
def first(cloud: Cloud) -> DataServer:
    booted = cloud.boot("i-1", "data1.fleet.test")
    cloud.machines.make_disk("d-1", 1)
    cloud.machines.attach_disk("d-1", "i-1", MOUNT_ID)
    return DataServer.of(booted)


def test_the_rendered_bundle_makes_a_data_server_of_it(first: DataServer) -> None:
    done = first.apply()
    assert done.code == 0, done.answer
    assert done.answer["changed"][:2] == [f"formatted:{DEVICE}", "mounted:/srv/codeb"]
    assert first.mounted() == "/dev/vdb"
    assert first.booted.said("cat /srv/codeb/.codeb-disk") == OWNER
    assert first.booted.said("ls /srv/codeb/postgres/PG_VERSION")
    print(f"first apply {done.seconds:.1f} s")
    again = first.apply()
    assert (again.code, again.answer["changed"], again.answer["restarted"]) == (0, [], [])
    print(f"again {again.seconds:.1f} s")
    (disk,) = first.agent("status").answer["host"]["disks"]
    assert (disk["mounted"], disk["device"]) == (True, DEVICE)


def test_sshd_offers_the_pinned_key_only(first: DataServer) -> None:
    booted = first.booted
    assert booted.ssh("hostname", known=first.host_key).stdout.strip() == "data1"
    assert booted.ssh("true").returncode != 0, "the key of the first connection is of no use any more"
    assert booted.said("ls /etc/ssh/ssh_host_*_key") == "/etc/ssh/ssh_host_ed25519_key"


def test_user_data_is_roots_alone(first: DataServer) -> None:
    copies = first.booted.said(
        "grep -rlF 'OPENSSH PRIVATE KEY' /var/lib/cloud /run/cloud-init || true"
    ).split()
    for path in copies:
        assert first.booted.said(f"stat -Lc '%U %a' {path}") in ("root 600", "root 400"), path


def test_nobody_locks_himself_out_by_ssh(first: DataServer) -> None:
    document = first.bundle()
    keys = next(file for file in document["files"] if file["path"].endswith("authorized_keys"))
    keys["content"] = f"{first.host_key} somebody-else\n"
    first.booted.machine.run(
        ["install", "-m", "600", "/dev/stdin", "/root/document"], json.dumps(document).encode()
    )
    before = first.booted.said("cat /root/.ssh/authorized_keys")
    done = first.booted.ssh("codeb-agent apply < /root/document", known=first.host_key)
    assert done.returncode == 1
    assert "lacks the key by which this very session logged in (ssh-ed25519)" in done.stderr
    assert first.booted.said("cat /root/.ssh/authorized_keys") == before


def in_container(server: DataServer, script: str) -> subprocess.CompletedProcess[bytes]:
    """On the network of an app: isolated, behind the firewall."""
    run = ["podman", "run", "--rm", "--network=codeb-app", "--entrypoint=sh", IMAGES["minio"], "-c", script]
    return server.booted.machine.run(run)


def test_no_container_reaches_the_metadata_service(first: DataServer) -> None:
    ask = f"curl -sSf --max-time 8 {METADATA}"
    first.booted.said("podman network create --opt isolate=true --interface-name podman-app codeb-app")
    assert first.booted.said(ask) == "data1.fleet.test", "whoever asks on the server itself is told"
    refused = in_container(first, ask)
    assert (refused.returncode, refused.stdout) == (28, b""), refused
    first.booted.said(
        "nft -a list chain inet codeb forward | grep '169.254' | sed 's/.*handle //' > /run/handle"
    )
    first.booted.said("nft delete rule inet codeb forward handle $(cat /run/handle)")
    asked = in_container(first, ask)
    assert asked.stdout == b"data1.fleet.test", "without the rule the test would see it"
    first.booted.said("systemctl reload nftables")
    assert in_container(first, ask).returncode == 28


def test_a_reboot_brings_the_disk_and_what_stands_on_it_back(first: DataServer) -> None:
    first.booted.said("echo kept > /srv/codeb/kept && sync")
    first.booted.said("cloud-init clean")  # as for a cloned server: everything is new to it
    first.booted.machine.reboot()
    assert json.loads(first.booted.said("cloud-init status --wait --format json"))["errors"] == []
    assert wait_until(lambda: first.active("postgres.service") == "active", 60)
    assert (first.mounted(), first.booted.said("cat /srv/codeb/kept")) == ("/dev/vdb", "kept")
    assert first.booted.ssh("true", known=first.host_key).returncode == 0
    assert first.booted.said("ls /etc/ssh/ssh_host_*_key") == "/etc/ssh/ssh_host_ed25519_key"
    assert first.booted.said("cat /root/.ssh/authorized_keys") == first.own_key


def test_a_reboot_without_the_disk_starts_nothing_on_the_bare_mount_point(
    first: DataServer, cloud: Cloud
) -> None:
    cloud.machines.halt("i-1")
    cloud.machines.detach_disk("d-1")
    began = time.monotonic()
    cloud.machines.start("i-1")
    assert wait_until(lambda: first.booted.ssh("true", known=first.host_key).returncode == 0, 60, pause=0.5)
    print(f"without its disk it lets us in after {time.monotonic() - began:.1f} s")
    for service in ("postgres.service", "caddy.service"):
        first.booted.said(f"systemctl start {service} || true")
        assert first.active(service) in ("inactive", "failed"), service
    assert first.booted.said("find /srv/codeb -mindepth 1") == ""
    said = first.agent("doctor").answer["summary"]
    assert f"data disk {DEVICE} of /srv/codeb is missing" in said


@pytest.fixture(scope="module")
def second(first: DataServer, cloud: Cloud) -> DataServer:
    """In place of the first one, with its disk, which has grown meanwhile."""
    cloud.machines.destroy("i-1")
    booted = cloud.boot("i-2", "data1.fleet.test")
    cloud.machines.grow_disk("d-1", 2)
    cloud.machines.attach_disk("d-1", "i-2", MOUNT_ID)
    return DataServer.of(booted)


def test_the_next_server_takes_the_disk_over(second: DataServer) -> None:
    booted = second.booted
    done = second.apply()
    assert done.code == 0, done.answer
    assert done.answer["changed"][:2] == ["grown:/srv/codeb", "mounted:/srv/codeb"]
    assert booted.said("cat /srv/codeb/kept") == "kept"
    assert second.active("postgres.service") == "active"
    assert int(booted.said("df --output=size -B1 /srv/codeb | tail -1")) > 1.7 * 2**30


def test_a_share_that_is_gone_or_hangs_holds_nobody_up(second: DataServer, cloud: Cloud) -> None:
    server = second
    lacking = server.apply(shared=True)
    assert (lacking.code, lacking.answer["phase"]) == (1, "storage"), lacking
    cloud.machines.make_share("s-1")
    cloud.machines.attach_share("s-1", "i-2", TAG)
    done = server.apply(shared=True)
    assert done.code == 0, done.answer
    server.booted.said(f"touch {names.SHARED_DIR}/there")
    for mood in ("hangs", "fails"):
        cloud.machines.share_mood("s-1", "i-2", mood)
        ill = server.apply(shared=True)
        assert (ill.code, ill.answer["phase"]) == (1, "storage"), ill
        assert ill.seconds < 180, mood
        assert server.agent("status").seconds < 180
        assert f"the share at {names.SHARED_DIR}" in server.agent("doctor").answer["summary"]
        assert server.active("caddy.service") == "active"
        print(f"a share that {mood}: apply says so after {ill.seconds:.1f} s")
    dropped = server.apply()
    assert (dropped.code, dropped.seconds < 180) == (0, True), dropped
    cloud.machines.share_mood("s-1", "i-2", "works")


def test_a_server_that_is_retired_leaves_the_data_on_the_disk(second: DataServer) -> None:
    done = second.agent("retire")
    assert (done.code, done.answer["disks"], done.answer["data"]) == (0, ["/srv/codeb"], ""), done.answer
    assert second.mounted() == ""
    second.booted.said(f"mount {DEVICE} /mnt")
    assert second.booted.said("cat /mnt/kept && ls /mnt/postgres/PG_VERSION && umount /mnt").startswith(
        "kept"
    )
    assert second.booted.ssh("true", known=second.host_key).returncode == 0
