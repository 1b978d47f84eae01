"""A data disk: formatted once, claimed, mounted by what its file system is, grown when the device has grown.

Nothing is ever formatted but a device that reads as empty. What a killed run had begun to format is taken up again, unless
somebody has mounted it since.
"""

from __future__ import annotations

from typing import Final

from agent.documents.errors import Failed
from agent.host import commands, paths, units
from agent.host.ports import Ports
from agent.storage import look, memory, programs
from agent.storage.look import Block, Header
from agent.storage.memory import KnownDisk
from agent.storage.spec import Disk

MARK: Final = ".codeb-disk"
"""At the top of each of our disks: whose it is."""
GAP: Final = 256 << 20
"""By less than this, in bytes, a device isn't called larger: ext4 leaves out a last part that is too small for a group."""
_WAIT_S: Final = 120
_PAUSE_S: Final = 1.0
_MOUNT_S: Final = 120
_FORMAT_S: Final = 900
_GROW_S: Final = 3600


def ensure(ports: Ports, disk: Disk) -> list[str]:
    """Bring a disk to where the bundle has it; what was done, in words. Raises Failed before anything is lost."""
    block = _awaited(ports, disk)
    mount = look.mount(ports, disk.path)
    done: list[str] = []
    if mount is None:
        _hides_nothing(ports, disk)
        done += _prepared(ports, disk)
        done += _grown(ports, disk, block, mounted=False)
        units.must(ports, programs.mount_ext4(disk.device, disk.path), "storage", _see(disk), _MOUNT_S)
        done.append(f"mounted:{disk.path}")
    elif mount.number != block.number:
        raise _refused(
            f"{disk.path} is where device {mount.number} is mounted, not {disk.device} ({block.number})",
            "see `findmnt` on the server; unmount it there once nothing uses it, then run again",
        )
    header = _header(ports, disk)
    known = KnownDisk(disk.device, disk.path, disk.label, header.uuid)
    if memory.load(ports).at(disk.path) != known:
        _claim(ports, disk)
    done += _unit(ports, disk, header.uuid)
    if memory.load(ports).at(disk.path) != known:
        memory.save(ports, memory.load(ports).with_disk(known))
    return done + _grown(ports, disk, block, mounted=True)


def _awaited(ports: Ports, disk: Disk) -> Block:
    """The device, which may be attached just now. Raises Failed when it doesn't come."""
    end = ports.clock.monotonic() + _WAIT_S
    while (block := look.block(ports, disk.device)) is None:
        if ports.clock.monotonic() >= end:
            raise _refused(
                f"the data disk isn't on this server: {disk.device} hasn't come within {_WAIT_S} s",
                "`codeb fleet check` tells whether the block storage is attached to another server, or to none, and "
                "`codeb fleet attach` puts it back; then `pulumi up`",
            )
        ports.clock.sleep(_PAUSE_S)
    return block


def _hides_nothing(ports: Ports, disk: Disk) -> None:
    """A disk is never mounted over files: they would be out of sight, and the services start empty. Raises Failed."""
    ports.files.directory(disk.path, 0o711, "root:root")
    file = look.a_file(ports, disk.path)
    if file:
        raise _refused(
            f"{disk.path} holds data on the server's own disk already ({file}), which {disk.device} would hide",
            f"stop the services that use it, `mv {disk.path} {disk.path}.before`, run again, then copy the data back "
            "(docs/agent.md, Disks)",
        )


