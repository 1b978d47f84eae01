"""What all steps of one restore have in common."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from agent.backup import aside
from agent.backup.aside import Database
from agent.backup.programs import without_rows
from agent.backup.snapshot import Image
from agent.documents.errors import Failed
from agent.host import paths
from agent.host.pipes import PipeBroken
from agent.host.ports import Ports
from agent.host.s3 import StoreError
from agent.restore.document import Wanted
from agent.store.backups import Details
from agent.store.sealed import Damaged
from agent.store.settings import Server, Settings

Told = dict[str, object]


@dataclass(frozen=True)
class Target:
    """Whose database is to become what: the live one, what is filled beside it, what it is called once it is put aside, and
    what has that name already."""

    project: str
    live: Database
    new: str
    before: str
    kept: Database | None


@dataclass(frozen=True)
class Work:
    """One restore: by what, of what, onto what."""

    ports: Ports
    settings: Settings
    image: Image
    wanted: Wanted
    target: Target

    @property
    def server(self) -> Server:
        return self.settings.server

    @property
    def foreign(self) -> bool:
        """Whether another project's database becomes a copy."""
        return self.wanted.into is not None

    def told(self, phase: str, **more: object) -> Told:
        return {"project": self.target.project, "phase": phase, **more}

    def asked(self, text: str, database: str = "postgres") -> list[str]:
        """What psql answers the administrator. Raises PipeBroken."""
        return aside.asked(self.ports, self.server, self.image, text, database)


@dataclass(frozen=True)
class Source:
    """A database as it was: `what` in words, its details, the list of what its dump contains, the `head` of the dump that
    has that list, all of its bytes (`total`, 0 when nobody knows) as pieces, right and whole once they are exhausted."""

    what: str
    details: Details
    contents: str
    total: int
    head: bytes = field(repr=False)
    pieces: Iterable[bytes] = field(repr=False)


def target(ports: Ports, settings: Settings, image: Image, project: str, database: str) -> Target:
    """What there is. Raises Failed when there is no live database."""
    names = (database, aside.before(database))
    with said("find"):
        found: Mapping[str, Database] = aside.look(ports, settings.server, image, names)
    if database not in found:
        cause = f"{project} has no database {database} on this server"
        raise Failed("find", cause, "`pulumi up` makes it; then run again")
    return Target(project, found[database], aside.restoring(database), names[1], found.get(names[1]))


def database_of(settings: Settings, project: str) -> str:
    """Raises Failed for a project that has none here."""
    found = settings.project(project)
    if found is None or found.database is None:
        cause = f"{project} has no database that is backed up here"
        raise Failed("settings", cause, "see `backup.enabled` in its manifest, then `pulumi up`")
    return found.database


def not_gone(ports: Ports, phase: str) -> None:
    """Raises Failed when nobody waits any more."""
    if why := ports.asker.gone():
        raise Failed(
            phase, f"interrupted: {why}", "run again: it starts from its beginning", interrupted=True
        )


def free_bytes(ports: Ports) -> int:
    """Of the disk that the databases are on."""
    words = ports.runner.run(["df", "--block-size=1", "--output=avail", paths.DATA]).out.split()
    return int(words[-1]) if words and words[-1].isdigit() else 0


def refused(phase: str, error: PipeBroken, remedy: str) -> Failed:
    """What PostgreSQL's programs said, but for the lines that may show rows."""
    cause, log = without_rows(error)
    interrupted = error.first.code == 130
    if log and (gone := _NO_ROLE.search(cause)):
        remedy = f'a role that was given rights is gone: `CREATE ROLE "{gone[1]}"` (without a login), then run again'
    if interrupted:
        cause, remedy = str(error), "run again"
    return Failed(phase, cause[:500], remedy, log=log, interrupted=interrupted)


_NO_ROLE: Final = re.compile(r'role "(.+)" does not exist')
_AGAIN: Final = "`journalctl -u postgres` and `df -h` may say more; run again"


@contextmanager
def said(phase: str, remedy: str = _AGAIN) -> Iterator[None]:
    """What programs, stores and sums say becomes Failed in this phase."""
    try:
        yield
    except PipeBroken as error:
        raise refused(phase, error, remedy) from None
    except (Damaged, StoreError) as error:
        raise Failed(
            phase, str(error), "`codeb restore list` says what else there is; look at the store's disk"
        ) from None
