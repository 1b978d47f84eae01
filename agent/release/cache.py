"""A project's user in Redis: one ACL user with the rules of its document, at its index or on its own instance."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from agent.documents.errors import Failed
from agent.host.ports import Ports, RedisRefused
from agent.project import record
from agent.project.spec import CacheIndex

_REMEDY: Final = (
    "see that Redis runs (codeb-agent doctor on the data server) and has an aclfile, then run again"
)


def grant(ports: Ports, index: CacheIndex, password: str, also: Collection[str], admin_password: str) -> bool:
    """Make the project's user; the index is emptied when it had another owner or none (True then).

    An existing user is changed in one step: nobody is logged out but who listens to channels that the rules no longer
    allow. `also` are hashes (SHA-256) of passwords that stay valid beside this one: those of colours that serve or stand by.
    Raises Failed.
    """

    def call(commands: list[list[str]]) -> list[object]:
        return ports.redis.call(index.host, index.port, admin_password, commands)

    try:
        owners = _owners(call([["ACL", "LIST"]])[0], index)
        if set(owners) - {index.user}:
            _not_in_use(ports, index)
        commands = [["ACL", "DELUSER", owner] for owner in owners if owner != index.user]
        passwords = [f">{password}", *(f"#{hashed}" for hashed in sorted(also))]
        if index.user not in owners:
            commands += [["FLUSHALL"]] if index.dedicated else [["SELECT", str(index.index)], ["FLUSHDB"]]
        user = ["ACL", "SETUSER", index.user, "reset", "on", *passwords, *index.rules]
        call([*commands, user, ["ACL", "SAVE"]])
    except RedisRefused as error:
        raise Failed("cache", str(error), _REMEDY) from error
    return index.user not in owners


def _not_in_use(ports: Ports, index: CacheIndex) -> None:
    """A cache that an app of another project serves with is not given away. Raises Failed."""
    for project in record.known_projects(ports):
        spec = record.serving_spec(ports, project)
        other = spec.cache if spec else None
        if other is None or other.user == index.user:
            continue
        if (other.host, other.port, other.index) == (index.host, index.port, index.index):
            raise Failed(
                "cache",
                f"index {index.index} of Redis at {index.host}:{index.port} is what {project} serves with",
                f"if {project} is to go, remove it here by hand, then run again: "
                f"""`echo '{{"version": 1, "project": "{project}"}}' | codeb-agent remove`""",
            )


def revoke(ports: Ports, index: CacheIndex, admin_password: str) -> None:
    """Delete the project's user; its data goes when the index gets its next owner. Raises Failed."""
    try:
        ports.redis.call(
            index.host, index.port, admin_password, [["ACL", "DELUSER", index.user], ["ACL", "SAVE"]]
        )
    except RedisRefused as error:
        raise Failed("cache", str(error), _REMEDY) from error


def _owners(listing: object, index: CacheIndex) -> list[str]:
    """Users whose rules let them select this index; of a whole instance, all that may touch keys but its administrator."""
    rows = listing if isinstance(listing, list) else []
    own = re.compile(r" ~\*" if index.dedicated else rf"\+select\|{index.index}(?!\d)")
    found = []
    for row in rows:
        words = str(row).split()
        if len(words) > 1 and words[1] != "default" and own.search(str(row)):
            found.append(words[1])
    return found
