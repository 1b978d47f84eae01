"""A throwaway PostgreSQL as the cluster was at a moment, on files of its own, which nobody outside its container reaches.

    with recovered(ports, settings, found, at) as instance:
        ports.runner.run(instance.psql("shop_db"), stdin="SELECT …")

PostgreSQL opens for writing where WAL ends, whatever the reason: so the chain is looked at before (`chain`), a moment that
isn't reached fails (`recovery_target_time`), and where it ended is compared with where WAL ends.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from agent.archive import chain, choice, elder, fetch, programs, throwaway
from agent.archive.choice import Choice
from agent.archive.stock import Stock
from agent.archive.throwaway import Throwaway
from agent.documents.errors import Failed
from agent.host import paths
from agent.host.ports import Ports
from agent.store.settings import Settings

_PREFIX: Final = "recovery-"
_SETTINGS: Final = (
    *throwaway.SETTINGS,
    ("hot_standby", "off"),  # so that its limits may be lower than the cluster's
    ("recovery_target_action", "promote"),
    ("recovery_target_inclusive", "on"),
)
_NOT_REACHED: Final = "recovery ended before configured recovery target was reached"
_LAST: Final = re.compile(r"last completed transaction was at log time (\S+ \S+)\+00")


@dataclass(frozen=True)
class Instance(Throwaway):
    """A recovered server. `reached` is when its last transaction ended, None when there was none after the base backup;
    `end` the position (LSN) it was recovered to."""

    base: str
    reached: datetime | None
    end: int


@contextmanager
def recovered(
    ports: Ports, settings: Settings, found: Stock, at: datetime | None, parent: str = paths.ARCHIVE
) -> Generator[Instance, None, None]:
    """A server as the cluster was at a moment, or as late as can be; gone at the end, with its files.

    Its files are below `parent`. Raises Failed (which base backup or segment is missing or damaged, no room, a moment that
    the archive doesn't have), StoreError.
    """
    chosen = choice.chosen(found, at)
    name = f"{programs.RECOVERY}-{secrets.token_hex(4)}"
    folder = f"{parent}/{_PREFIX}{name.rpartition('-')[2]}"
    fetch.room_for(ports, chosen, at, parent)
    image = elder.image_for(ports, settings.server, chosen.window.base)
    ports.journal.log(f"recovery {name}: from base backup {chosen.window.base.id} to {at or 'the end'}")
    try:
        fetch.laid_out(ports, chosen, folder)
        ports.files.write(f"{folder}/pg_hba.conf", throwaway.LOGINS, 0o600, programs.OWNER)
        yield _recovered(ports, image, chosen, at, name, folder)
    finally:
        ports.runner.run(programs.gone(name), timeout_s=120)
        ports.files.remove_tree(folder)


def leftovers(ports: Ports, parent: str = paths.ARCHIVE) -> list[str]:
    """Remove what recoveries that were killed left behind; their names. Callers hold the lock of backups."""
    found = [name for name in ports.files.listing(parent) if name.startswith(_PREFIX)]
    for name in found:
        ports.runner.run(programs.gone(f"{programs.RECOVERY}-{name.removeprefix(_PREFIX)}"), timeout_s=120)
        ports.files.remove_tree(f"{parent}/{name}")
    return found


def _recovered(
    ports: Ports, image: str, chosen: Choice, at: datetime | None, name: str, folder: str
) -> Instance:
    """WAL is fetched as far as the moment should be in it; further when it isn't. Raises Failed."""
    for wal in fetch.portions(ports, chosen, at, folder):
        ports.files.write(f"{folder}/data/recovery.signal", b"", 0o600, programs.OWNER)
        log = _started(ports, image, chosen, at, name, folder)
        if log is not None:
            return _looked_at(ports, chosen, at, name, folder, log)
        ports.journal.log(f"recovery {name}: the moment is not in WAL up to {wal}")
    missing = chosen.window.chain.missing
    hole = f": segment {missing} is missing, and nothing behind it can be recovered" if missing else ""
    cause = f"WAL ends before {at:%Y-%m-%d %H:%M:%S} UTC{hole}" if at else "there is no WAL"
    raise Failed(
        "recovery", cause, "name an earlier moment: `codeb restore list` says up to when there is one"
    )


def _started(
    ports: Ports, image: str, chosen: Choice, at: datetime | None, name: str, folder: str
) -> str | None:
    """What the server wrote until it was open; None when it ended because the moment isn't in its WAL. Raises Failed."""
    target = [("recovery_target_time", f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00")] if at else []
    server = Throwaway(name, folder)
    given = [
        *_SETTINGS,
        *target,
        *throwaway.places(server),
        ("restore_command", f'cp "{folder}/wal/%f" "%p"'),
        ("recovery_target_timeline", str(chosen.window.chain.timeline)),
    ]
    result = ports.runner.run(programs.recovery(name, image, folder, given), timeout_s=120)
    if not result.ok:
        raise Failed("recovery", f"PostgreSQL can't be started: {result.text[:300]}", "see `podman images`")
    if throwaway.comes_up(ports, server):
        return throwaway.said(ports, server)
    _why_ended(ports, server)
    return None


def _why_ended(ports: Ports, server: Throwaway) -> None:
    """Raises Failed, unless it ended because the moment isn't in its WAL."""
    log = throwaway.said(ports, server)
    ports.runner.run(programs.gone(server.name), timeout_s=120)
    if _NOT_REACHED in log:
        return
    raise Failed(
        "recovery",
        f"PostgreSQL ended: {throwaway.complaint(log)}",
        "see the log lines",
        log=throwaway.end_of(log),
    )


def _looked_at(
    ports: Ports, chosen: Choice, at: datetime | None, name: str, folder: str, log: str
) -> Instance:
    """The instance, if recovery ended where it was to end. Raises Failed."""
    end = _ended_at(ports, folder)
    wal = chosen.window.chain
    if at is None and end < wal.last.start - programs.SPAN:
        cause = f"PostgreSQL found no more WAL at {end:#x}, and the archive has it up to {wal.end:#x}"
        raise Failed("recovery", f"{cause}: a segment in between is damaged", "recover to a moment before it")
    found = _LAST.search(log)
    reached = datetime.fromisoformat(f"{found[1]}+00:00") if found else None
    return Instance(name, folder, chosen.window.base.id, reached, end)


def _ended_at(ports: Ports, folder: str) -> int:
    """Where recovery ended: PostgreSQL begins a timeline there, and notes it in its history. Raises Failed."""
    wal = f"{folder}/data/pg_wal"
    names = [name for name in ports.files.listing(wal) if name.endswith(".history")]
    try:
        past = chain.parse_history((ports.files.read(f"{wal}/{max(names)}") or b"").decode())
        return past[-1].until
    except (ValueError, IndexError):
        raise Failed("recovery", "PostgreSQL doesn't say where it ended", "run again") from None
