"""Backups of databases as a store has them: their names, their documents, which there are.

`database/<project>/<id>.dump.zst.age` is the dump, `….json` beside it, written last, says that there is a backup: who may
read the bucket sees when it was made and how large it is. What tells of the data (tables, settings) is sealed in it, and its
`mac` is made with the stack's key: nobody else makes a backup that is taken for one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import ANY, IMAGE, PROJECT, Reader
from agent.host import paths
from agent.host.ports import Ports
from agent.host.s3 import Place
from agent.store.sealed import Damaged, opened, unsealed
from agent.store.settings import DATABASE

ID: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{4}")
_SUM: Final = re.compile(r"[0-9a-f]{64}")
_MAC: Final = re.compile(r"(?:[0-9a-f]{64})?")
_AT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_VERSION: Final = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){0,2}")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_LONGEST: Final = 16 << 20
"""Bytes of a document: some fifty thousand tables with the longest names. What is longer is read by nobody."""


@dataclass(frozen=True)
class Details:
    """What a restore compares and brings back.

    Rows by table (`schema.name` as SQL writes it), the owner, settings of the database (`name=value`), those of roles in it,
    versions of its extensions, and how many bytes it took on disk (0 when a backup doesn't say).
    """

    rows: Mapping[str, int]
    owner: str
    settings: tuple[str, ...] = ()
    role_settings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    extensions: Mapping[str, str] = field(default_factory=dict)
    size: int = 0

    def text(self) -> bytes:
        found = {
            "rows": dict(self.rows),
            "owner": self.owner,
            "settings": list(self.settings),
            "role_settings": {role: list(found) for role, found in self.role_settings.items()},
            "extensions": dict(self.extensions),
            "size": self.size,
        }
        return json.dumps(found).encode()


@dataclass(frozen=True)
class Backup:
    """One backup of one database. `size` (bytes) and `sha256` are of what is stored, `plain_sha256` of the dump.

    `seconds` is how long it took; `image` the digest whose pg_dump made it, `postgres` its version; `sealed` the details.
    """

    id: str
    project: str
    database: str
    at: str
    seconds: float
    size: int
    sha256: str
    plain_sha256: str
    postgres: str
    image: str
    sealed: str = field(repr=False)

    @property
    def moment(self) -> datetime:
        """When its snapshot was taken."""
        return datetime.fromisoformat(self.at.replace("Z", "+00:00"))


def new_id(now: datetime, chance: str) -> str:
    """`chance` are four hex digits: two backups of one second have two names."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{chance}"


def folder(project: str) -> str:
    """What the names of a project's backups begin with."""
    return f"database/{project}/"


def dump_key(project: str, backup_id: str) -> str:
    return f"{folder(project)}{backup_id}.dump.zst.age"


def document_key(project: str, backup_id: str) -> str:
    return f"{folder(project)}{backup_id}.json"


def id_of(key: str) -> str | None:
    """The backup that an object belongs to; None for one that is nothing of ours."""
    name = key.rpartition("/")[2]
    stem, _, kind = name.partition(".")
    return stem if ID.fullmatch(stem) and kind in ("dump.zst.age", "json") else None


def document(ports: Ports, backup: Backup) -> bytes:
    """What `read` reads. Raises Failed without the key, and for more tables than a document has room for."""
    plain = {
        "version": 1,
        "id": backup.id,
        "project": backup.project,
        "database": backup.database,
        "at": backup.at,
        "seconds": backup.seconds,
        "bytes": backup.size,
        "sha256": backup.sha256,
        "plain_sha256": backup.plain_sha256,
        "postgres": backup.postgres,
        "image": backup.image,
        "sealed": backup.sealed,
    }
    made = json.dumps({**plain, "mac": _mac(ports, plain)}, indent=1).encode() + b"\n"
    if len(made) > _LONGEST:
        cause = f"what is noted of its tables takes {len(made) >> 20} MiB, and {_LONGEST >> 20} MiB are read"
        raise Failed("store", cause, "it has too many tables for a backup: `pg_dump` by hand saves it")
    return made


def read(ports: Ports, content: bytes) -> Backup:
    """The backup that a document speaks of. Raises Damaged when it is none of this stack's."""
    try:
        plain: Any = json.loads(content)
        reader = Reader(plain, "")
        reader.version()
        backup = Backup(
            id=reader.text("id", ID),
            project=reader.text("project", PROJECT),
            database=reader.text("database", DATABASE),
            at=reader.text("at", _AT),
            seconds=reader.number("seconds"),
            size=reader.whole("bytes", 0, 1 << 60),
            sha256=reader.text("sha256", _SUM),
            plain_sha256=reader.text("plain_sha256", _SUM),
            postgres=reader.text("postgres", _VERSION),
            image=reader.text("image", IMAGE),
            sealed=reader.text("sealed", _BASE64),
        )
        mac = reader.text("mac", _MAC)
        reader.end()
    except (ValueError, RecursionError, BadDocument) as error:
        raise Damaged(f"is no document of a backup: {error}") from None
    del plain["mac"]
    if not hmac.compare_digest(mac, _mac(ports, plain)):
        raise Damaged("was not written with this stack's key, or was changed since")
    return backup


@dataclass(frozen=True)
class Listing:
    """What a store has of a project: backups, the newest first; what looks like one and isn't, with why, by its id;
    dumps without a document (of a run that was killed, or is under way)."""

    backups: tuple[Backup, ...] = ()
    wrong: Mapping[str, str] = field(default_factory=dict)
    begun: tuple[str, ...] = ()


def listed(ports: Ports, place: Place, project: str) -> Listing:
    """Raises StoreError."""
    objects = {found.key: found for found in ports.s3.objects(place, folder(project))}
    ids = sorted({found for key in objects if (found := id_of(key))}, reverse=True)
    good, wrong, begun = [], {}, []
    for each in ids:
        document, dump = (objects.get(name(project, each)) for name in (document_key, dump_key))
        if document is None:
            begun.append(each)
            continue
        try:
            backup = read(ports, _content(ports, place, document.key, document.size))
            _fits(backup, project, each, None if dump is None else dump.size)
            good.append(backup)
        except Damaged as error:
            wrong[each] = str(error)
    return Listing(tuple(good), wrong, tuple(begun))


def names(ports: Ports, place: Place, project: str) -> tuple[str, ...]:
    """Ids of what looks like a backup in a store that lets nobody read from here, newest first. Raises StoreError."""
    keys = {found.key for found in ports.s3.objects(place, folder(project))}
    ids = {found for key in keys if (found := id_of(key))}
    whole = [each for each in ids if {document_key(project, each), dump_key(project, each)} <= keys]
    return tuple(sorted(whole, reverse=True))


def dump(
    ports: Ports, place: Place, backup: Backup, *, unless: Callable[[], object] = lambda: False
) -> Generator[bytes, None, None]:
    """A backup's dump, as pg_dump wrote it; right and whole once the generator is exhausted. Raises as `opened` does."""
    return opened(
        ports,
        place,
        dump_key(backup.project, backup.id),
        sha256=backup.sha256,
        plain_sha256=backup.plain_sha256,
        unless=unless,
    )


def sealed_details(ports: Ports, details: Details, recipient: str) -> str:
    """Details as a document holds them. Raises PipeBroken."""
    stage = ["age", "--encrypt", "--recipient", recipient]
    return base64.b64encode(b"".join(ports.pipes.flow([stage], [details.text()]))).decode()


def details(ports: Ports, backup: Backup) -> Details:
    """What a backup's document has sealed. Raises Damaged, PipeBroken when age isn't there."""
    try:
        reader = Reader(json.loads(unsealed(ports, backup.id, base64.b64decode(backup.sealed))), "")
        return read_details(reader)
    except (ValueError, BadDocument) as error:
        raise Damaged(f"the details of {backup.id} can't be read: {error}") from None


def read_details(reader: Reader) -> Details:
    """Raises BadDocument."""
    rows, roles = reader.child("rows"), reader.child("role_settings")
    found = Details(
        rows={name: rows.whole(name, 0, 1 << 62) for name in reader.document("rows")},
        owner=reader.text("owner"),
        settings=reader.texts("settings", ANY),
        role_settings={role: roles.texts(role, ANY) for role in reader.document("role_settings")},
        extensions={name: str(value) for name, value in reader.document("extensions").items()},
        size=reader.whole("size", 0, 1 << 62, 0),
    )
    reader.end()
    return found


def _content(ports: Ports, place: Place, key: str, size: int) -> bytes:
    if size > _LONGEST:
        raise Damaged(f"is larger than any document of a backup ({size} bytes)")
    return b"".join(ports.s3.get(place, key))


def _fits(backup: Backup, project: str, backup_id: str, size: int | None) -> None:
    """Raises Damaged when a document is beside a dump that isn't its own."""
    if (backup.project, backup.id) != (project, backup_id):
        raise Damaged(f"speaks of {backup.id} of {backup.project}")
    if size is None:
        raise Damaged("has no dump beside it")
    if size != backup.size:
        raise Damaged(f"says {backup.size} bytes, and its dump has {size}")


def signed(ports: Ports, plain: Mapping[str, object]) -> bytes:
    """A document with a sum that takes the stack's key to make. Raises Failed without the key."""
    return json.dumps({**plain, "mac": _mac(ports, plain)}, indent=1).encode() + b"\n"


def verified(ports: Ports, content: bytes) -> dict[str, object]:
    """What a signed document says. Raises Damaged when it wasn't written with this stack's key, ValueError."""
    try:
        plain: Any = json.loads(content)
    except RecursionError:
        plain = None
    if not isinstance(plain, dict) or not isinstance(mac := plain.pop("mac", None), str):
        raise Damaged("is no document of this stack's")
    if not hmac.compare_digest(mac.encode(errors="replace"), _mac(ports, plain).encode()):
        raise Damaged("was not written with this stack's key, or was changed since")
    return plain


def _mac(ports: Ports, plain: Mapping[str, object]) -> str:
    key = ports.files.read(paths.BACKUP_KEY)
    if key is None:
        raise Failed("settings", f"{paths.BACKUP_KEY} isn't there", "run `pulumi up`, which writes it anew")
    secret = hashlib.sha256(b"codeb/backup/1/document\n" + key.strip()).digest()
    return hmac.new(secret, json.dumps(plain, sort_keys=True).encode(), hashlib.sha256).hexdigest()