def _prepared(ports: Ports, disk: Disk) -> list[str]:
    """See to it that there is a file system of ours on the device. Raises Failed when there is anything else."""
    begun = disk.device in memory.load(ports).formatting
    found = look.signatures(ports, disk.device)
    if not found:
        if not begun and not ports.files.blank(disk.device):
            raise _refused(
                f"{disk.device} is not empty: it holds data of no kind that is known, so it is not formatted",
                f"if nothing on it is needed: `blkdiscard --zeroout {disk.device}` on the server, then run again",
            )
    elif [(each.kind, each.label) for each in found] == [("ext4", disk.label)]:
        header = look.header(ports, disk.device)
        if not begun or (header is not None and header.ever_mounted):
            return []
    else:
        raise _refused(
            f"{disk.device} is not empty, so it is not formatted: found was {', '.join(map(str, found))}",
            f"attach the stack's own disk; or, if nothing on this one is needed: `wipefs --all {disk.device}`, "
            f"`blkdiscard --zeroout {disk.device}` on the server, then run again",
        )
    memory.save(ports, memory.load(ports).formatted(disk.device).begun(disk.device))
    units.must(ports, programs.format_ext4(disk.device, disk.label), "storage", _see(disk), _FORMAT_S)
    memory.save(ports, memory.load(ports).formatted(disk.device))
    return [f"formatted:{disk.device}"]


def _header(ports: Ports, disk: Disk) -> Header:
    header = look.header(ports, disk.device)
    if header is None:
        raise _refused(f"the file system of {disk.device} can't be read", _see(disk))
    return header


def _claim(ports: Ports, disk: Disk) -> None:
    """The disk is the stack's: it says so, or it holds nothing and is told so. Raises Failed, the disk unmounted."""
    mark = f"{disk.path}/{MARK}"
    said = ports.files.read(mark)
    owner = "" if said is None else said.decode("utf-8", "replace").strip()
    file = look.a_file(ports, disk.path) if said is None else ""
    if owner == disk.owner:
        return
    if said is None and not file:
        ports.files.write(mark, f"{disk.owner}\n".encode(), 0o600)
        return
    ports.runner.run(programs.unmount(disk.path), timeout_s=_MOUNT_S)
    whose = (
        f"it is {owner}'s" if owner else f"it holds data ({file.rpartition('/')[2]}) and doesn't say whose"
    )
    raise _refused(
        f"{disk.device} is not the disk of {disk.owner}: {whose}",
        f"attach the stack's own disk; if this is it, write {disk.owner} into {MARK} at its top, then run again",
    )


def _unit(ports: Ports, disk: Disk, uuid: str) -> list[str]:
    """The unit that mounts it after a reboot; systemd counts what is mounted already as started."""
    return install(ports, disk.path, disk.unit.replace("@UUID@", uuid), _see(disk))


def install(ports: Ports, path: str, text: str, remedy: str, start_s: float = _MOUNT_S) -> list[str]:
    """Bring a mount unit to systemd, now and for later boots. Raises Failed."""
    name = paths.mount_unit(path)
    done = units.install(ports, {paths.unit(name): text.encode()}, "storage")
    state = units.state(ports, name)
    if state.file_state == "disabled":
        units.must(ports, commands.enable(name), "storage", remedy)
    if not state.running:
        ports.runner.run(commands.reset_failed(name))
        units.must(ports, commands.start(name), "storage", remedy, start_s)
    return done


def _grown(ports: Ports, disk: Disk, block: Block, *, mounted: bool) -> list[str]:
    """Make the file system as large as its device. Raises Failed when the device is the smaller one."""
    header = _header(ports, disk)
    if block.size < header.size:
        raise _refused(
            f"{disk.device} has {block.size} bytes, its file system {header.size}: it was made smaller",
            "block storage can't shrink: attach the stack's own disk, or set the size back, then run again",
        )
    if block.size - header.size < GAP:
        return []
    if not mounted:
        checked = ports.runner.run(programs.check_ext4(disk.device), timeout_s=_GROW_S)
        if checked.code > 1:
            raise _refused(f"{disk.device} has errors: {checked.text[-200:]}", _see(disk))
    units.must(ports, programs.grow_ext4(disk.device), "storage", _see(disk), _GROW_S)
    return [f"grown:{disk.path}"]


def _see(disk: Disk) -> str:
    return f"see `dmesg` and `dumpe2fs -h {disk.device}` on the server; the data is untouched. Then run again"


def _refused(cause: str, remedy: str) -> Failed:
    return Failed("storage", cause, remedy)
