"""The accounts by which a watched stack asks PostgreSQL and Redis for their figures, and nothing else.

They are there while the bundle has their passwords, and go with the first one that has none.
"""

from __future__ import annotations

import pkgutil
from typing import Final

from agent.admins import postgres
from agent.admins.document import Admins, Instance
from agent.admins.scram import VERIFIER, verifier
from agent.documents.errors import Failed
from agent.host.ports import Ports, RedisRefused

USER: Final = "codeb_metrics"
RULES: Final = (
    *("resetkeys", "resetchannels", "-@all", "+ping", "+info", "+client|setname"),
    *("+latency|latest", "+latency|histogram", "+slowlog|len"),
)
"""What Redis lets it do: no key, no channel, no command that anybody sent, no setting."""
_TIMEOUT_S: Final = 60
_LOOPBACK: Final = "127.0.0.1"


def ensure(ports: Ports, admins: Admins, *, before: bool) -> list[str]:
    """Have both or neither, as the bundle says; `before`: whether they are there. What was changed. Raises Failed."""
    if admins.metrics is None and not before:
        return []
    wanted = admins.metrics
    changed = [f"role:{USER}"] if _postgres(ports, wanted.postgres if wanted else None) else []
    for instance in admins.redis:
        _redis(ports, instance, wanted.redis if wanted else None)
    return changed


def statements(password: str | None) -> str:
    """For psql: make the role, or drop it where nobody has a password for it."""
    content = pkgutil.get_data(__package__, "figures.sql" if password else "no-figures.sql")
    if content is None:
        raise FileNotFoundError("the statements are not in this agent")
    if not password:
        return content.decode()
    found = verifier(password)
    if not VERIFIER.fullmatch(found):
        raise ValueError("no verifier of a password")
    return f"\\set verifier '{found}'\n{content.decode()}"


def _postgres(ports: Ports, password: str | None) -> bool:
    result = ports.runner.run(postgres.program(), stdin=statements(password), timeout_s=_TIMEOUT_S)
    if result.ok:
        return bool(result.out.strip())
    said = result.err.strip().splitlines()
    raise Failed(
        "admins",
        f"PostgreSQL's role {USER}: {said[-1] if said else f'status {result.code}'}",
        "see `journalctl -u postgres`, then run again",
    )


def _redis(ports: Ports, instance: Instance, password: str | None) -> None:
    """A user that is there gets password and rules once more; nobody is logged out by that."""
    wanted = ("ACL", "SETUSER", USER, "reset", "on", f">{password}", *RULES)
    change = wanted if password else ("ACL", "DELUSER", USER)
    try:
        ports.redis.call(_LOOPBACK, instance.port, instance.passwords[0], [change, ("ACL", "SAVE")])
    except RedisRefused as error:
        raise Failed(
            "admins",
            f"the user {USER} of {instance.name}: {error}",
            f"see `systemctl status {instance.name}`, then run again",
        ) from error
