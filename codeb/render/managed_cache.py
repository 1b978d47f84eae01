"""What a project's user may do at Vultr's managed Valkey: the same as in the data server's Redis, in the service's words.

Its rules come in four lists without an order, and what is allowed must not hang on one. So all is denied, and commands are
allowed one by one (`codeb/data/valkey_commands.txt`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_FILE: Final = Path(__file__).parents[1] / "data" / "valkey_commands.txt"


@dataclass(frozen=True)
class CacheAccess:
    """Rules for categories and commands, and patterns of keys and channels, as Vultr's API calls them (`access_control`)."""

    categories: tuple[str, ...]
    commands: tuple[str, ...]
    keys: tuple[str, ...]
    channels: tuple[str, ...]


def cache_access(index: int, channel_prefix: str) -> CacheAccess:
    """The data of one index, and the channels that start with `channel_prefix`."""
    return CacheAccess(
        categories=("-@all",),
        commands=(*(f"+{command}" for command in commands()), f"+select|{index}"),
        keys=("*",),
        channels=(f"{channel_prefix}*",),
    )


@cache
def commands() -> tuple[str, ...]:
    """Every command that a project's user may run, `select` apart, in order."""
    lines = _FILE.read_text("utf-8").splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))
