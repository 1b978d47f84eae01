"""The verb `certificates`: keeps the certificates that edges share within reach of Caddy, and Caddy from what hangs.

Caddy reads `now`, a link to `shared` (the shared file system, behind a bindfs of its own) or to `copy` (what was there last;
as nobody can write to it, Caddy serves from it and orders nothing). A program that asks a file system that hangs can't even
be killed, and Caddy asks while handshakes wait: so bindfs is cut off within seconds, after which everything fails fast
(docs/certificates.md).

systemd starts it every few seconds, and before Caddy starts. Whatever may hang is asked by programs that get little time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agent.documents.errors import Failed
from agent.documents.reader import ABSOLUTE, Reader
from agent.edge import drain
from agent.host import commands, paths, units
from agent.host.ports import Argv, Ports

_QUICK_S: Final = 5
_START_S: Final = 15
_COPY_S: Final = 20
_SETTLED_S: Final = 3  # a certificate's files are written one after the other
_REMEDY: Final = (
    "see `findmnt {share}` and `ls {share}` on the server, and whether the file system is attached to it; Caddy serves the "
    "certificates that it had, and orders none until the share is back"
)

Listing = frozenset[tuple[str, str, float]]
"""Path, size and time of each file of certificates."""


@dataclass(frozen=True)
class Places:
    """`share` is where the shared file system is mounted, `folder` this verb's own, `own` is Caddy's storage while it shares
    none."""

    share: str
    folder: str
    own: str

    @property
    def shared(self) -> str:
        return f"{self.folder}/shared"

    @property
    def copy(self) -> str:
        return f"{self.folder}/copy"

    @property
    def owed(self) -> str:
        """There while Caddy is to read all its files once the share is back."""
        return f"{self.folder}/owed"

    @property
    def now(self) -> str:
        return f"{self.folder}/now"


def certificates(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """Reach the share and copy what is new there; else cut it off and give Caddy the copy. Raises BadDocument, Failed."""
    document.version()
    places = Places(*(document.text(key, ABSOLUTE) for key in ("share", "folder", "own")))
    document.end()
    for path in (places.shared, places.copy):
        if not _mounted(ports, path):
            ports.files.directory(path, 0o500, "root:root")
    try:
        _reach(ports, places)
        _fill(ports, places)
        found = _listing(ports, places.shared, places)
    except Failed:
        _cut_off(ports, places)
        raise
    _point(ports, places, places.shared)
    copied = _copied(ports, places, found)
    _resume(ports, places)
    return {"ok": True, "certificates": len(found), "copied": copied}


def from_copy(ports: Ports) -> bool:
    """Whether this edge shares certificates and can't reach them."""
    return ports.files.link_target(f"{paths.CERTIFICATES}/now") == "copy"


def _reach(ports: Ports, places: Places) -> None:
    """See to it that `shared` is the share. Raises Failed when it isn't there or doesn't answer."""
    if not _mounted(ports, places.share):
        raise _gone(places, f"nothing is mounted at {places.share}")
    if _mounted(ports, places.shared):
        return
    # One that hangs keeps the lock, so that the next run leaves no second program behind.
    _ask(ports, places, commands.alone(paths.SHARE_LOCK, ["mkdir", "--parents", f"{places.share}/caddy"]))
    ports.runner.run(commands.reset_failed(paths.SHARE_SERVICE))
    _ask(ports, places, commands.restart(paths.SHARE_SERVICE), _START_S)
    if not _mounted(ports, places.shared):
        raise _gone(places, f"{paths.SHARE_SERVICE} runs, but nothing is mounted at {places.shared}")


