"""The stack `fleet` as its tests drive it: manifests of their own, the servers' consoles, visitors of the balancer."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lab import paths
from lab.apps import PROBE
from lab.fleet.cloud import Cloud
from lab.pulumi.stack import Stack as PulumiStack
from lab.vultr.machines.ground import Ground
from lab.vultr.machines.servers import Server

VISITOR = "10.77.0.1"
"""This machine, as the lab's bridge has it."""
PATIENT = {"timeout": "10s", "max_response": "5s"}
"""Of health checks."""


@dataclass(frozen=True)
class Answer:
    """What a visitor got: a status and a body, or how it failed."""

    status: str
    body: bytes = b""

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Production:
    """A deployed fleet. `folder` is a project folder like the repository's, with manifests of its own."""

    cloud: Cloud
    folder: Path
    pulumi: PulumiStack

    def write(self, name: str, manifest: Mapping[str, Any]) -> None:
        _write(self.folder, name, manifest)

    def up(self, *arguments: str) -> str:
        """What an update says, which must succeed."""
        self.pulumi.clear()
        line = self.pulumi.command("up", ["--yes", "--skip-preview", "--non-interactive", *arguments])
        done = self._done(line)
        assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-4000:]}"
        return done.stdout + done.stderr

    def codeb(self, *arguments: str) -> str:
        """What `codeb …` says on this stack, which must succeed."""
        done = self.asked(*arguments)
        assert done.returncode == 0, f"{arguments}\n{done.stdout[-6000:]}\n{done.stderr[-4000:]}"
        return done.stdout + done.stderr

    def asked(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`codeb …` on this stack, however it ends."""
        return self._done([str(paths.CODEB), *arguments, "--stack", self.pulumi.name])

    def outputs(self, *, secrets: bool = False) -> dict[str, Any]:
        return self.pulumi.outputs(secrets)

    def server(self, name: str) -> Server:
        """The machine behind a server."""
        ground = Ground(self.cloud.lab)
        found = next(each for each in self.cloud.servers() if each.name == name)
        return ground.server(ground.book.read(), found.instance)

    def on(self, name: str, *argv: str, stdin: str = "") -> subprocess.CompletedProcess[bytes]:
        """A command on a server's console."""
        return self.server(name).run(argv, stdin.encode())

    def project(self, name: str, project: str) -> dict[str, Any]:
        """What a server's agent says of a project that it runs."""
        done = self.on(name, "codeb-agent", "status", stdin=json.dumps({"version": 1, "project": project}))
        found: dict[str, Any] = json.loads(done.stdout)["projects"][0]
        return found

    def ask(self, domain: str, path: str = "/", body: object = None) -> Answer:
        """A visitor's request through the balancer, on a connection of its own, the certificate checked."""
        context = ssl.create_default_context(cadata=self.ca)
        connection = http.client.HTTPConnection(domain, timeout=10)
        sent = None if body is None else json.dumps(body)
        try:
            plain = socket.create_connection((self.cloud.entry() or "", 443), 10)
            connection.sock = context.wrap_socket(plain, server_hostname=domain)
            connection.request(
                "GET" if sent is None else "POST", path, sent, {"Content-Type": "application/json"}
            )
            answer = connection.getresponse()
            return Answer(str(answer.status), answer.read())
        except OSError as error:
            return Answer(type(error).__name__)
        finally:
            connection.close()

    def waits_for(self, domains: Mapping[str, str], seconds: float = 90) -> None:
        """Until each domain's path answers 200 some times running, so through every server that is let in."""
        end, good = time.monotonic() + seconds, 0
        while good < 4:
            found = {domain: self.ask(domain, path).status for domain, path in domains.items()}
            good = good + 1 if set(found.values()) == {"200"} else 0
            assert time.monotonic() < end, found
            time.sleep(0.5)

    @property
    def ca(self) -> str:
        return (self.folder / "ca.crt").read_text()

    def _done(self, argv: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            argv,
            cwd=self.folder,
            env={**os.environ, **self.pulumi.environment()},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


@dataclass
class Visitors:
    """Requests of two visitors, again and again while the block runs."""

    production: Production
    domain: str
    seen: list[tuple[float, str]] = field(default_factory=list)

    def __enter__(self) -> Visitors:
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._work) for _ in range(2)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join(60)

    def _work(self) -> None:
        while not self._done.wait(0.1):
            began = time.monotonic()
            self.seen.append((began, self.production.ask(self.domain).status))

    def failed(self, since: float = 0) -> list[tuple[float, str]]:
        """Requests that were begun since then and got no 200: how long after it, and how they ended."""
        return sorted((round(at - since, 2), how) for at, how in self.seen if at >= since and how != "200")

    def said(self) -> str:
        return str(dict(Counter(how for _, how in self.seen)))


def _write(folder: Path, name: str, manifest: Mapping[str, Any]) -> None:
    text = yaml.safe_dump(dict(manifest), allow_unicode=True)
    (folder / "manifests" / f"{name}.yaml").write_text(text)


def project_folder(folder: Path) -> Path:
    """The repository's program, settings and manifests, where manifests can be added."""
    (folder / "manifests").mkdir()
    for name in paths.PROGRAM:
        if name != "Pulumi.dev.yaml":
            (folder / name).symlink_to(paths.REPO / name)
    (folder / "Pulumi.fleet.yaml").symlink_to(paths.REPO / "Pulumi.fleet.yaml")
    for path in (paths.REPO / "manifests").glob("*.yaml"):
        manifest = yaml.safe_load(path.read_text())
        health = manifest.setdefault("monitoring", {}).setdefault("health", {})
        health.update(
            PATIENT
        )  # `codeb status` judges one answer, on a machine that runs four servers at once
        _write(folder, path.stem, manifest)
    return folder


def echo(title: str) -> dict[str, Any]:
    """A project without data that runs on both app servers."""
    return {
        "project": {"id": "echo"},
        "environment": {
            "domain": "echo.lab.test",
            "image": "registry.lab.test:5000/codeb/echo:1.0.0",
            "variables": {"TITLE": title},
        },
        "servers": {"replicas": 2},
        "resources": {name: {"enabled": False} for name in ("database", "cache", "storage")},
        "monitoring": {"health": {"path": "/", "interval": "500ms", "start_timeout": "60s", **PATIENT}},
    }


def shop() -> dict[str, Any]:
    """A project that stores orders."""
    return {
        "project": {"id": "shop"},
        "environment": {"domain": "shop.lab.test", "image": PROBE.image},
        "monitoring": {"health": {"interval": "500ms", "start_timeout": "60s", **PATIENT}},
    }
