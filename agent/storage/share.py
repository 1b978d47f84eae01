"""A share: a file system of several servers (virtiofs), mounted by its tag.

Its other end may be gone or hang: every question to it has an end, and none is asked by this process itself.
"""

from __future__ import annotations

from agent.documents.errors import Failed
from agent.host import commands, paths, units
from agent.host.ports import Ports
from agent.storage import disk, look, programs
from agent.storage.spec import Share

_START_S = 60
_LET_GO_S = 20


def ensure(ports: Ports, share: Share) -> list[str]:
    """Mount a share; what was done, in words. Raises Failed after a minute at most."""
    if look.mount(ports, share.path) is None:
        ports.files.directory(share.path, 0o700, "root:root")
    done = disk.install(ports, share.path, share.unit, _remedy(share), _START_S)
    if look.mount(ports, share.path) is None:
        raise Failed("storage", f"share {share.tag} is not mounted at {share.path}", _remedy(share))
    if not ports.runner.run(programs.answers(share.path), timeout_s=look.QUICK_S).ok:
        cause = f"share {share.tag} at {share.path} doesn't answer within {look.QUICK_S} s"
        raise Failed("storage", cause, _remedy(share))
    return done


def drop(ports: Ports, path: str) -> list[str]:
    """Let go of a share that no bundle lists any more. Raises Failed."""
    name = paths.mount_unit(path)
    ports.runner.run(commands.not_at_boot(name))
    let_go = ports.runner.run(programs.let_go(path), timeout_s=_LET_GO_S)
    if not let_go.ok and "not mounted" not in let_go.text:
        remedy = f"`umount --lazy {path}` on the server, then run again"
        raise Failed("storage", f"{path} can't be unmounted: {let_go.text[-200:]}", remedy)
    with units.units_lock(ports):
        ports.files.remove(paths.unit(name))
        units.daemon_reload(ports, "storage")
    return [f"unmounted:{path}"]


def _remedy(share: Share) -> str:
    return (
        f"see `systemctl status {paths.mount_unit(share.path)}`, and in Vultr's console whether the file system is attached "
        "to this server; what runs goes on running. Then run again"
    )
