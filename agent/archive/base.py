"""The verb `base`: a base backup of the whole cluster, from which WAL leads on to any later moment."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from agent.archive import bases, cluster, programs, recovery, segments, stock
from agent.archive.bases import Base
from agent.archive.copies import copied_base, handed_on
from agent.archive.document import Wanted, read_wanted
from agent.archive.prune import pruned
from agent.backup.snapshot import server_image
from agent.documents.errors import Failed
from agent.documents.reader import Reader
from agent.host.pipes import PipeBroken
from agent.host.ports import Ports
from agent.host.s3 import StoreError
from agent.store import backups
from agent.store.ability import looked_at
from agent.store.sealed import Damaged, Sealed, put_sealed
from agent.store.settings import Settings, Store, load_settings
from agent.store.turn import turn

_LONGEST_WAIT_S: Final = 12 * 3600
_KEPT: Final = 64 << 10
_RANGES: Final = re.compile(rb'"WAL-Ranges":\s*(\[[^\]]*\])')


@dataclass(frozen=True)
class Range:
    """The WAL that a base backup takes to be consistent; positions are LSNs."""

    timeline: int
    start: int
    end: int


def base(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """Take a base backup and store it everywhere; then delete what no moment of the retention takes. Raises Failed.

    When a store has none at all and another has a young one, that one is copied and none is taken.
    """
    wanted, soon = read_wanted(document, "soon")
    settings = load_settings(ports)
    with turn(ports, "base", by, _LONGEST_WAIT_S):
        ports.journal.log(f"base backup by {by}")
        return _taken(ports, looked_at(ports, settings), wanted, soon=soon)


def _taken(ports: Ports, settings: Settings, wanted: Wanted, *, soon: bool) -> dict[str, object]:
    for name in recovery.leftovers(ports):
        ports.journal.log(f"base backup: {name} of a recovery that was killed is removed")
    facts = cluster.asked_once(ports, settings.server)
    handed = handed_on(ports, settings, facts.system)
    if handed is not None:
        return _answer(ports, settings, handed.base, handed.refused, gone=0)
    soon = soon or not _any_moment(ports, settings, facts.system)
    made, store, refused = _stored(ports, settings, facts, soon=soon)
    for other in settings.stores:
        if other is store or other.name in refused:
            continue
        if problem := copied_base(ports, store.place, other.place, made):
            refused[other.name] = problem
    gone = pruned(ports, settings, made.system, wanted.retention_days)
    return _answer(ports, settings, made, refused, gone=gone)


def _answer(
    ports: Ports, settings: Settings, made: Base, refused: Mapping[str, str], *, gone: int
) -> dict[str, object]:
    for name, why in refused.items():
        ports.journal.log(f"base backup {made.id}: {name} doesn't have it: {why}")
    return {
        "ok": not refused,
        "id": made.id,
        "at": made.at.isoformat(),
        "seconds": made.seconds,
        "bytes": made.size,
        "stores": [each.name for each in settings.stores if each.name not in refused],
        "refused": refused,
        "pruned": gone,
        **({"summary": f"not every store has it: {', '.join(refused)}"} if refused else {}),
    }


def _any_moment(ports: Ports, settings: Settings, system: str) -> bool:
    """Whether a moment can be recovered without it: users needn't feel a checkpoint in haste then."""
    for store in settings.stores:
        try:
            if stock.point_in_time_from(stock.stock(ports, store.place, system)) is not None:
                return True
        except (StoreError, PipeBroken, Damaged) as error:
            ports.journal.log(f"base backup: {store.name} can't be asked: {error}")
    return False


def _stored(
    ports: Ports, settings: Settings, facts: cluster.Facts, *, soon: bool
) -> tuple[Base, Store, dict[str, str]]:
    """The backup in the first store that takes it, that store, and why others before it didn't. Raises Failed."""
    refused: dict[str, str] = {}
    for store in settings.stores:
        try:
            return _stored_in(ports, settings, store, facts, soon=soon), store, refused
        except StoreError as error:
            refused[store.name] = str(error)
        except PipeBroken as error:
            raise Failed("base", str(error), "see the log lines and run again", log=_log(error)) from error
    why = "; ".join(f"{name}: {cause}" for name, cause in refused.items())
    raise Failed(
        "store", f"no store takes the base backup: {why}", "see `codeb-agent backups`, then run again"
    )


def _stored_in(ports: Ports, settings: Settings, store: Store, facts: cluster.Facts, *, soon: bool) -> Base:
    """Raises StoreError, PipeBroken, Failed."""
    begun = ports.clock.monotonic()
    base_id = backups.new_id(ports.clock.now(), secrets.token_hex(2))
    image = server_image(ports, settings.server)
    argv = programs.base_backup(settings.server, image.id, soon=soon)
    ends = _Ends(ports.pipes.flow([argv]))
    sealed = put_sealed(
        ports, store.place, bases.tar_key(facts.system, base_id), ends.pieces(), settings.recipient
    )
    seconds = round(ports.clock.monotonic() - begun, 1)
    made = _described(facts, base_id, sealed, ends.range(), (image.digest, ports.clock.now(), seconds))
    ports.s3.put(store.place, bases.document_key(made.system, made.id), bases.document(ports, made))
    return made


def _described(
    facts: cluster.Facts, base_id: str, sealed: Sealed, span: Range, made: tuple[str, datetime, float]
) -> Base:
    image, at, seconds = made
    return Base(
        id=base_id,
        system=facts.system,
        at=at,
        seconds=seconds,
        timeline=span.timeline,
        start=span.start,
        end=span.end,
        size=sealed.size,
        sha256=sealed.sha256,
        plain_size=sealed.plain_size,
        plain_sha256=sealed.plain_sha256,
        version=facts.version,
        image=image,
    )


class _Ends:
    """A tar of pg_basebackup on its way, with the end of it, where the manifest is."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self._end = b""

    def pieces(self) -> Generator[bytes, None, None]:
        for piece in self._pieces:
            self._end = (self._end + piece)[-_KEPT:]
            yield piece

    def range(self) -> Range:
        """What the manifest says of WAL. Raises Failed when it isn't there."""
        return read_range(self._end)


def read_range(end: bytes) -> Range:
    """The WAL that the manifest at the end of a tar names (`WAL-Ranges`, backup-manifest format). Raises Failed."""
    found = _RANGES.findall(end)
    try:
        [each] = json.loads(found[-1])
        start, stop = segments.position(each["Start-LSN"]), segments.position(each["End-LSN"])
        return Range(int(each["Timeline"]), start, stop)
    except (IndexError, ValueError, KeyError, TypeError):
        cause = (
            "the base backup doesn't say which WAL it takes: it isn't whole, or spans a change of timeline"
        )
        raise Failed("base", cause, "run again") from None


def _log(error: PipeBroken) -> tuple[str, ...]:
    return tuple(line for line in error.said.splitlines() if line.strip())[-20:]
