"""One home of the CLI for all; a simulated account and a deployed stack for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.host.paths import Folders
from lab.host.progress import Progress
from lab.pulumi.cli import cli
from lab.pulumi.home import Home
from lab.vultr.simulator import Simulator
from tests.fleet.stack import FleetStack

OTHER, ZONE = "codeb-other-ffffff", "example.test"
"""The mark of a second stack in the same account, and the zone of both."""


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home of the tests' own."""
    made = Home(tmp_path_factory.mktemp("pulumi"))
    made.ensure(cli(Folders.here(), Progress(), ()))
    return made


@pytest.fixture
def empty(tmp_path: Path, home: Home) -> Iterator[FleetStack]:
    """A stack before its first update, in an account that has the zone and things of a second stack and of nobody."""
    with Simulator(tmp_path / "vultr") as vultr:
        stack = FleetStack(tmp_path, home, vultr)
        for path, body in OTHERS:
            stack.settle(path, body)
        yield stack


@pytest.fixture
def stack(empty: FleetStack) -> FleetStack:
    """The same, deployed."""
    done = empty.up()
    assert done.code == 0, done.out + done.err
    return empty


_SERVER = {"region": "icn", "plan": "vc2-1c-1gb", "os_id": 2625, "label": "codeb-app-1"}
OTHERS = (
    ("/domains", {"domain": ZONE}),
    (
        f"/domains/{ZONE}/records",
        {"name": "mail", "type": "MX", "data": "mx.example.net", "ttl": 300, "priority": 10},
    ),
    ("/instances", {**_SERVER, "tags": ["codeb", OTHER]}),
    ("/instances", {**_SERVER, "tags": []}),
    ("/vpcs", {"region": "icn", "description": OTHER, "v4_subnet": "10.65.0.0", "v4_subnet_mask": 20}),
    ("/firewalls", {"description": OTHER}),
    ("/blocks", {"region": "icn", "size_gb": 40, "label": f"{OTHER}-data-1"}),
    ("/ssh-keys", {"name": f"{OTHER}-0a0a0a0a", "ssh_key": "ssh-ed25519 AAAA other"}),
)
"""Of a second stack with the same labels, and of nobody."""
