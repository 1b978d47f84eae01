"""`rebuild platform`: what rebuilds everything, fetched and opened here: the first step when no server is left."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import re
import subprocess
import tarfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ops import words
from ops.result import Result, failed
from ops.second_place import Place, PlaceError, content, first_written

FOLDER: Final = "platform/"
_ID: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{4}")
_DOCUMENT: Final = 1 << 20
_LARGEST: Final = 512 << 20
_STATE: Final = "var/lib/codeb/platform/state.json"
_PART: Final = re.compile(r"var/lib/codeb/platform/([a-z0-9][a-z0-9-]{0,60})\.tar\.gz")
_HOST: Final = "data-server"


class NotOpened(Exception):
    """It is none of this stack's, or damaged; the message says why, and what to do."""


def opened(place: Place, identity: str, folder: Path, before: datetime | None = None) -> Result:
    """Put the newest one (not after `before`) into a folder that isn't there yet or is empty.

    `identity` is the stack's key of backups. A newer one that is damaged, or that somebody else has put there, is said.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        return failed(f"{folder} is there already: name a folder that is new, or empty")
    problems: list[str] = []
    try:
        versions = first_written(place, FOLDER)
        for each in _ids(versions, before):
            try:
                tar = _tar(place, identity, each, versions)
            except NotOpened as error:
                problems.append(f"platform {each}: {error}")
                continue
            return _told(each, folder, _unpacked(tar, folder), problems)
    except PlaceError as error:
        return failed(f"{error}: see that these keys may list versions and read there")
    except OSError as error:
        return failed(f"{error.filename or folder}: {error.strerror or error}")
    when = f" of {before:%Y-%m-%d %H:%M:%S} UTC or before" if before else ""
    cause = f"{place.where} has nothing{when} that rebuilds this platform"
    return Result({"ok": False, "problem": cause}, (), (f"error: {cause}", *map(words.clean, problems)))


def _ids(versions: Mapping[str, str], before: datetime | None) -> list[str]:
    """The newest first."""
    names = {key.removeprefix(FOLDER).partition(".")[0] for key in versions}
    return sorted((each for each in names if _ID.fullmatch(each) and _is_early(each, before)), reverse=True)


def _is_early(saved_id: str, before: datetime | None) -> bool:
    try:
        moment = datetime.strptime(saved_id.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return False
    return before is None or moment <= before


def _tar(place: Place, identity: str, saved_id: str, versions: Mapping[str, str]) -> bytes:
    """Right and whole. Raises NotOpened, PlaceError."""
    keys = [f"{FOLDER}{saved_id}{end}" for end in (".json", ".tar.zst.age")]
    if any(key not in versions for key in keys):
        raise NotOpened("is not whole: a run of it has ended too early")
    document, sealed = keys
    sums = _sums(content(place, document, versions[document], _DOCUMENT), identity, saved_id)
    found = content(place, sealed, versions[sealed], _LARGEST)
    if hashlib.sha256(found).hexdigest() != sums["sha256"]:
        raise NotOpened("is not what was stored: its SHA-256 is another one")
    plain = _unsealed(found, identity)
    if hashlib.sha256(plain).hexdigest() != sums["plain_sha256"]:
        raise NotOpened("holds something else than was sealed")
    return plain


def _sums(document: bytes, identity: str, saved_id: str) -> Mapping[str, str]:
    """What a document says that was written with this stack's key. Raises NotOpened."""
    try:
        plain: Any = json.loads(document)
        said = str(plain.pop("mac"))
        wanted = hmac.new(
            hashlib.sha256(b"codeb/backup/1/document\n" + identity.strip().encode()).digest(),
            json.dumps(plain, sort_keys=True).encode(),
            hashlib.sha256,
        ).hexdigest()
        if not hmac.compare_digest(said.encode(), wanted.encode()):
            raise NotOpened(
                "was not written with this stack's key: the root secret is another one, or a thief's work"
            )
        if plain["id"] != saved_id:
            raise NotOpened(f"speaks of {plain['id']}")
        return {name: str(plain[name]) for name in ("sha256", "plain_sha256")}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise NotOpened("is no document of this stack's") from None


def _unsealed(sealed: bytes, identity: str) -> bytes:
    """By age and zstd; the key goes by standard input, the rest is sealed and may be a file. Raises NotOpened."""
    import tempfile

    with tempfile.NamedTemporaryFile(prefix="codeb-platform-", suffix=".age") as file:
        file.write(sealed)
        file.flush()
        packed = _run(["age", "--decrypt", "--identity", "-", file.name], f"{identity}\n".encode())
    return _run(["zstd", "--quiet", "--decompress", "--stdout"], packed)


def _run(argv: list[str], given: bytes) -> bytes:
    try:
        done = subprocess.run(argv, input=given, capture_output=True, check=False)
    except FileNotFoundError:
        raise NotOpened(f"{argv[0]} is not installed here: it takes the packages age and zstd") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no output"]
        raise NotOpened(f"{argv[0]} can't open it: {said[0]}")
    return done.stdout


def _unpacked(tar: bytes, folder: Path) -> list[str]:
    """The state as `state.json`, what each server had in a folder of its name; names of those folders."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    servers = [_HOST]
    for name, found in _files(tar, "r:"):
        part = _PART.fullmatch(name)
        if name == _STATE:
            _written(folder, "state.json", found)
        elif part:
            servers.append(part[1])
            for inner, text in _files(found, "r:gz"):
                _written(folder, f"{part[1]}/{inner}", text)
        else:
            _written(folder, f"{_HOST}/{name}", found)
    return servers


def _files(tar: bytes, mode: Any) -> list[tuple[str, bytes]]:
    """Plain files whose names stay below a folder."""
    found = []
    with tarfile.open(fileobj=io.BytesIO(tar), mode=mode) as opened_tar:
        for member in opened_tar:
            reader = opened_tar.extractfile(member) if member.isreg() else None
            parts = Path(member.name).parts
            if reader is not None and parts and ".." not in parts and not Path(member.name).is_absolute():
                found.append((member.name, reader.read()))
    return found


def _written(folder: Path, name: str, text: bytes) -> None:
    """This user's alone, folders too."""
    path = folder / name
    for parent in reversed([each for each in path.parents if each.is_relative_to(folder)]):
        parent.mkdir(mode=0o700, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(text)


def _told(saved_id: str, folder: Path, servers: list[str], problems: list[str]) -> Result:
    state = folder / "state.json"
    has_state = state.exists()
    lines = [f"platform {saved_id} is in {folder}: what {', '.join(servers)} had"]
    if has_state:
        lines.append(f"the stack's state, when its own store is lost: `pulumi stack import --file {state}`")
    else:
        problems = [*problems, "it has no state of the stack: `codeb backup platform` was never run"]
    document = {"ok": True, "id": saved_id, "folder": str(folder), "servers": servers, "state": has_state}
    return Result(
        {**document, "problems": problems}, tuple(lines), tuple(words.clean(each) for each in problems)
    )