def _fill(ports: Ports, places: Places) -> None:
    """A share that is new gets what this edge has: what it ordered before it shared, or what was in a share that is lost.

    As a whole or not at all: a key of one edge and a certificate of another are no pair. Raises Failed.
    """
    if "certificates" in _ask(ports, places, commands.entries(places.shared)).splitlines():
        return
    sources = (places.copy, places.own)
    source = next((each for each in sources if ports.files.listing(f"{each}/certificates")), None)
    if source is None:
        return
    new = _ask(ports, places, ["mktemp", "--directory", f"{places.shared}/.new.XXXXXX"]).strip()
    _ask(ports, places, ["cp", "--archive", f"{source}/certificates", new], _COPY_S)
    _ask(ports, places, ["chmod", "--recursive", "u=rwX,go=", new], _COPY_S)
    move = [
        "mv",
        "--no-target-directory",
        "--no-clobber",
        f"{new}/certificates",
        f"{places.shared}/certificates",
    ]
    _ask(ports, places, move)
    _ask(ports, places, ["rm", "--recursive", "--force", new], _COPY_S)
    ports.journal.log(f"certificates: the share was new and got those of {source}")


def _copied(ports: Ports, places: Places, found: Listing) -> bool:
    """Bring the copy up to date, in one step; True when it was another. What changes just now is left to the next run."""
    now = ports.clock.now().timestamp()
    if not found or any(abs(now - time) < _SETTLED_S for _, _, time in found):
        return False
    if found == _listing(ports, places.copy, places):
        return False
    new, old = f"{places.folder}/copy.new", f"{places.folder}/copy.old"
    ports.files.remove_tree(new)
    ports.files.directory(new, 0o700, "root:root")
    _ask(ports, places, ["cp", "--archive", f"{places.shared}/certificates", new], _COPY_S)
    if found != _listing(ports, new, places):
        return False
    _ask(ports, places, ["chmod", "--recursive", "u=rX,go=", new])
    ports.files.remove_tree(old)
    ports.files.move(places.copy, old)
    ports.files.move(new, places.copy)
    ports.files.remove_tree(old)
    return True


def _resume(ports: Ports, places: Places) -> None:
    """Caddy gives up on a first certificate that it has no place for, until it is told to read all. Raises Failed."""
    if ports.files.read(places.owed) is None:
        return
    if units.state(ports, paths.CADDY_SERVICE).running:
        drain.reload(ports, all_the_same=True)
    ports.files.remove(places.owed)


def _cut_off(ports: Ports, places: Places) -> None:
    """Free whoever waits for the share, and give Caddy the copy."""
    if ports.files.read(places.owed) is None:
        ports.files.write(places.owed, b"", 0o600)
    if _mounted(ports, places.shared):
        ports.runner.run(commands.cut_off(places.shared), timeout_s=_QUICK_S)
    if not ports.files.listing(places.copy):
        ports.files.move(f"{places.folder}/copy.old", places.copy)
    _point(ports, places, places.copy)


def _point(ports: Ports, places: Places, target: str) -> None:
    name = target.rpartition("/")[2]
    before = ports.files.link_target(places.now)
    if before != name:
        ports.files.link(places.now, name)
        if before is not None:
            ports.journal.log(f"certificates: Caddy uses the {name} ones from now on")


def _listing(ports: Ports, folder: str, places: Places) -> Listing:
    """Files of certificates below a folder. Raises Failed."""
    lines = _ask(ports, places, commands.files_below(folder, "certificates")).splitlines()
    rows = [line.rsplit(" ", 2) for line in lines]
    return frozenset((path, size, float(time)) for path, size, time in rows)


def _mounted(ports: Ports, path: str) -> bool:
    """By the kernel's list: whoever asks the file system itself may wait for ever."""
    lines = (ports.files.read("/proc/self/mountinfo") or b"").decode("utf-8", "replace").splitlines()
    return any(line.split(" ")[4] == path for line in lines)


def _ask(ports: Ports, places: Places, argv: Argv, timeout_s: float = _QUICK_S) -> str:
    """What a program says that may meet the share. Raises Failed."""
    result = ports.runner.run(argv, timeout_s=timeout_s)
    if result.ok:
        return result.out
    said = result.text.splitlines()
    raise _gone(places, said[0] if said else f"{argv[0]} ended with status {result.code}")


def _gone(places: Places, cause: str) -> Failed:
    cause = f"the edges' share can't be used: {cause}"
    return Failed(
        "certificates", cause, _REMEDY.format(share=places.share), put_back="Caddy serves from its copy"
    )
