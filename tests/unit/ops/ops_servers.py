"""Servers in memory, each with an agent that answers what a test says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from codeb.ssh import SshTarget
from ops.access import Server
from ops.ssh import Answer, SshError

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nthe-private-key\n-----END OPENSSH PRIVATE KEY-----\n"
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0kxXQw8RwP8VXoR3wkzXkX0LhSCTY0zH8m6bYwJ1T"
OLD, NEW, OLDER = "reg.lab:5000/shop:1", "reg.lab:5000/shop:2", "reg.lab:5000/shop:0"


def server(number: int, pool: str = "default") -> Server:
    return Server(f"app{number}", pool, SshTarget(f"10.0.0.{number}", 22, "root", HOST_KEY, KEY))


def release(number: int, image: str, why: str = "released") -> dict[str, Any]:
    return {
        "id": f"r{number}", "image": image, "digest": f"sha256:{image[-1] * 64}", "at": "2026-11-24T17:00:00Z",
        "by": "ann@laptop", "why": why,
    }  # fmt: skip


@dataclass
class Host:
    """What serves on one server, what it would go back to, and what a rollback withdrew."""

    serving: dict[str, Any] | None = None
    previous: dict[str, Any] | None = None
    withdrawn: dict[str, Any] | None = None
    down: bool = False
    fails: bool = False

    def answer(self, verb: str, document: Mapping[str, Any]) -> Answer:
        if verb == "status":
            host = {"name": "h", "time": "2026-11-24T17:02:00Z"}
            return Answer(
                0, {"ok": True, "host": host, "projects": [self.status(document.get("project", "shop"))]}
            )
        if verb == "notify":
            return Answer(0, {"ok": True, "enqueued": 2, "warnings": []})
        return self._rollback(document)

    def status(self, project: str) -> dict[str, Any]:
        if self.serving is None:
            return {"project": project, "status": "unknown", "cause": "it has no release on this host"}
        past = {
            "id": "r2", "at": "2026-11-24T16:00:00Z", "outcome": "failed", "colour": "green", "image": NEW, "digest": "",
            "by": "ann@laptop", "duration_s": 2.5, "cause": "health: answered 503",
        }  # fmt: skip
        return {
            "project": project, "active": "blue", "status": "healthy", "cause": "", "release": self.serving,
            "image": self.serving["image"], "standby": True, "standby_until": "2026-11-24T18:00:00Z",
            "previous": self.previous, "withdrawn": self.withdrawn, "maintenance": False, "history": [past],
        }  # fmt: skip

    def _rollback(self, document: Mapping[str, Any]) -> Answer:
        if self.fails or self.serving is None:
            return Answer(
                1,
                {
                    "ok": False,
                    "phase": "observe",
                    "cause": "it has no release on this host",
                    "remedy": "wait",
                },
            )
        goal = self.withdrawn if document.get("forward") else self.previous
        if goal is None:
            return Answer(
                0, {"ok": True, "release": self.serving, "changed": False, "warnings": ["it serves already"]}
            )
        left, forward = self.serving, document.get("forward")
        why = "rolled forward" if forward else f"rolled back from {left['id']} ({left['image']})"
        self.serving = goal | {"id": "r9", "why": f"{why} by {document['by']}"}
        self.previous, self.withdrawn = (left, None) if forward else (None, left)
        health = {"status": "healthy"}
        return Answer(
            0, {"ok": True, "release": self.serving, "changed": True, "warnings": [], "health": health}
        )


@dataclass
class Fleet:
    """Hosts by the name of their server; `calls` is what was sent."""

    hosts: dict[str, Host]
    calls: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)

    @property
    def servers(self) -> list[Server]:
        return [server(int(name.removeprefix("app"))) for name in self.hosts]

    def ask(self, target: SshTarget, verb: str, document: Mapping[str, Any]) -> Answer:
        name = f"app{target.address.rpartition('.')[2]}"
        self.calls.append((name, verb, dict(document)))
        if self.hosts[name].down:
            raise SshError(f"{target.where}: Connection refused; check that the server is up")
        return self.hosts[name].answer(verb, document)

    def sent(self, verb: str) -> list[str]:
        return sorted(name for name, what, _ in self.calls if what == verb)


def ahead() -> Host:
    """A host that serves the new release, the old one standing by."""
    return Host(release(8, NEW), previous=release(7, OLD))


def behind() -> Host:
    """A host that the new release never reached."""
    return Host(release(7, OLD), previous=release(6, OLDER))
