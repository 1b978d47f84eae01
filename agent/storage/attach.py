"""What a bundle lists of storage is there before its folders and files are; what it lists no more is let go after them."""

from __future__ import annotations

from dataclasses import replace

from agent.documents.errors import Failed
from agent.host import commands, paths, units
from agent.host.ports import Ports
from agent.storage import disk, look, memory, programs, share
from agent.storage.spec import Storage

_UNMOUNT_S = 120


def attach(ports: Ports, storage: Storage) -> list[str]:
    """Mount what is listed; what was done. Raises Failed before anything changed but what is said there."""
    _keeps_disks(ports, storage)
    done = [step for each in storage.disks for step in disk.ensure(ports, each)]
    for each in storage.shares:
        known = memory.load(ports)
        if each.path not in known.shares:
            memory.save(ports, replace(known, shares=(*known.shares, each.path)))
        done += share.ensure(ports, each)
    return done


def detach(ports: Ports, storage: Storage) -> list[str]:
    """Unmount shares that are listed no more; what was done. Raises Failed."""
    done: list[str] = []
    listed = {each.path for each in storage.shares}
    for path in memory.load(ports).shares:
        if path not in listed:
            done += share.drop(ports, path)
            known = memory.load(ports)
            memory.save(ports, replace(known, shares=tuple(each for each in known.shares if each != path)))
    return done


def release(ports: Ports) -> list[str]:
    """Unmount everything, for a host that is retired; the paths of disks, whose data stays on them. Raises Failed."""
    known = memory.load(ports)
    detach(ports, Storage())
    for each in known.disks:
        name = paths.mount_unit(each.path)
        ports.runner.run(commands.disable(name), timeout_s=_UNMOUNT_S)
        if look.mount(ports, each.path) is not None:
            remedy = f"`fuser -vm {each.path}` on the server tells who uses it; then run again"
            units.must(ports, programs.unmount(each.path), "storage", remedy, _UNMOUNT_S)
        with units.units_lock(ports):
            ports.files.remove(paths.unit(name))
            units.daemon_reload(ports, "storage")
    ports.files.remove(paths.STORAGE)
    return [each.path for each in known.disks]


def _keeps_disks(ports: Ports, storage: Storage) -> None:
    """A disk that is in use isn't left behind by a bundle that forgets it. Raises Failed."""
    listed = {each.path for each in storage.disks}
    for each in memory.load(ports).disks:
        if each.path not in listed:
            raise Failed(
                "storage",
                f"the data at {each.path} is on {each.device} ({each.label}), which the bundle lists no more",
                f"set dataDisk again; or move the data off it by hand and remove {paths.STORAGE} and "
                f"{paths.unit(paths.mount_unit(each.path))} on the server, then run again",
            )
