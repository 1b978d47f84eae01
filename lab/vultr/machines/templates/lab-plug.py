"""What a hypervisor, virtio and udev do on a real server: its devices become what /run/lab/devices.json lists.

Run at boot, before anything mounts, and by the lab whenever something is plugged in or pulled out. A disk that is pulled
while it is mounted takes its file system with it (the kernel's own emergency stop), a share its daemon.
"""

import fcntl
import json
import os
import signal
import socket
import stat
import struct
import subprocess
from typing import Any

DEVICES = "/run/lab/devices.json"
LOCK = "/run/lab-plug.lock"
BY_ID, BY_UUID = "/dev/disk/by-id", "/dev/disk/by-uuid"
STOP_FILE_SYSTEM = 0x8004587D  # EXT4_IOC_SHUTDOWN, XFS_IOC_GOINGDOWN
WITHOUT_FLUSH = 2
ARP = 0x0806
FUSE = os.makedev(10, 229)


def run(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def announce(interface: str, address: str) -> None:
    """Tell the neighbours whose an address is now (gratuitous ARP)."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ARP)) as line:
        line.bind((interface, ARP))
        mine, nobody, everybody = line.getsockname()[4], b"\0" * 6, b"\xff" * 6
        request = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1)
        number = socket.inet_aton(address)
        line.send(everybody + mine + struct.pack("!H", ARP) + request + mine + number + nobody + number)


def networks(wanted: dict[str, list[str]], metadata: str) -> None:
    """Addresses of the cloud's interfaces, and the way to the metadata service."""
    for interface, addresses in wanted.items():
        if not os.path.isdir(f"/sys/class/net/{interface}"):
            continue
        run("ip", "link", "set", "dev", interface, "up")
        shown = json.loads(run("ip", "-json", "-4", "address", "show", "dev", interface) or "[]")
        found = [address for link in shown for address in link.get("addr_info", [])]
        there = {f"{address['local']}/{address['prefixlen']}" for address in found}
        for address in there - set(addresses):
            run("ip", "address", "delete", address, "dev", interface)
        for address in sorted(set(addresses) - there):
            run("ip", "address", "add", address, "dev", interface)
            announce(interface, address.partition("/")[0])
    run("ip", "route", "replace", metadata, "dev", "host0")


def node(path: str, kind: int, device: int) -> None:
    """A device node; another one of that name goes."""
    try:
        if os.stat(path).st_rdev == device:
            return
        os.unlink(path)
    except FileNotFoundError:
        pass
    os.mknod(path, kind | 0o660, device)


def stop_file_systems(device: int) -> None:
    """What is mounted from a device answers with errors from now on; nothing more is written."""
    number = f"{os.major(device)}:{os.minor(device)}"
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        found = [line.split() for line in mounts]
    for place in [words[4] for words in found if words[2] == number][:1]:
        handle = os.open(place.encode().decode("unicode_escape"), os.O_RDONLY)
        try:
            fcntl.ioctl(handle, STOP_FILE_SYSTEM, struct.pack("I", WITHOUT_FLUSH))
        finally:
            os.close(handle)


def disks(wanted: dict[str, dict[str, Any]]) -> None:
    """/dev/vdb and on, with their links by serial number and by what is on them."""
    for name in sorted(os.listdir("/dev")):
        path = f"/dev/{name}"
        if name.startswith("vd") and name not in wanted and stat.S_ISBLK(os.stat(path).st_mode):
            stop_file_systems(os.stat(path).st_rdev)
            os.unlink(path)
    links = {}
    for name, disk in wanted.items():
        node(f"/dev/{name}", stat.S_IFBLK, os.makedev(disk["major"], disk["minor"]))
        links[f"{BY_ID}/{disk['link']}"] = name
        if uuid := probed(f"/dev/{name}"):
            links[f"{BY_UUID}/{uuid}"] = name
        watch = ["systemctl", "start", "--no-block", f"lab-disk@{name}.path"]
        subprocess.run(
            watch, check=False, capture_output=True
        )  # nobody listens yet: the boot's own run follows
    for folder in (BY_ID, BY_UUID):
        os.makedirs(folder, exist_ok=True)
        for link in set(os.listdir(folder)) - {os.path.basename(path) for path in links}:
            os.unlink(f"{folder}/{link}")
    for path, name in links.items():
        if not os.path.lexists(path):
            os.symlink(f"../../{name}", path)


def probed(device: str) -> str:
    """UUID of the file system on a device, "" when there is none."""
    words = ["blkid", "--probe", "--match-tag", "UUID", "--output", "value", device]
    return subprocess.run(words, check=False, capture_output=True, text=True).stdout.strip()


def daemons() -> list[tuple[int, str]]:
    """Processes that serve a mounted share, and their tags."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as line:
                words = line.read().decode(errors="replace").split("\0")
        except OSError:
            continue
        tags = [word.removeprefix("fsname=") for word in words if word.startswith("fsname=")]
        if os.path.basename(words[0]) == "bindfs" and tags:
            found.append((int(pid), tags[0]))
    return found


def shares(wanted: dict[str, dict[str, str]]) -> None:
    """A mounted share follows its switch: it works, it hangs, or what is on it fails for good."""
    node("/dev/fuse", stat.S_IFCHR, FUSE)
    signals = {"hangs": signal.SIGSTOP, "fails": signal.SIGKILL}
    for pid, tag in daemons():
        mood = wanted[tag]["mood"] if tag in wanted else "fails"
        os.kill(pid, signals.get(mood, signal.SIGCONT))


def main() -> None:
    lock = os.open(LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with open(DEVICES, encoding="utf-8") as source:
        wanted = json.load(source)
    networks(wanted["networks"], wanted["metadata"])
    disks(wanted["disks"])
    shares(wanted["shares"])


main()
