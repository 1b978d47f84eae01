"""Disks and shared file systems are plugged in and pulled out while servers run, and outlive them."""

from __future__ import annotations

import pytest
from cloud import Booted, Cloud

from lab.vultr.machines.book import FAILS, HANGS, WORKS
from lab.vultr.ports import MachineError

MOUNT_ID = "icn-1bbd2b4ab3e84811ffff"
LINK = f"/dev/disk/by-id/virtio-{MOUNT_ID[:20]}"
TAG = "vfs-0123"


@pytest.fixture(scope="module")
def servers(cloud: Cloud) -> tuple[Booted, Booted]:
    booted = cloud.boot("i-1", "data1.fleet.test"), cloud.boot("i-2", "data2.fleet.test")
    for server in booted:
        server.wait()
    return booted


@pytest.fixture(scope="module")
def disk(cloud: Cloud, servers: tuple[Booted, Booted]) -> str:
    """On the first server, formatted, mounted at /data."""
    cloud.machines.make_disk("d-1", 1)
    cloud.machines.attach_disk("d-1", "i-1", MOUNT_ID)
    servers[0].said(
        f"mkfs.ext4 -q {LINK} && mkdir -p /data && mount {LINK} /data && echo kept > /data/file && sync"
    )
    return "d-1"


UNIT = """[Unit]
Before=local-fs.target
[Mount]
What=/dev/disk/by-uuid/%s
Where=/data
Type=ext4
[Install]
WantedBy=local-fs.target
"""


def test_a_disk_has_its_name_size_and_serial_number(servers: tuple[Booted, Booted], disk: str) -> None:
    assert servers[0].said(f"readlink -f {LINK}") == "/dev/vdb"
    assert servers[0].said("blockdev --getsize64 /dev/vdb") == str(2**30)
    asked = "lsblk --nodeps --noheadings --raw --bytes --output=MAJ:MIN,SIZE"
    number = servers[0].said("findmnt --noheadings --raw --output=MAJ:MIN --mountpoint /data")
    assert servers[0].said(f"{asked} /dev/vdb") == f"{number} {2**30}"
    servers[1].fails("test -e /dev/vdb")


def test_a_disk_grows_while_it_is_mounted(servers: tuple[Booted, Booted], disk: str, cloud: Cloud) -> None:
    cloud.machines.grow_disk(disk, 2)
    assert servers[0].said("blockdev --getsize64 /dev/vdb") == str(2 * 2**30)
    # This machine may lack CAP_SYS_RESOURCE, which ext4 asks for when it is mounted.
    servers[0].said(f"umount /data && e2fsck -fp /dev/vdb && resize2fs /dev/vdb && mount {LINK} /data")
    assert int(servers[0].said("df --output=size -B1 /data | tail -1")) > 1.8 * 2**30
    with pytest.raises(MachineError, match="can't shrink"):
        cloud.machines.grow_disk(disk, 1)


def test_a_disk_is_there_after_a_reboot_before_anything_mounts(
    servers: tuple[Booted, Booted], disk: str
) -> None:
    unit = UNIT % servers[0].said("blkid -s UUID -o value /dev/vdb")
    servers[0].said(f"echo '{unit}' > /etc/systemd/system/data.mount && systemctl enable --quiet data.mount")
    servers[0].machine.reboot()
    assert servers[0].said("cat /data/file") == "kept"


def test_a_disk_that_is_in_use_goes_nowhere_else(
    servers: tuple[Booted, Booted], disk: str, cloud: Cloud
) -> None:
    with pytest.raises(MachineError, match="is on instance i-1"):
        cloud.machines.attach_disk(disk, "i-2", MOUNT_ID)


