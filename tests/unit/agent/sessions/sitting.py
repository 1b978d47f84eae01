"""Somebody who sits at a host in memory, and what his session's programs are."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.documents.reader import Reader
from agent.host.ports import Entry, Result
from agent.sessions.session import session
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.verbs import new_host, run

PASSWORD = "hunter2-hunter2"
TOKEN = "0123456789abcdef" * 2
CONFIG = "/var/lib/containers/app/config.json"
CGROUP = "/system.slice/codeb-shop-app-blue.service/libpod-payload-c1"
PROCESS = {
    "args": ["node", "server.js"],
    "env": ["A=1"],
    "cwd": "/app",
    "user": {"uid": 1000},
    "terminal": False,
}
ENVIRONMENT = {
    "DATABASE_URL": f"postgresql://shop:{PASSWORD}@10.77.0.2:5432/shop_db?sslmode=verify-full",
    "REDIS_HOST": "10.77.0.2", "REDIS_PORT": "8001", "REDIS_DB": "0", "REDIS_USERNAME": "shop", "REDIS_PASSWORD": PASSWORD,
    "MINIO_ENDPOINT": "http://10.77.0.2:9000", "MINIO_BUCKET": "shop-uploads", "MINIO_ACCESS_KEY": "shop",
    "MINIO_SECRET_KEY": PASSWORD,
}  # fmt: skip


def serving_host(**changes: Any) -> FakeHost:
    """A host on which a release of shop-app serves, and the data services run."""
    host = new_host()
    run(host, environment=ENVIRONMENT, **changes)
    host.put(CONFIG, json.dumps({"process": PROCESS}))
    inspected(host, "codeb-shop-app-blue", Id="c1", OCIConfigPath=CONFIG, OCIRuntime="crun")
    for name, port, inner in (
        ("postgres", 5432, 5432),
        ("redis-shop-app", 8001, 6379),
        ("minio", 9000, 9000),
    ):
        published = f"PublishPort=127.0.0.1:{port}:{inner}\nPublishPort=10.77.0.2:{port}:{inner}\n"
        host.put(f"/etc/containers/systemd/{name}.container", f"[Container]\n{published}")
        inspected(host, name, Image="sha256-of-it", NetworkSettings={"SandboxKey": f"/run/netns/{name}"})
    return host


def inspected(host: FakeHost, name: str, *, running: bool = True, **found: object) -> None:
    state = {"Running": running, "CgroupPath": CGROUP}
    words = f"podman container inspect --format {{{{json .}}}} {name}"
    host.answers[words] = Result(0, out=json.dumps({"State": state, **found}))
    if "Id" in found:
        host.answers[words.replace(name, str(found["Id"]))] = host.answers[words]


def asked(host: FakeHost, kind: str, *command: str, **changes: object) -> dict[str, Any]:
    """The answer of `session`."""
    document = {
        "version": 1, "kind": kind, "project": "shop-app", "command": list(command), "terminal": True, "by": "ann@laptop",
        "why": "a look", **changes,
    }  # fmt: skip
    return session(host.ports(), Reader(document, ""), "root")


@dataclass
class FakeProgram:
    """Ends with a status after some looks, or when it is signalled; `at_look` happens at each."""

    host: FakeHost
    code: int = 0
    looks: int = 2
    stubborn: bool = False
    at_look: Callable[[int], None] = lambda _: None
    signals: list[int] = field(default_factory=list)
    _looked: int = 0

    def ended(self, within_s: float) -> int | None:
        self._looked += 1
        self.at_look(self._looked)
        if self.signals and not self.stubborn:
            return 128 + self.signals[0]
        if self._looked >= self.looks:
            return self.code
        self.host.advance(within_s)
        return None

    def signal(self, number: int) -> None:
        self.signals.append(number)


@dataclass
class FakeSeat:
    """Notes what is started, said and signalled."""

    program: FakeProgram
    terminal: bool = True
    term: str = "screen"
    quiet: float = 0
    started: list[list[str]] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    signals: list[tuple[tuple[int, ...], int]] = field(default_factory=list)
    files: dict[str, Entry] = field(default_factory=dict)
    """What was on disk when the program started."""

    def start(self, argv: Sequence[str], environment: Mapping[str, str]) -> FakeProgram:
        self.started.append(list(argv))
        self.environment = dict(environment)
        self.files = dict(self.program.host.files)
        return self.program

    def quiet_s(self) -> float:
        return self.quiet

    def say(self, text: str) -> None:
        self.said.append(text)

    def signal(self, processes: Sequence[int], number: int) -> None:
        self.signals.append((tuple(processes), number))
