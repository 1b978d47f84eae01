"""The stack `fleet` as tests and benchmarks drive it: manifests and counts of their own, consoles, visitors."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import subprocess
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lab import paths
from lab.fleet import shape
from lab.fleet import stack as fleet
from lab.fleet.cloud import Cloud
from lab.host import Lab, LabError
from lab.host.cache import remove, write_atomically
from lab.pulumi.stack import Stack as PulumiStack
from lab.vultr.machines.ground import Ground
from lab.vultr.machines.servers import Server

VISITOR = "10.77.0.1"
"""This machine, as the lab's bridge has it."""
PATIENT = {"timeout": "10s", "max_response": "5s"}
"""Of health checks."""


_CHANGES = (" + ", " - ", " ~ ", " ++ ", " -- ", " +-")
"""How the CLI's lines on resources that change begin; the outputs after them are many more."""


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
        """Add a manifest, or change it; the next update deploys it."""
        text = yaml.safe_dump(dict(manifest), allow_unicode=True)
        (self.folder / "manifests" / f"{name}.yaml").write_text(text)

    def resize(self, pool: str, count: int) -> None:
        """Let the settings say so many servers of a pool; the next update makes it so. Raises LabError: no such pool."""
        path = self.folder / shape.SETTINGS.name
        settings = yaml.safe_load(path.read_text())
        pools = {each["name"]: each for each in settings["config"]["codeb:pools"]}
        if pool not in pools:
            raise LabError(f"{path} has no pool {pool!r}", f"say one of: {', '.join(pools)}")
        pools[pool]["count"] = count
        write_atomically(path, yaml.safe_dump(settings, allow_unicode=True))

    def up(self, *arguments: str) -> str:
        """What an update says. Raises LabError with its words when it fails."""
        self.pulumi.open()
        self.pulumi.clear()
        line = self.pulumi.command("up", ["--yes", "--skip-preview", "--non-interactive", *arguments])
        return _said(self._done(line), "an update of the fleet")

    def codeb(self, *arguments: str) -> str:
        """What `codeb …` says on this stack. Raises LabError with its words when it fails."""
        return _said(self.asked(*arguments), f"codeb {' '.join(arguments)}")

    def asked(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`codeb …` on this stack, however it ends."""
        return self._done(self._codeb(arguments))

    def edits(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`codeb …` that edits the stack's file and updates: the CLI reads the file itself, not the copy of it as it was."""
        return self._done(self._codeb(arguments), without=("PULUMI_OPTION_CONFIG_FILE",))

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
            if time.monotonic() > end:
                raise LabError(f"after {seconds:.0f} s there is {found}", "see `python -m lab.fleet status`")
            time.sleep(0.5)

    def begin(self) -> None:
        """The first update, and the authority by which its sites are checked from then on. Raises LabError."""
        self.up()
        self.authority.write_text(self.outputs()["caCertificate"])

    @property
    def authority(self) -> Path:
        """The certificate of the authority that issued the sites'."""
        return self.folder / "ca.crt"

    @property
    def ca(self) -> str:
        return self.authority.read_text()

    def _codeb(self, arguments: Sequence[str]) -> list[str]:
        return [str(paths.CODEB), *arguments, "--stack", self.pulumi.name]

    def _done(self, argv: list[str], without: Collection[str] = ()) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **self.pulumi.environment()}
        return subprocess.run(
            argv,
            cwd=self.folder,
            env={name: value for name, value in environment.items() if name not in without},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


def _said(done: subprocess.CompletedProcess[str], what: str) -> str:
    if done.returncode != 0:
        changes = "\n".join(line for line in done.stdout.splitlines() if line.startswith(_CHANGES))
        said = f"{changes[-3000:]}\n{done.stdout[-6000:]}\n{done.stderr[-4000:]}"
        raise LabError(f"{what} failed with status {done.returncode}:\n{said}", "see its words")
    return done.stdout + done.stderr


def repository_manifests() -> dict[str, dict[str, Any]]:
    """The repository's, patient with health: `codeb status` judges one answer, on a machine that runs several servers."""
    found = {}
    for path in (paths.REPO / "manifests").glob("*.yaml"):
        found[path.stem] = manifest = yaml.safe_load(path.read_text())
        manifest.setdefault("monitoring", {}).setdefault("health", {}).update(PATIENT)
    return found


def project_folder(folder: Path) -> Path:
    """The repository's program and settings, where settings can be changed and manifests added; there is none yet."""
    (folder / "manifests").mkdir()
    for name in paths.PROGRAM:
        if name != "Pulumi.dev.yaml":
            (folder / name).symlink_to(paths.REPO / name)
    (folder / shape.SETTINGS.name).write_text(shape.SETTINGS.read_text())
    return folder


@contextmanager
def fresh(folder: Path) -> Iterator[Production]:
    """A fleet on an empty account, without manifests, with nothing deployed yet. `folder` is to be its project folder.

    The clone's own fleet goes, and so does this one at the end. Raises LabError.
    """
    cloud = Cloud(Lab.here())
    cloud.clean()
    remove(paths.FLEET)
    cloud.lab.ensure(())
    cloud.start()
    try:
        stack = fleet.stack(cloud, project_folder(folder))
        fleet.prepare(cloud, stack)
        yield Production(cloud, stack.project, stack)
    finally:
        cloud.clean()
        remove(paths.FLEET)
