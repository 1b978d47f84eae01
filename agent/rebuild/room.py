"""How much disk all of it takes, beside what is free. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from agent.archive import chain
from agent.archive.segments import SIZE
from agent.documents.errors import Failed
from agent.rebuild.place import Archive

SPARE: Final = 1 << 30


def needed(archive: Archive | None, dumped: Mapping[str, int], uploads: Collection[int]) -> int:
    """Bytes at most at once: the recovered cluster (with its WAL) beside the databases made of it, dumps by what their
    databases took, a fifth more; the objects; a GiB."""
    total = sum(dumped.values())
    beside = 0
    if archive is not None:
        base = archive.stock.bases[-1]
        wal = chain.follow(base.first, archive.stock.wal, archive.stock.histories)
        beside = base.plain_size + SIZE * (len(wal.segments) + 1)
        total += base.plain_size
    return beside + total + total // 5 + sum(uploads) + SPARE


def refuse_crowded(takes: int, free: int) -> None:
    """Raises Failed when there is no room for it."""
    if free < takes:
        cause = f"it takes about {takes >> 20} MiB on the disk of /srv/codeb, and {free >> 20} MiB are free"
        remedy = "take a larger disk; or some projects at a time (`--project`): what is back stays"
        raise Failed("room", cause, remedy)
