"""Programs of util-linux and e2fsprogs, as token lists like all others (`agent.host.commands`)."""

from __future__ import annotations


def block_device(device: str) -> list[str]:
    """Number (`8:16`) and size of a block device in bytes; an error status when there is none."""
    return [*("lsblk", "--nodeps", "--noheadings", "--raw", "--bytes", "--output=MAJ:MIN,SIZE"), device]


def signatures(device: str) -> list[str]:
    """All that programs leave at known places of what they keep on a device: file systems, partition tables, LUKS, LVM."""
    return ["wipefs", "--no-act", "--json", device]


def ext4_header(device: str) -> list[str]:
    return ["dumpe2fs", "-h", device]


def format_ext4(device: str, label: str) -> list[str]:
    """Nothing is discarded: the device was found empty. One percent is kept for root, who has little there."""
    return ["mkfs.ext4", "-q", "-E", "nodiscard", "-m", "1", "-L", label, device]


def check_ext4(device: str) -> list[str]:
    """What growing an ext4 that isn't mounted asks for. Status 1: something was mended."""
    return ["e2fsck", "-f", "-p", device]


def grow_ext4(device: str) -> list[str]:
    return ["resize2fs", device]


def mount_ext4(device: str, path: str) -> list[str]:
    return ["mount", "--types", "ext4", "--options", "noatime", device, path]


def unmount(path: str) -> list[str]:
    return ["umount", path]


def let_go(path: str) -> list[str]:
    """Unmount at once, whoever has files open there: a file system that hangs has no other way out."""
    return ["umount", "--lazy", "--no-canonicalize", path]


def mounted_at(path: str) -> list[str]:
    """Device number and options of what is mounted here, last mounted last; an error status when nothing is.

    The file system itself isn't asked.
    """
    return ["findmnt", "--noheadings", "--raw", "--output=MAJ:MIN,OPTIONS", "--mountpoint", path]


def room_at(path: str) -> list[str]:
    """Size and free bytes of the file system that is mounted here."""
    return ["findmnt", "--noheadings", "--raw", "--bytes", "--output=SIZE,AVAIL", "--mountpoint", path]


def first_file(path: str) -> list[str]:
    """Name one file below a folder on its file system; folders alone are nothing."""
    return ["find", path, "-xdev", "-mindepth", "1", "-not", "-type", "d", "-print", "-quit"]


def answers(path: str) -> list[str]:
    """Ask a file system for something that it has to know itself."""
    return ["stat", "--file-system", "--terse", path]
