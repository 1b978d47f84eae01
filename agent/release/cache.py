"""A project's user and index in Redis: one ACL user that can select its own index and nothing else."""

from __future__ import annotations

import re
from typing import Final

from agent.documents.errors import Failed
from agent.host.ports import Ports, RedisRefused
from agent.project.spec import CacheIndex

# Not @dangerous: an app must not flush, list or debug. INFO is, but clients ask it when they connect.
# MOVE, COPY and SWAPDB reach into other indexes; SELECT is allowed with the own index only.
_RULES: Final = ("+@all", "-@admin", "-@dangerous", "+info", "-select", "-move", "-copy", "-swapdb")
_REMEDY: Final = (
    "see that Redis runs (codeb-agent doctor on the data server) and has an aclfile, then run again"
)


def grant(ports: Ports, index: CacheIndex, password: str, also_hash: str, admin_password: str) -> bool:
    """Make the project's user; the index is emptied when it had another owner or none (True then).

    `also_hash` (SHA-256, or "") is the password of the colour that serves; it stays valid beside
    the new one. Raises Failed.
    """

    def call(commands: list[list[str]]) -> list[object]:
        return ports.redis.call(index.host, index.port, admin_password, commands)

    try:
        owners = _owners(call([["ACL", "LIST"]])[0], index.index)
        commands = [["ACL", "DELUSER", owner] for owner in owners if owner != index.user]
        rules = [f">{password}", *([f"#{also_hash}"] if also_hash else []), "~*", "&*", *_RULES]
        if index.user not in owners:
            commands += [["SELECT", str(index.index)], ["FLUSHDB"]]
        user = ["ACL", "SETUSER", index.user, "reset", "on", *rules, f"+select|{index.index}"]
        call([*commands, user, ["ACL", "SAVE"]])
    except RedisRefused as error:
        raise Failed("cache", str(error), _REMEDY) from error
    return index.user not in owners


def revoke(ports: Ports, index: CacheIndex, admin_password: str) -> None:
    """Delete the project's user; its data goes when the index gets its next owner. Raises Failed."""
    try:
        ports.redis.call(
            index.host, index.port, admin_password, [["ACL", "DELUSER", index.user], ["ACL", "SAVE"]]
        )
    except RedisRefused as error:
        raise Failed("cache", str(error), _REMEDY) from error


def _owners(listing: object, index: int) -> list[str]:
    """Users whose rules let them select this index."""
    rows = listing if isinstance(listing, list) else []
    own = re.compile(rf"\+select\|{index}(?!\d)")
    found = []
    for row in rows:
        words = str(row).split()
        if len(words) > 1 and own.search(str(row)):
            found.append(words[1])
    return found
