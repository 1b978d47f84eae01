"""Redis in memory: its users, and which indexes were emptied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from agent.host.ports import RedisRefused, RedisUntrusted


@dataclass
class FakeRedis:
    """Users with their rules. `flushed` are emptied indexes; one that was only selected is there as a negative.

    `step` counts an effect, and says whether it is to fail.
    """

    step: Callable[[], bool]
    users: dict[str, list[str]] = field(default_factory=dict)
    flushed: list[int] = field(default_factory=list)
    silent: bool = False
    untrusted: bool = False
    service_users: dict[str, str] = field(default_factory=dict)
    theirs: dict[str, tuple[int, ...]] = field(default_factory=dict)
    emptied: list[tuple[str, int]] = field(default_factory=list)

    def call(
        self, host: str, port: int, admin_password: str, commands: Sequence[Sequence[str]]
    ) -> list[object]:
        if self.step():
            raise RedisRefused(f"Redis at {host}:{port} can't be reached: connection refused")
        return [self._one(list(command)) for command in commands]

    def call_as(
        self, host: str, port: int, user: str, password: str, commands: Sequence[Sequence[str]]
    ) -> list[object]:
        """A service whose users may select the indexes of `theirs`."""
        if self.step() or self.silent:
            raise RedisRefused(f"Redis at {host}:{port} can't be reached: connection refused")
        if self.untrusted:
            raise RedisUntrusted(f"the certificate of Redis at {host}:{port}: self-signed certificate")
        if self.service_users.get(user, password) != password:
            raise RedisRefused("Redis refused AUTH: WRONGPASS invalid username-password pair")
        for command in commands:
            if command[0] == "SELECT" and int(command[1]) not in self.theirs.get(user, ()):
                raise RedisRefused("Redis refused SELECT: NOPERM this user has no permissions")
            if command[0] == "FLUSHDB":
                self.emptied.append((user, int(commands[0][1])))
        return ["OK" for _ in commands]

    def _one(self, command: list[str]) -> object:
        match command:
            case ["ACL", "LIST"]:
                return [f"user {name} {' '.join(rules)}" for name, rules in self.users.items()]
            case ["ACL", "SETUSER", name, "clearselectors", *rules]:
                self.users[name] = [rule for rule in self.users[name] if rule[0] != "("] + rules
            case ["ACL", "SETUSER", name, *rules]:
                self.users[name] = rules
            case ["ACL", "DELUSER", name]:
                self.users.pop(name, None)
            case ["FLUSHALL"]:
                self.flushed.append(0)
            case ["SELECT", index]:
                self.flushed.append(-int(index))
            case ["FLUSHDB"]:
                self.flushed[-1] = -self.flushed[-1]
        return "OK"
