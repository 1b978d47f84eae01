"""A Redis server with the rendered settings, and clients that log in as its projects do."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from agent.host.ports import Ports, RedisRefused
from agent.project.spec import CacheIndex
from agent.real.redis import RealRedis, _encoded, _reply
from agent.release import cache
from tests.plugins.processes import end, wait_for_port
from tests.ports import free_port
from tests.services.stack import Stack
from tests.unit.agent.fakes.host import FakeHost

TIMEOUT_S = 10


class Client:
    """One connection. `do` gives the reply, or the server's refusal as text that starts with its code, such as NOPERM."""

    def __init__(self, port: int, login: tuple[str, ...] = (), index: str | None = None) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
        self._answers: BinaryIO = self._socket.makefile("rb")
        if login:
            assert self.do("AUTH", *login) == "OK"
        if index is not None:
            assert self.do("SELECT", index) == "OK"

    def do(self, *words: str) -> Any:
        self._socket.sendall(_encoded(words))
        return self.read(words)

    def read(self, words: tuple[str, ...] = ("message",)) -> Any:
        """The next reply or message. Raises TimeoutError when none comes, RedisRefused when the server hung up."""
        try:
            return _reply(self._answers, words)
        except RedisRefused as error:
            message = str(error)
            if "refused" not in message:
                raise
            return message.partition(": ")[2]

    def silent(self, seconds: float) -> bool:
        """Whether nothing arrives for so long."""
        self._socket.settimeout(seconds)
        try:
            return not self._answers.peek(1)  # type: ignore[attr-defined]
        except TimeoutError:
            self._answers = self._socket.makefile("rb")
            return True
        finally:
            self._socket.settimeout(TIMEOUT_S)

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def close(self) -> None:
        self._socket.close()


@dataclass(frozen=True)
class RedisServer:
    """A running instance of a stack."""

    stack: Stack
    name: str
    port: int

    def admin(self) -> Client:
        return Client(self.port, (self.stack.admin_password(self.name),))

    def app(self, project: str) -> Client:
        """A connection as the project's app opens it from its environment."""
        environment = self.stack.environment(project)
        login = (environment["REDIS_USERNAME"], environment["REDIS_PASSWORD"])
        return Client(self.port, login, environment["REDIS_DB"])

    def grant(
        self,
        project: str,
        *,
        rules: tuple[str, ...] | None = None,
        also: Collection[str] = (),
        machine: str = "only",
    ) -> bool:
        """What the agent does for a release of the project on a server; whether the index was new to it."""
        index = self._index(project)
        index = index if rules is None else replace(index, rules=rules)
        ports = self._ports(machine)
        password = self.stack.environment(project)["REDIS_PASSWORD"]
        return cache.grant(ports, index, password, also, self.stack.admin_password(self.name))

    def revoke(self, project: str, machine: str = "only") -> None:
        """What the agent does when the project leaves a server."""
        admin = self.stack.admin_password(self.name)
        cache.revoke(self._ports(machine), self._index(project), admin)

    def _index(self, project: str) -> CacheIndex:
        found = self.stack.cache(project)
        return CacheIndex(**{**found, "host": "127.0.0.1", "port": self.port, "rules": tuple(found["rules"])})

    @staticmethod
    def _ports(machine: str) -> Ports:
        host = FakeHost()
        host.put("/etc/machine-id", machine)
        return replace(host.ports(), redis=RealRedis())


@contextmanager
def redis_server(stack: Stack, instance: str, folder: Path, *more: str) -> Iterator[RedisServer]:
    """Start an instance as its unit does; `more` are further arguments."""
    unit = stack.file(f"/etc/containers/systemd/{instance}.container")
    command = (
        next(line for line in unit.splitlines() if line.startswith("Exec=")).removeprefix("Exec=").split()
    )
    conf, users, port = folder / "redis.conf", folder / "users.acl", free_port()
    settings = stack.file("/etc/codeb/redis/redis.conf").replace("/data", str(folder))
    conf.write_text(settings)
    users.write_text(stack.file(f"/etc/codeb/secrets/{instance}.acl"))
    argv = [command[0], str(conf), *command[2:], "--port", str(port), "--bind", "127.0.0.1", *more]
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(argv, stdout=output, stderr=output)
    try:
        wait_for_port(port, process, log)
        yield RedisServer(stack, instance, port)
    finally:
        end(process)
