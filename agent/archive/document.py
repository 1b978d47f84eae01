"""The document of the verbs `ship` and `base` (`/etc/codeb/archive.json`), read into values."""

from __future__ import annotations

from dataclasses import dataclass

from agent.documents.reader import Reader


@dataclass(frozen=True)
class Wanted:
    """How much WAL may wait for a store (`most_spool`, bytes), and for how long every moment can be recovered."""

    most_spool: int
    retention_days: int


def read_wanted(document: Reader, *flags: str) -> tuple[Wanted, bool]:
    """The document, and whether one of `flags` is set in it. Raises BadDocument."""
    document.version()
    wanted = Wanted(
        most_spool=document.whole("spool_gib", 1, 1024) << 30,
        retention_days=document.whole("retention_days", 1, 3650),
    )
    given = [document.flag(flag, default=False) for flag in flags]
    document.end()
    return wanted, any(given)
