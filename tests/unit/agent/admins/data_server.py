"""A data server in memory: who is let in by PostgreSQL, Redis and MinIO, and what psql and mc are told there."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agent.admins.scram import verifier
from agent.host.ports import Ports, RedisRefused, Result
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.fakes.systemd import Container

ROOT = "codeb_admin"
PORTS = {"redis-0": 6379, "redis-shop": 6390}


def password(kind: str, number: int) -> str:
    return f"{kind}{number}".ljust(40, "x")


def document(**numbers: int) -> dict[str, Any]:
    """What a bundle says of administrators with these numbers."""
    known = dict.fromkeys(("postgres", "redis", "minio", "archive", "backup"), 1) | numbers
    minio = [password("minio", number) for number in range(known["minio"], 0, -1)]
    later = [
        {"user": f"{ROOT}.{number}", "password": password("minio", number)}
        for number in range(known["minio"], 1, -1)
    ]
    account = {
        "user": f"codeb_backup.{known['backup']}",
        "password": password("backup", known["backup"]),
        "policy": "codeb_backup",
    }
    return {
        "numbers": known,
        "postgres": password("postgres", known["postgres"]),
        "redis": [
            {
                "name": name,
                "port": port,
                "passwords": [password("redis", number) for number in range(known["redis"], 0, -1)],
            }
            for name, port in PORTS.items()
        ],
        "minio": {
            "logins": [*later, *({"user": ROOT, "password": each} for each in minio)],
            "accounts": [account] if known["backup"] > 1 else [],
        },
    }


@dataclass
class Minio:
    """`users` have a password and policies. `root` is what its last start has read."""

    root: str = password("minio", 1)
    root_access: bool = True
    users: dict[str, tuple[str, set[str]]] = field(default_factory=dict)

    def admits(self, user: str, given: str) -> bool:
        """Whether this login administers."""
        if user == ROOT:
            return self.root_access and given == self.root
        secret, policies = self.users.get(user, ("", set()))
        return secret == given and "consoleAdmin" in policies

    def mc(self, words: list[str], stdin: str) -> Result:
        login, *rest = stdin.splitlines()
        if not self.admits(*login.split(":", 1)):
            return _refused("The Access Key Id you provided does not exist in our records.")
        match words:
            case ["admin", "policy", "info", "it", "consoleAdmin"]:
                return Result(0, "{}\n")
            case ["admin", "user", "add", "it"]:
                name, secret = rest
                self.users[name] = (secret, self.users.get(name, ("", set()))[1])
            case ["admin", "policy", "attach", "it", policy, "--user", name]:
                self.users[name][1].add(policy)
            case ["admin", "config", "set", "it", "api", "root_access=off"]:
                self.root_access = False
            case ["admin", "user", "ls", "it"]:
                return Result(0, "".join(json.dumps({"accessKey": name}) + "\n" for name in self.users))
            case ["admin", "user", "rm", "it", name]:
                del self.users[name]
            case _:
                return _refused(f"mc can't {words}")
        return Result(0, '{"status": "success"}\n')


def _refused(why: str) -> Result:
    error = {"message": "Unable to do it", "cause": {"message": why}}
    return Result(1, json.dumps({"status": "error", "error": error}) + "\n")


@dataclass
class DataServer:
    """The services of a fresh server of number 1. `seen` are all words that programs were run with."""

    host: FakeHost
    postgres: str = password("postgres", 1)
    redis: dict[str, set[str]] = field(
        default_factory=lambda: {name: {password("redis", 1)} for name in PORTS}
    )
    saved: dict[str, set[str]] = field(default_factory=dict)
    """What Redis has of it on disk."""
    minio: Minio = field(default_factory=Minio)
    seen: list[str] = field(default_factory=list)
    away: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.saved = {name: set(passwords) for name, passwords in self.redis.items()}
        for name in ("postgres", "minio", *PORTS):
            self.host.systemd.running[f"{name}.service"] = Container("image", "", 0)

    def ports(self) -> Ports:
        known = self.host.ports()
        return replace(known, runner=_Runner(self, known), redis=self)

    def psql(self, text: str) -> Result:
        if "postgres" in self.away:
            return Result(2, err="psql: error: connection refused")
        found = text.split("'")[1]
        if found == verifier(self.postgres):
            return Result(0)
        numbers = range(1, 10)
        self.postgres = next(
            each for each in (password("postgres", n) for n in numbers) if verifier(each) == found
        )
        return Result(0, "changed\n")

    def call(
        self, host: str, port: int, admin_password: str, commands: Sequence[Sequence[str]]
    ) -> list[object]:
        name = next(name for name, known in PORTS.items() if known == port)
        if name in self.away or admin_password not in self.redis[name]:
            raise RedisRefused("Redis refused AUTH: WRONGPASS")
        for command in commands:
            if self.host.step():
                raise RedisRefused("Redis closed the connection")
            match list(command):
                case ["ACL", "SAVE"]:
                    self.saved[name] = set(self.redis[name])
                case ["ACL", "SETUSER", "default", *rules]:
                    kept = set() if "resetpass" in rules else self.redis[name]
                    self.redis[name] = kept | {rule[1:] for rule in rules if rule[0] == ">"}
        return ["OK"] * len(commands)


class _Runner:
    def __init__(self, server: DataServer, known: Ports) -> None:
        self._server, self._known = server, known
        self.lines = known.runner.lines

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        timeout_s: float = 60,
        unless: Callable[[], object] = lambda: False,
    ) -> Result:
        words = list(argv)
        server = self._server
        server.seen += words
        if words[:2] != ["podman", "exec"]:
            return self._known.runner.run(argv, stdin=stdin, timeout_s=timeout_s, unless=unless)
        if server.host.step():
            return Result(125, err="injected failure")
        if "psql" in words:
            result = server.psql(stdin or "")
        elif "minio" in server.away:
            result = Result(1, "mc: nothing answers\n")
        else:
            result = server.minio.mc(words[words.index("mc") + 1 :], stdin or "")
        server.host.after()
        return result
