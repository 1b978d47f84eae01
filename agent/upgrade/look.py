"""What the live server has, as values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from agent.backup import aside, programs
from agent.backup.snapshot import Image
from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import ANY, Reader
from agent.host.ports import Ports
from agent.restore.work import said
from agent.store.settings import Server
from agent.upgrade import programs as ours
from agent.upgrade import queries

OWN: Final = frozenset({"postgres", "template1"})
"""Databases that each cluster has: nobody's, and no project may log in to them."""
_SMALL: Final = 1 << 30
_PROVIDERS: Final = {"c": "libc", "i": "icu", "b": "builtin"}
_LOCALES: Final = {"icu": "--icu-locale", "builtin": "--builtin-locale"}
_FIRST: Final = re.compile(
    r"[0-9]+; [0-9]+ [0-9]+ (?:(?:COMMENT|ACL|SECURITY LABEL) - )?(?:DATABASE|SCHEMA|EXTENSION) "
)
_ENTRY: Final = re.compile(r"[0-9]+; [0-9]+ [0-9]+ ")


@dataclass(frozen=True)
class Database:
    """One database: its bytes on disk, whether it lets anybody in, and what is in it that matters to an upgrade.

    `foreign` are entries of its dump that aren't its owner's.
    """

    name: str
    owner: str
    size: int
    open: bool
    extensions: tuple[str, ...] = ()
    unlogged: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """The cluster. `shape` are options of initdb that make an empty one as it is."""

    major: int
    system: str
    prepared: int
    tablespaces: tuple[str, ...]
    slots: tuple[str, ...]
    libraries: tuple[str, ...]
    shape: tuple[str, ...]
    databases: tuple[Database, ...]

    @property
    def size(self) -> int:
        return sum(each.size for each in self.databases)

    @property
    def moving(self) -> tuple[Database, ...]:
        """Databases that come along."""
        return tuple(each for each in self.databases if each.open)


def look(ports: Ports, server: Server, runs: Image, image: str) -> Found:
    """Ask the live server, which `runs` an image; dumps are looked at by the new `image`. Raises Failed."""
    with said("look"):
        (line,) = aside.asked(ports, server, runs, queries.cluster())
        try:
            found = read_cluster(Reader(json.loads(line), "cluster"))
            databases = [
                _inside(ports, server, runs, image, each) if each.open else each for each in found.databases
            ]
        except (ValueError, BadDocument) as error:
            raise Failed(
                "look", f"an answer can't be read: {error}", "see `journalctl -u postgres`"
            ) from None
    return Found(**{**vars(found), "databases": tuple(databases)})


def read_cluster(reader: Reader) -> Found:
    """What the question's answer says. Raises BadDocument."""
    return Found(
        major=reader.whole("version", 10_000, 9_999_999) // 10_000,
        system=reader.text("system", re.compile("[0-9]+")),
        prepared=reader.whole("prepared", 0, _SMALL),
        tablespaces=reader.texts("tablespaces", ANY),
        slots=reader.texts("slots", ANY),
        libraries=reader.texts("libraries", ANY),
        shape=_shape(reader),
        databases=tuple(_database(each) for each in reader.children("databases") if not each.flag("broken")),
    )


def _database(reader: Reader) -> Database:
    return Database(
        reader.text("name", ANY), reader.text("owner", ANY), reader.whole("size", 0, 1 << 60), reader.flag("open")
    )  # fmt: skip


def _shape(reader: Reader) -> tuple[str, ...]:
    template, segment = reader.child("template"), reader.whole("segment", 1 << 20, _SMALL) >> 20
    provider = _PROVIDERS.get(template.maybe_text("provider") or "c", "libc")
    locale = template.maybe_text("locale") or ""
    more = [f"--locale-provider={provider}", f"{_LOCALES[provider]}={locale}"] if provider in _LOCALES else []
    return (
        f"--encoding={template.text('encoding')}",
        f"--lc-collate={template.text('collate')}",
        f"--lc-ctype={template.text('ctype')}",
        f"--wal-segsize={segment}",
        *more,
        *(["--data-checksums"] if reader.flag("checksums") else []),
    )


def _inside(ports: Ports, server: Server, runs: Image, image: str, database: Database) -> Database:
    """Raises PipeBroken, BadDocument, ValueError."""
    (line,) = aside.asked(ports, server, runs, queries.inside(), database.name)
    reader = Reader(json.loads(line), database.name)
    stages = [ours.shown(server, image, database.name), ours.listed(server, image)]
    listing = b"".join(ports.pipes.flow(stages, unless=ports.asker.gone)).decode("utf-8", "replace")
    return Database(
        database.name,
        database.owner,
        database.size,
        database.open,
        tuple(sorted(reader.document("extensions"))),
        reader.texts("unlogged", ANY),
        reader.texts("libraries", ANY),
        () if database.name in OWN else (*foreign(listing.split("\n"), database.owner), *_rows_of(reader)),
    )


def _rows_of(reader: Reader) -> list[str]:
    """Tables of an extension whose rows are dumped are the administrator's."""
    return [f"rows of extension {name}" for name in reader.texts("configured", ANY)]


def first(line: str) -> bool:
    """Whether an entry of a dump is one that only the administrator may bring, and that runs nothing of a project's."""
    return _FIRST.match(line) is not None


def foreign(lines: Iterable[str], owner: str) -> tuple[str, ...]:
    """Entries of a dump that its owner can't bring: what is somebody else's."""
    entries = [line for line in lines if _ENTRY.match(line) and not first(line)]
    return tuple(line.partition("; ")[2] for line in entries if not line.endswith((f" {owner}", " ")))


def clients(server: Server, runs: Image, name: str, database: str) -> list[str]:
    """psql of the version that serves, on the live server."""
    return programs.psql(server, runs.id, f"upgrade-{name}", database)
