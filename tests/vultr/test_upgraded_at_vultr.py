"""A fleet of an earlier version goes on: an update of the program as it is now, on state and account as they were then.

`recorded/before-growing.json` is of the last version whose edges served from the moment they had their sites: two app
servers, a data server, two projects, a balancer. The agent is left out of the state, its secrets are of the stack's own
passphrase, which tests have alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from lab.bench.fleets import FleetStack
from lab.pulumi.cli import Cli
from lab.vultr.simulator import Simulator
from lab.vultr.store import FILE
from tests.vultr.told import said, steps

pytestmark = pytest.mark.cli

RECORDED = Path(__file__).parent / "recorded" / "before-growing.json"
SEED = b"recorded" * 4


@pytest.fixture
def recorded() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RECORDED.read_text())
    return found


@pytest.fixture
def account(tmp_path: Path, recorded: dict[str, Any]) -> Iterator[Simulator]:
    """Vultr as that version left it."""
    folder = tmp_path / "vultr"
    folder.mkdir()
    (folder / FILE).write_text(json.dumps(recorded["store"]))
    with Simulator(folder) as simulator:
        yield simulator


@pytest.fixture
def stack(built: Cli, account: Simulator, recorded: dict[str, Any], tmp_path: Path) -> FleetStack:
    """The same settings and key, and the state of then."""
    found = FleetStack.make(built, tmp_path / "recorded", account, projects=2)
    key = ed25519.Ed25519PrivateKey.from_private_bytes(SEED).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    found.change(sshPrivateKey=key.decode())
    found.bench.stack.state.write_text(json.dumps(recorded["state"]))
    found.bench.remember()
    return found


def test_a_fleet_of_before_gets_what_it_lacks_and_loses_nothing(
    stack: FleetStack, account: Simulator
) -> None:
    before = stack.content()
    found = steps(stack)
    assert {(op, name) for op, _, name in found if op != "update"} == {
        ("create", "app-1-serving"),
        ("create", "app-2-serving"),
    }
    calls = len(account.calls())
    done = stack.up()
    assert done.returncode == 0, said(done)
    methods = {(call.method, call.path.split("/")[1]) for call in account.calls()[calls:]}
    assert not {each for each in methods if each[0] in ("POST", "DELETE")}, "nothing is made or goes at Vultr"
    for kind in ("instances", "blocks", "load_balancers", "domains", "vpcs"):
        assert stack.content()[kind].keys() == before[kind].keys()
    assert steps(stack) == []
