"""The stack `fleet` in a shape, deployed on a simulated Vultr with machines, in a lab of its own."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import paths
from lab.fleet import shape as shapes
from lab.fleet import stack as fleet
from lab.fleet.cloud import Cloud
from lab.host import Lab
from lab.host.processes import wait_until
from lab.pulumi.stack import Stack
from lab.report import probe
from lab.vultr.machines import LabMachines
from lab.vultr.machines.servers import Server
from lab.vultr.simulator import Simulator

APPS = ("blog", "food", "estate")
PATIENCE_S = 60.0
"""A balancer takes a server in after two good health checks, 15 seconds apart."""


@dataclass(frozen=True)
class Shaped:
    """One shape's stack, the account that it is in, and by what its visitors trust it once that is known."""

    stack: Stack
    vultr: Simulator
    machines: LabMachines

    @classmethod
    def make(cls, lab: Lab, vultr: Simulator, machines: LabMachines, shape: str, **values: object) -> Shaped:
        """The repository's manifests and a shape's settings; `values` are further ones."""
        place = lab.folders.lab / "fleet" / shape
        more = {f"codeb:{key}": value for key, value in values.items()}
        mine = {"codeb:adminAddresses": [lab.network.gateway]}
        project = shapes.project(place, shapes.settings(shape) | mine | more, lab.folders.lab)
        stack = fleet.of(project, lab.folders.lab / "fleet", vultr.environment())
        fleet.prepare(Cloud(lab, vultr.folder), stack)
        return cls(stack, vultr, machines)

    def up(self, *arguments: str) -> str:
        """An update, which must end well; what it said."""
        self.stack.open()
        return self._said([*self.stack.command("up"), "--yes", "--skip-preview", *arguments])

    def unchanged(self) -> None:
        """A further update, which must change nothing."""
        self.up("--expect-no-changes")

    def destroy(self) -> None:
        """Take it off the account, which must be empty then, and no machine be left."""
        self._said([*self.stack.command("destroy"), "--yes", "--skip-preview"])
        assert wait_until(self.vultr.is_empty, 20), self.vultr.content()
        ground = self.machines.ground
        notes = ground.book.read()
        left = [notes.servers, notes.balancers, notes.reserved, ground.disks.all(), ground.networks.mine()]
        assert not any(left), left
        assert not list(ground.folders.hosts.iterdir())

    def codeb(self, *arguments: str) -> str:
        """`codeb …` on this stack, which must end well; what it said."""
        return self._said([str(paths.CODEB), *arguments, "--stack", self.stack.name])

    def instance(self, name: str) -> str:
        """A server's id, by the stack's name of it."""
        instances = self.vultr.content()["instances"]
        (found,) = (key for key, one in instances.items() if one["label"] == f"codeb-{name}")
        return str(found)

    def server(self, name: str) -> Server:
        """A server's machine."""
        ground = self.machines.ground
        return ground.server(ground.book.read(), self.instance(name))

    def on(self, name: str, *argv: str) -> str:
        """Output of a command on a server's console, which must succeed."""
        done = self.server(name).run(list(argv))
        assert done.returncode == 0, done.stderr.decode() + done.stdout.decode()
        return done.stdout.decode().strip()

    def address(self, name: str) -> str:
        """A server's public address."""
        return self.machines.ground.book.read().servers[self.instance(name)].main

    def balancer(self) -> str:
        """The balancer's address."""
        (found,) = self.machines.ground.book.read().balancers.values()
        return found.address

    def answers(self, address: str, ca: Path | None = None) -> None:
        """Every app must answer at an address, with a certificate that is trusted by `ca` (the stack's own CA)."""
        if ca is None:
            ca = self.stack.project / "ca.crt"
            ca.write_text(self.stack.outputs()["caCertificate"])
        wrong: list[str] = []

        def fine() -> bool:
            wrong[:] = [said for app in APPS if (said := _asked(app, address, ca)) != "200"]
            return not wrong

        assert wait_until(fine, PATIENCE_S, pause=1), wrong

    def outputs(self) -> dict[str, Any]:
        return self.stack.outputs()

    def _said(self, line: list[str]) -> str:
        environment = {**os.environ, **self.stack.environment()}
        done = subprocess.run(
            line, cwd=self.stack.project, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )  # fmt: skip
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr


def get(url: str, address: str, ca: Path | None = None) -> tuple[http.client.HTTPResponse, str]:
    """A GET to an address, whatever DNS says, redirects not followed: the answer and its body."""
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    with socket.create_connection((address, 443 if scheme == "https" else 80), 10) as plain:
        connection = http.client.HTTPConnection(host, timeout=10)
        connection.sock = plain
        if scheme == "https":
            context = ssl.create_default_context(cafile=str(ca))
            connection.sock = context.wrap_socket(plain, server_hostname=host)
        connection.request("GET", f"/{path}")
        answer = connection.getresponse()
        return answer, answer.read().decode(errors="replace")


def _asked(app: str, address: str, ca: Path) -> str:
    try:
        return str(probe(f"https://{app}.lab.test/api/health", address, ca))
    except OSError as error:
        return f"{app}: {error}"
