"""What rebuilds the platform, from the second place: agents' histories, and Caddy's ACME account and certificates.

Only what is not there yet is written. An agent's record comes back as history: nothing of it runs here, so there is nothing
to go back to. What is known of backups stays away: it is of a store that is lost.
"""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import PROJECT, Reader
from agent.host import paths
from agent.host.pipes import PipeBroken
from agent.host.ports import Ports
from agent.host.s3 import StoreError
from agent.project import record
from agent.rebuild.place import Found
from agent.store import backups
from agent.store.sealed import Damaged, opened

FOLDER: Final = "platform/"
_SUM: Final = re.compile(r"[0-9a-f]{64}")
_RECORD: Final = re.compile(rf"{paths.RECORDS}/({PROJECT.pattern})\.json")
_NAME: Final = r"(?!\.\.?(?:/|$))[A-Za-z0-9@%+_.=-]{1,255}"
_CADDY: Final = re.compile(rf"{paths.DATA}/caddy/data/caddy/(?:acme|certificates)(?:/{_NAME}){{1,8}}")
_CARRIED: Final = re.compile(rf"{paths.PLATFORM}/(?:state\.json|[a-z0-9][a-z0-9-]{{0,60}}\.tar\.gz)")
_OWNER: Final = re.compile(r"[a-z0-9_][a-z0-9_-]{0,31}")
_LARGEST: Final = 512 << 20


@dataclass(frozen=True)
class Saved:
    """One of them: its id, and its tar, right and whole."""

    id: str
    tar: bytes


def newest(ports: Ports, found: Found, warnings: list[str]) -> Saved | None:
    """The newest that is right, None when there is none; what is wrong with newer ones is a warning. Raises StoreError.

    `ports` read as was first written.
    """
    place = found.store.place
    names = {each.key.removeprefix(FOLDER).partition(".")[0] for each in ports.s3.objects(place, FOLDER)}
    ids = [each for each in names if backups.ID.fullmatch(each) and _is_of_before(each, found.until)]
    for each in sorted(ids, reverse=True):
        try:
            return Saved(each, _content(ports, found, each))
        except (Damaged, PipeBroken, ValueError, BadDocument) as error:
            warnings.append(f"platform {each}: {error}")
    return None


def put_back(ports: Ports, saved: Saved, warnings: list[str]) -> dict[str, object]:
    """What is not there yet is written; how much that was. Raises Unwritable."""
    counts = {"records": 0, "certificates": 0}
    serves = ports.files.read(paths.CADDYFILE) is not None
    for path, member, content in _files(saved.tar):
        if ports.files.read(path) is not None:
            continue
        if matched := _RECORD.fullmatch(path):
            counts["records"] += _record(ports, path, matched[1], content, warnings)
        elif _CADDY.fullmatch(path) and serves:
            ports.files.write(path, content, member.mode & 0o777, _owner(member))
            counts["certificates"] += 1
        elif _CARRIED.fullmatch(path):
            ports.files.directory(paths.PLATFORM, 0o700, "root:root")
            ports.files.write(path, content, 0o600)
    return {"id": saved.id, **counts}


def _content(ports: Ports, found: Found, saved_id: str) -> bytes:
    """Raises Damaged, PipeBroken, StoreError, ValueError, BadDocument."""
    place, stem = found.store.place, f"{FOLDER}{saved_id}"
    try:
        plain = backups.verified(ports, b"".join(ports.s3.get(place, f"{stem}.json")))
        reader = Reader(plain, "")
        if reader.text("id") != saved_id:
            raise Damaged(f"speaks of {reader.text('id')}")
        sums = {name: reader.text(name, _SUM) for name in ("sha256", "plain_sha256")}
        if reader.whole("bytes", 0, 1 << 60) > _LARGEST:
            raise Damaged("is larger than anything of the platform")
        return b"".join(opened(ports, place, f"{stem}.tar.zst.age", **sums, unless=ports.asker.gone))
    except StoreError as error:
        if error.kind != "missing":
            raise
        raise Damaged("is not whole") from None


def _files(tar: bytes) -> Iterator[tuple[str, tarfile.TarInfo, bytes]]:
    """Plain files alone, with the path that they are to have."""
    with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as found:
        for member in found:
            content = found.extractfile(member) if member.isreg() else None
            if content is not None:
                yield f"/{member.name}", member, content.read()


def _record(ports: Ports, path: str, project: str, content: bytes, warnings: list[str]) -> int:
    """Its history; a warning when a rollback was in force, as a release forgets that."""
    try:
        document: Any = json.loads(content)
        colours = document["colours"]
        held = [known["spec"]["image"] for known in colours.values() if known["withdrawn"]]
        ports.files.write(path, json.dumps({**document, "colours": {}, "cron": []}).encode(), 0o600)
        record.load(ports, project)
    except (ValueError, KeyError, TypeError, AttributeError, Failed) as error:
        ports.files.remove(path)
        warnings.append(f"the history of {project} can't be read: {type(error).__name__}")
        return 0
    if held:
        warnings.append(
            f"{project} was rolled back from {held[0]}: its manifest's image is what the next update brings"
        )
    return 1


def _owner(member: tarfile.TarInfo) -> str:
    user = member.uname if _OWNER.fullmatch(member.uname) else str(member.uid)
    group = member.gname if _OWNER.fullmatch(member.gname) else str(member.gid)
    return f"{user}:{group}"


def _is_of_before(saved_id: str, until: datetime) -> bool:
    """A name with a day that no year has isn't ours."""
    try:
        moment = datetime.strptime(saved_id.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return False
    return moment <= until
