"""What a server at Vultr has besides: its data disk, the shared file system, who may log in and by which host key.

Servers that existed before the stack get nothing of this: how they are reached and where their data lies is their owner's.
"""

from __future__ import annotations

from typing import Final

from codeb import names
from codeb.plan import Machine, Plan, ServerPlan
from codeb.render import archive
from codeb.render.bundle import Directory, Disk, HostBundle, HostFile, Share
from codeb.render.text import public_marker, render
from codeb.render.watched import on_disk

_FIRST_HOST_KEY: Final = "/etc/ssh/ssh_host_ecdsa_key"
"""What user data brought for the first connection; nobody pins it after that."""


def machine_files(plan: Plan, server: ServerPlan) -> HostBundle:
    """Nothing for a server that isn't the fleet's."""
    machine = (
        next((each for each in plan.fleet.machines if each.server == server.name), None)
        if plan.fleet
        else None
    )
    if machine is None:
        return HostBundle()
    return _logins(plan) + _disk(plan, server, machine) + _share(plan, server) + _metadata(server)


def _logins(plan: Plan) -> HostBundle:
    """The program's own key comes first, and the agent takes no list without the key that sends it."""
    people = "".join(f"{key}\n" for key in plan.settings.ssh_keys)
    reload = ("ssh.service",)
    return HostBundle(
        directories=(Directory("/root/.ssh", "0700"),),
        files=(
            HostFile(
                "/root/.ssh/authorized_keys", f"{public_marker('ssh/own')}\n{people}", "0600", keep=True
            ),
            HostFile(
                "/etc/ssh/sshd_config.d/05-codeb.conf",
                render("host/sshd-keys.conf"),
                reloads=reload,
                keep=True,
            ),
            HostFile("/etc/cloud/cloud.cfg.d/99-codeb.cfg", render("host/cloud.cfg"), keep=True),
        ),
        absent=(_FIRST_HOST_KEY, f"{_FIRST_HOST_KEY}.pub"),
    )


def _disk(plan: Plan, server: ServerPlan, machine: Machine) -> HostBundle:
    if machine.disk_gb is None:
        return HostBundle()
    unit = render(
        "host/storage.mount",
        description="Data disk of CodeB",
        what="/dev/disk/by-uuid/@UUID@",
        path=names.DATA_DIR,
        type="ext4",
        options="noatime,nofail",
    )
    dropin = render("host/on-disk.conf", path=names.DATA_DIR)
    return HostBundle(
        packages=("e2fsprogs",),
        files=tuple(
            HostFile(f"{names.UNITS_DIR}/{service}.d/10-codeb-disk.conf", dropin, restarts=(service,))
            for service in _on_disk(plan, server)
        ),
        disks=(
            Disk(
                names.disk_marker(server.name),
                names.DATA_DIR,
                names.DATA_DISK,
                public_marker("platform/fleet"),
                unit,
            ),
        ),
    )


def _on_disk(plan: Plan, server: ServerPlan) -> tuple[str, ...]:
    """Services whose data is below the data folder: never started while the disk isn't mounted there."""
    found = (
        [names.POSTGRES, *archive.on_disk(plan), *(redis.name for redis in plan.data.redis), names.MINIO]
        if server.has("data")
        else []
    )
    found += [names.CADDY] if server.has("edge") else []
    return tuple(f"{name}.service" for name in [*found, *on_disk(plan, server)])


def _share(plan: Plan, server: ServerPlan) -> HostBundle:
    shared = plan.fleet.shared if plan.fleet else None
    if shared is None or server.name not in shared.servers:
        return HostBundle()
    tag = names.share_marker(server.name)
    unit = render(
        "host/storage.mount",
        description="File system shared by servers of CodeB",
        what=tag,
        path=names.SHARED_DIR,
        type="virtiofs",
        options="nofail",
    )
    return HostBundle(shares=(Share(tag, names.SHARED_DIR, unit),))


def _metadata(server: ServerPlan) -> HostBundle:
    """Caddy has the host's network, past the firewall of containers: its unit keeps it from the metadata service."""
    if not server.has("edge"):
        return HostBundle()
    path = f"{names.UNITS_DIR}/{names.CADDY}.service.d/10-codeb-network.conf"
    service = f"{names.CADDY}.service"
    return HostBundle(files=(HostFile(path, render("host/no-metadata.conf"), restarts=(service,)),))