def test_a_disk_pulled_while_mounted_ends_in_errors_and_is_whole_elsewhere(
    servers: tuple[Booted, Booted], disk: str, cloud: Cloud
) -> None:
    servers[0].said(
        "(while sleep 0.05; do echo more >> /data/log || exit; sync /data/log; done) >/dev/null 2>&1 &"
    )
    cloud.machines.detach_disk(disk)
    servers[0].fails("cat /data/file && echo x > /data/other")
    servers[0].fails("test -e /dev/vdb")
    cloud.machines.attach_disk(disk, "i-2", MOUNT_ID)
    servers[1].said(f"mkdir -p /data && mount {LINK} /data")
    assert servers[1].said("cat /data/file") == "kept"
    servers[1].said("umount /data && e2fsck -fn /dev/vdb")


def test_a_disk_outlives_its_server(servers: tuple[Booted, Booted], disk: str, cloud: Cloud) -> None:
    servers[1].said(f"mount {LINK} /data && echo second > /data/second && sync")
    cloud.machines.detach_disk(disk)
    cloud.machines.destroy("i-2")
    replaced = cloud.boot("i-5", "data2.fleet.test")
    cloud.machines.attach_disk(disk, "i-5", MOUNT_ID)
    replaced.wait()
    assert replaced.said(f"mkdir /data && mount {LINK} /data && cat /data/second") == "second"


def test_a_share_is_one_folder_on_several_servers(servers: tuple[Booted, Booted], cloud: Cloud) -> None:
    first, second = servers[0], cloud.boot("i-6", "data3.fleet.test")
    second.wait()
    cloud.machines.make_share("s-1")
    first.fails(f"mkdir -p /srv/shared; mount -t virtiofs {TAG} /srv/shared")
    for instance in ("i-1", "i-6"):
        cloud.machines.attach_share("s-1", instance, TAG)
    for server in (first, second):
        server.said(f"mkdir -p /srv/shared && mount -t virtiofs {TAG} /srv/shared")
    first.said("echo mine > /srv/shared/file && chown 33:33 /srv/shared/file && chmod 640 /srv/shared/file")
    assert second.said("cat /srv/shared/file && stat -c '%u:%g %a' /srv/shared/file") == "mine\n33:33 640"
    second.said("cd /srv/shared && mv file other && mkdir lock")
    first.fails("mkdir /srv/shared/lock")


def test_a_share_is_mounted_at_boot(servers: tuple[Booted, Booted], cloud: Cloud) -> None:
    servers[0].said(f"echo '{TAG} /srv/shared virtiofs defaults,nofail 0 0' >> /etc/fstab")
    servers[0].machine.reboot()
    assert servers[0].said("cat /srv/shared/other") == "mine"


def test_a_share_hangs_and_goes_on(servers: tuple[Booted, Booted], cloud: Cloud) -> None:
    cloud.machines.share_mood("s-1", "i-1", HANGS)
    servers[0].fails("timeout 2 touch /srv/shared/late")
    cloud.machines.share_mood("s-1", "i-1", WORKS)
    servers[0].said("timeout 2 touch /srv/shared/late")


def test_a_share_that_fails_gives_errors_until_it_is_mounted_again(
    servers: tuple[Booted, Booted], cloud: Cloud
) -> None:
    cloud.machines.share_mood("s-1", "i-1", FAILS)
    assert "not connected" in servers[0].fails("cat /srv/shared/other")
    servers[0].fails(f"umount /srv/shared; mount -t virtiofs {TAG} /srv/shared")
    cloud.machines.share_mood("s-1", "i-1", WORKS)
    servers[0].said(f"mount -t virtiofs {TAG} /srv/shared")
    assert servers[0].said("cat /srv/shared/other") == "mine"


def test_a_share_is_taken_away_and_outlives_its_servers(servers: tuple[Booted, Booted], cloud: Cloud) -> None:
    cloud.machines.detach_share("s-1", "i-1")
    assert "not connected" in servers[0].fails("cat /srv/shared/other")
    for instance in ("i-1", "i-6"):
        cloud.machines.destroy(instance)
    later = cloud.boot("i-7", "data4.fleet.test")
    cloud.machines.attach_share("s-1", "i-7", TAG)
    assert (
        later.said(f"mkdir /srv/shared && mount -t virtiofs {TAG} /srv/shared && cat /srv/shared/other")
        == "mine"
    )
