"""A bundle with a data disk and a service on it, small."""

from __future__ import annotations

from typing import Any

from agent.bundle.apply import apply
from agent.documents.reader import Reader
from agent.host.ports import Result
from agent.images.postgres import version
from tests.unit.agent.fakes.disks import Device
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.fakes.podman import App

DEVICE = "/dev/disk/by-id/virtio-b1"
OWNER = "codeb-prod-ab12cd"
DATA = "/srv/codeb"
UNIT = "srv-codeb.mount"
SHARED = "/srv/codeb-certificates"


def disk(**changes: object) -> dict[str, Any]:
    unit = f"[Mount]\nWhat=/dev/disk/by-uuid/@UUID@\nWhere={DATA}\nType=ext4\n"
    made = {"device": DEVICE, "path": DATA, "label": "codeb-data", "owner": OWNER}
    return {**made, "unit": unit, **changes}


def share() -> dict[str, Any]:
    unit = f"[Mount]\nWhat=certs\nWhere={SHARED}\nType=virtiofs\n"
    return {"tag": "certs", "path": SHARED, "unit": unit}


def bundle(*disks: dict[str, Any], **changes: object) -> dict[str, Any]:
    files = [{"path": "/etc/containers/systemd/postgres.container", "content": "[Container]\nImage=p:1\n"}]
    directories = [{"path": f"{DATA}/postgres", "mode": "0700", "owner": "70:70"}]
    services = [{"name": "postgres.service"}]
    made = {
        "version": 1,
        "disks": list(disks),
        "files": files,
        "directories": directories,
        "services": services,
    }
    return {**made, **changes}


def server(device: Device | None = None) -> FakeHost:
    """A server, with a disk attached."""
    host = FakeHost(images={"p:1": App()}, caddy=False)
    host.disks.devices[DEVICE] = device or Device("252:16")
    host.answers[" ".join(version("p:1"))] = Result(0, "postgres (PostgreSQL) 16.14\n")
    return host


def run(host: FakeHost, document: dict[str, Any] | None = None) -> dict[str, Any]:
    return apply(host.ports(), Reader(document or bundle(disk()), ""), "tester")
