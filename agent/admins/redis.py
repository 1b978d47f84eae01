"""The administrators of Redis instances: a user can have several passwords, and nobody is logged out by one more or less."""

from __future__ import annotations

from typing import Final

from agent.admins.document import Instance
from agent.documents.errors import Failed
from agent.host.ports import Ports, RedisRefused

_LOOPBACK: Final = "127.0.0.1"
_ADMIN: Final = "default"
_SAVE: Final = ("ACL", "SAVE")


def ensure(ports: Ports, instance: Instance) -> bool:
    """Have it take the first password, beside those that it takes already; True when it did not. Raises Failed."""
    wanted, *earlier = instance.passwords
    why = ""
    try:
        # Saved again: a run that was killed between both has only set it.
        ports.redis.call(_LOOPBACK, instance.port, wanted, [_SAVE])
        return False
    except RedisRefused as error:
        why = str(error)
    for password in earlier:
        try:
            ports.redis.call(
                _LOOPBACK, instance.port, password, [("ACL", "SETUSER", _ADMIN, f">{wanted}"), _SAVE]
            )
            return True
        except RedisRefused as error:
            why = str(error)
    raise _failed(instance, f"is let in by none of its {len(instance.passwords)} passwords: {why}")


def settle(ports: Ports, instance: Instance) -> None:
    """Have it take the first password alone. Raises Failed."""
    wanted = instance.passwords[0]
    alone = ("ACL", "SETUSER", _ADMIN, "resetpass", f">{wanted}")
    try:
        ports.redis.call(_LOOPBACK, instance.port, wanted, [alone, _SAVE])
    except RedisRefused as error:
        raise _failed(instance, f"is not let in by its newest password: {error}") from error


def _failed(instance: Instance, why: str) -> Failed:
    return Failed(
        "admins",
        f"the administrator of {instance.name} {why}",
        f"see `systemctl status {instance.name}`, then run again",
    )
