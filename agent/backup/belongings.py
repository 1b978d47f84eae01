"""What a host has that neither the stack's program nor a project's backup brings back, as one tar: the verb `belongings`.

The agent's records, Caddy's ACME account and certificates, MinIO's users and policies. None of the files that `apply`
writes, and no secret that comes from the root secret.
"""

from __future__ import annotations

import base64
import io
import tarfile
from collections.abc import Iterator
from typing import Final

from agent.documents.errors import Failed
from agent.documents.reader import Reader
from agent.host import paths
from agent.host.ports import Entry, Ports

FOLDERS: Final = (
    paths.STATE,
    f"{paths.DATA}/caddy/data",
    f"{paths.DATA}/minio/.minio.sys/config",
)
_LEFT_OUT: Final = (paths.OUTBOX, f"{paths.DATA}/caddy/data/caddy/locks")
_MOST: Final = 256 << 20
_DEEPEST: Final = 20


def belongings(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """`{}`: the tar of a server that holds no data, packed, in base64, for the one that does. Raises BadDocument, Failed."""
    document.version()
    document.end()
    found = tar_of(ports, packed=True)
    return {"ok": True, "tar": base64.b64encode(found).decode(), "bytes": len(found)}


def tar_of(ports: Ports, *, packed: bool = False) -> bytes:
    """A tar of all of it, paths without the slash in front. Raises Failed when it is too large to be that."""
    out, total = io.BytesIO(), 0
    with tarfile.open(fileobj=out, mode="w:gz" if packed else "w", format=tarfile.PAX_FORMAT) as tar:
        for path, entry in (found for folder in FOLDERS for found in _files(ports, folder, _DEEPEST)):
            total += len(entry.content)
            if total > _MOST:
                raise Failed(
                    "gather",
                    f"{path} and what is beside it is larger than {_MOST >> 20} MiB",
                    "see what fills the folder: nothing of the platform is that large",
                )
            tar.addfile(_info(ports, path, entry), io.BytesIO(entry.content))
    return out.getvalue()


def _files(ports: Ports, folder: str, depth: int) -> Iterator[tuple[str, Entry]]:
    """Plain files below a folder; what goes meanwhile is left out, and so is what a link points to."""
    if folder in _LEFT_OUT or depth == 0 or ports.files.link_target(folder) is not None:
        return
    for name in ports.files.listing(folder):
        path = f"{folder}/{name}"
        if name.endswith(".lock") or ports.files.link_target(path) is not None:
            continue
        if ports.files.listing(path):
            yield from _files(ports, path, depth - 1)
        elif (entry := _entry(ports, path)) is not None:
            yield path, entry


def _entry(ports: Ports, path: str) -> Entry | None:
    try:
        return ports.files.entry(path)
    except OSError:  # an empty folder, or a file that went between two looks
        return None


def _info(ports: Ports, path: str, entry: Entry) -> tarfile.TarInfo:
    found = tarfile.TarInfo(path.lstrip("/"))
    found.size, found.mode = len(entry.content), entry.mode
    found.mtime = int(ports.clock.now().timestamp())
    user, _, group = entry.owner.partition(":")
    if user.isdigit():
        found.uid = int(user)
    else:
        found.uname = user
    if group.isdigit():
        found.gid = int(group)
    else:
        found.gname = group
    return found
