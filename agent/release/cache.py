"""A project's user in Redis: one ACL user with the rules of its document, at its index or on its own instance.

Servers that run the project share the user. Each of them is written down in the user itself, as a selector that allows
nothing, so that the one that leaves knows whether others need it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from hashlib import sha256
from typing import Final

from agent.documents.errors import Failed
from agent.host.ports import Ports, RedisRefused
from agent.project import record
from agent.project.spec import CacheIndex

_REMEDY: Final = (
    "see that Redis runs (codeb-agent doctor on the data server) and has an aclfile, then run again"
)
_HOLDER: Final = re.compile(r"\(~codeb:server:([0-9a-f]{12})[ )]")


def grant(ports: Ports, index: CacheIndex, password: str, also: Collection[str], admin_password: str) -> bool:
    """Make the project's user; the index is emptied when it had another owner or none (True then).

    An existing user is changed in one step: nobody is logged out but who listens to channels that the rules no longer
    allow. `also` are hashes (SHA-256) of passwords that stay valid beside this one: those of colours that serve or stand by.
    Raises Failed.
    """

    def call(commands: list[list[str]]) -> list[object]:
        return ports.redis.call(index.host, index.port, admin_password, commands)

    try:
        rows = _rows(call([["ACL", "LIST"]])[0])
        owners = _owners(rows, index)
        if set(owners) - {index.user}:
            _not_in_use(ports, index)
        commands = [["ACL", "DELUSER", owner] for owner in owners if owner != index.user]
        passwords = [f">{password}", *(f"#{hashed}" for hashed in sorted(also))]
        if index.user not in owners:
            commands += [["FLUSHALL"]] if index.dedicated else [["SELECT", str(index.index)], ["FLUSHDB"]]
        holders = _selectors({*_holders(rows, index), _holder(ports, index)})
        user = ["ACL", "SETUSER", index.user, "reset", "on", *passwords, *index.rules, *holders]
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
    """Delete the project's user unless another server needs it; its data goes when the index gets its next owner.

    Raises Failed.
    """

    def call(commands: list[list[str]]) -> list[object]:
        return ports.redis.call(index.host, index.port, admin_password, commands)

    try:
        others = _holders(_rows(call([["ACL", "LIST"]])[0]), index) - {_holder(ports, index)}
        gone = ["ACL", "DELUSER", index.user]
        without = ["ACL", "SETUSER", index.user, "clearselectors", *_selectors(others)]
        call([without if others else gone, ["ACL", "SAVE"]])
    except RedisRefused as error:
        raise Failed("cache", str(error), _REMEDY) from error


def _holder(ports: Ports, index: CacheIndex) -> str:
    """This server, as it stands in the user: of no meaning to anybody else."""
    machine = ports.files.read("/etc/machine-id") or b""
    return sha256(machine.strip() + index.user.encode()).hexdigest()[:12]


def _holders(rows: Iterable[str], index: CacheIndex) -> set[str]:
    """The servers that have the user."""
    return {each for row in rows if row.split()[1:2] == [index.user] for each in _HOLDER.findall(row)}


def _selectors(holders: Iterable[str]) -> list[str]:
    return [f"(~codeb:server:{holder})" for holder in sorted(holders)]


def _rows(listing: object) -> list[str]:
    return [str(row) for row in listing] if isinstance(listing, list) else []


def _owners(rows: Iterable[str], index: CacheIndex) -> list[str]:
    """Users whose rules let them select this index; of a whole instance, all that may touch keys but its administrator."""
    own = re.compile(r" ~\*" if index.dedicated else rf"\+select\|{index.index}(?!\d)")
    found = []
    for row in rows:
        words = row.split()
        if len(words) > 1 and words[1] != "default" and own.search(row):
            found.append(words[1])
    return found
