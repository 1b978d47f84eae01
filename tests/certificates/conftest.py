"""Several edges that share their certificates, a balancer in front of them, and a CA that asks through it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from codeb.model import parse_settings
from codeb.plan import make_plan
from codeb.render.edge import caddyfile
from lab.acme import pebble
from lab.acme.pebble import Pebble, Where
from lab.host import Lab
from tests.plugins.processes import wait_for_port
from tests.ports import free_port

from .balancer import Balancer
from .edge import Edge

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILm3VvNVtCWIeC9ZGkZOXXsdFvNKWa7nZIPl0Tl8tXuq"


@dataclass
class Fleet:
    """`edges` are those that were made; `http` and `tls` are the balancer's two ports."""

    folder: Path
    ca: Pebble
    http: Balancer
    tls: Balancer
    edges: list[Edge] = field(default_factory=list)

    @property
    def raw(self) -> Path:
        """The disk of the shared file system, as whoever serves it sees it."""
        return self.folder / "raw"

    def edge(self, *sites: str) -> Edge:
        """One more, not yet started, in front of which the balancer doesn't stand yet."""
        number = len(self.edges) + 1
        home, share = self.folder / f"edge{number}", self.folder / f"share{number}"
        for path in (home, share):
            path.mkdir()
        edge = Edge(f"127.0.0.{10 + number}", home, share, self.text, free_port(), free_port(), list(sites))
        self.edges.append(edge)
        edge.attach(self.raw)
        return edge

    def balance(self, *edges: Edge, http: bool = True, tls: bool = True) -> None:
        """From now on the balancer sends visitors to these."""
        self.http.targets = [(edge.address, edge.http) for edge in edges if http]
        self.tls.targets = [(edge.address, edge.https) for edge in edges if tls]

    def running(self, *sites: str, count: int = 2) -> list[Edge]:
        """So many edges with these sites, all certificates ordered."""
        edges = [self.edge(*sites) for _ in range(count)]
        self.balance(*edges)
        for edge in edges:
            edge.start()
        for edge in edges:
            for site in sites:
                edge.awaited(site)
        return edges

    @property
    def text(self) -> str:
        """The Caddyfile of an edge that shares its certificates, but for the platform's own hosts."""
        server = {"hostKey": HOST_KEY}
        settings = parse_settings(
            {
                "domain": "platform.test",
                "servers": [
                    {**server, "name": "one", "address": "10.0.0.1", "roles": ["app", "data", "edge"]},
                    {**server, "name": "two", "address": "10.0.0.2", "roles": ["edge"]},
                ],
                "acmeEmail": "infra@platform.test",
                "acmeDirectory": self.ca.directory,
                "acmeCa": self.ca.ca,
                "certificatesFolder": "/mnt/certificates",
            }
        )
        plan = make_plan(settings, ())
        text = caddyfile(plan, plan.servers[0]).replace("/etc/caddy/acme-ca.crt", f"{self.folder}/ca/ca.crt")
        platform_hosts = re.compile(r"^minio[.]platform[.]test .*?(?=^import sites)", re.M | re.S)
        return platform_hosts.sub("", text)

    def end(self) -> None:
        for edge in self.edges:
            edge.end()
        self.ca.stop()
        for balancer in (self.http, self.tls):
            balancer.close()


@pytest.fixture(scope="session")
def programs() -> pebble.Programs:
    return pebble.build(Lab.here())


@pytest.fixture
def fleet(tmp_path: Path, programs: pebble.Programs) -> Iterator[Callable[..., Fleet]]:
    """Makes a fleet; arguments are the CA's."""
    if os.geteuid() != 0 or shutil.which("bindfs") is None or not Path("/dev/fuse").exists():
        pytest.skip("needs root, FUSE and bindfs (package bindfs)")
    made: list[Fleet] = []

    def make(**options: object) -> Fleet:
        http, tls = free_port(), free_port()
        for name in ("ca", "raw"):
            (tmp_path / name).mkdir()
        ca = Pebble(
            programs, tmp_path / "ca", Where(free_port(), free_port(), free_port(), http, tls), **options
        )  # type: ignore[arg-type]
        found = Fleet(tmp_path, ca, Balancer(http), Balancer(tls))
        made.append(found)
        ca.start()
        wait_for_port(ca.where.acme, ca.process, ca.log)
        return found

    yield make
    for each in made:
        each.end()
