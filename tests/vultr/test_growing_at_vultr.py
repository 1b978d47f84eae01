"""Two servers become four and two again, on the real CLI: what Vultr is called for and what agents are told, in order.

Hosts do nothing (`lab.bench.null`), so what holds here holds by dependencies alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.bench.fleets import APPS, DATA, FleetStack
from lab.bench.null import FAILS, LOG, REFUSES
from lab.vultr.simulator import Simulator
from tests.vultr.conftest import Make
from tests.vultr.told import said, steps

pytestmark = pytest.mark.cli

ATTACH = "PATCH /load-balancers"


@dataclass
class Watched:
    """A stack, and all that is done for it."""

    stack: FleetStack
    vultr: Simulator
    log: Path

    def up(self, count: int, **environment: str) -> Any:
        self.stack.change(pools=[{**APPS, "count": count}, DATA])
        return self.stack.up(**{LOG: str(self.log), **environment})

    def happened(self, count: int, **environment: str) -> list[str]:
        """What an update to so many app servers does: `PATCH /load-balancers`, `create app-3-serving`, …"""
        self.log.unlink(missing_ok=True)
        calls = len(self.vultr.calls())
        done = self.up(count, **environment)
        assert done.returncode == 0, said(done)
        return self.since(calls)

    def since(self, calls: int) -> list[str]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        found = [(each["at"], f"{each['did']} {each['name']}") for each in map(json.loads, lines)]
        for call in self.vultr.calls()[calls:]:
            if call.method != "GET" and call.account == self.stack.account:
                kind = call.path.strip("/").split("/")[0]
                found.append((call.at, f"{call.method} /{kind}"))
        return [what for _, what in sorted(found)]

    def attached(self) -> set[str]:
        """The labels of the servers that the balancer has."""
        content = self.stack.content()
        (balancer,) = content["load_balancers"].values()
        return {content["instances"][each]["label"] for each in balancer["instances"]}


@pytest.fixture
def watched(make: Make, vultr: Simulator, tmp_path: Path) -> Watched:
    """Two app servers and the data server."""
    found = Watched(make(), vultr, tmp_path / "commands.log")
    first = found.up(2)
    assert first.returncode == 0, said(first)
    return found


def only(happened: list[str], *words: str) -> list[int]:
    """When something with one of these words was done."""
    return [number for number, what in enumerate(happened) if any(word in what for word in words)]


def test_two_become_four_and_two_again(watched: Watched) -> None:
    up = watched.happened(4)
    joins = only(up, "create app-3-serving", "create app-4-serving")
    sites = only(up, "-app-3", "-app-4")
    (attach,) = only(up, ATTACH)
    assert len(joins) == 2
    assert max(joins) < attach, up
    assert len(sites) == 2, "each has the project, or the way to it"
    assert max(sites) < min(joins), up
    assert not only(up, "update"), "who stays is left alone"
    assert watched.attached() == {f"codeb-app-{number}" for number in range(1, 5)}

    down = watched.happened(2)
    (detach,) = only(down, ATTACH)
    leaves = only(down, "delete app-3-serving", "delete app-4-serving")
    retired = only(down, "delete app-3-bundle", "delete app-4-bundle")
    gone = only(down, "DELETE /instances")
    assert (len(leaves), len(retired), len(gone)) == (2, 2, 2)
    assert detach < min(leaves), down
    assert max(leaves) < min(retired), down
    assert max(retired) < min(gone), down
    assert watched.attached() == {"codeb-app-1", "codeb-app-2"}
    assert steps(watched.stack) == []


@pytest.mark.slow
def test_a_stack_of_before_gets_what_it_lacks_and_no_edge_is_detached(watched: Watched) -> None:
    """As a version left it that knew of no joining."""
    urns = [item["urn"] for item in watched.stack.resources() if item["urn"].endswith("-serving")]
    assert len(urns) == 2
    for urn in urns:
        gone = watched.stack.pulumi("state", "delete", urn, "--yes")
        assert gone.returncode == 0, said(gone)
    assert {(op, name) for op, _, name in steps(watched.stack)} == {
        ("create", "app-1-serving"),
        ("create", "app-2-serving"),
    }
    assert not only(watched.happened(2), ATTACH, "DELETE")
    assert steps(watched.stack) == []


@pytest.mark.slow
def test_an_edge_that_does_not_serve_is_not_attached_and_the_next_run_goes_on(
    watched: Watched, vultr: Simulator
) -> None:
    calls = len(vultr.calls())
    failed = watched.up(4, **{FAILS: "app-4-serving"})
    assert failed.returncode != 0
    assert "app-4-serving" in said(failed)
    assert not only(watched.since(calls), ATTACH)
    assert watched.attached() == {"codeb-app-1", "codeb-app-2"}
    again = watched.happened(4)
    (attach,) = only(again, ATTACH)
    assert max(only(again, "create app-4-serving")) < attach
    assert len(watched.attached()) == 4


@pytest.mark.slow
def test_a_server_that_died_while_it_was_to_go_is_forgotten(watched: Watched) -> None:
    assert watched.up(3).returncode == 0
    stack = watched.stack
    failed = watched.up(2, **{REFUSES: "codeb-agent leave"})
    assert failed.returncode != 0
    assert watched.attached() == {"codeb-app-1", "codeb-app-2"}, "nobody is sent there any more"
    there = stack.codeb("fleet", "forget", "--server", "app-2", "--yes")
    assert (there.returncode, "app-2 answers" in said(there)) == (1, True)
    gone = stack.codeb("fleet", "forget", "--server", "app-3", "--yes")
    assert gone.returncode == 0, said(gone)
    assert "it can't be asked whether it answers" in said(gone)
    down = watched.happened(2)
    assert only(down, "DELETE /instances")
    assert not only(down, "delete app-3-serving", "delete app-3-bundle")
    assert steps(stack) == []
    assert stack.codeb("fleet", "check").returncode == 0


@pytest.mark.slow
def test_a_project_moves_before_its_server_goes_and_one_that_runs_everywhere_comes_along(
    watched: Watched,
) -> None:
    stack = watched.stack
    assert watched.up(3).returncode == 0
    for number in range(1, 7):
        manifest = {
            "project": {"id": f"more-{number}"},
            "environment": {"domain": f"more-{number}.fleet.test", "image": "registry.bench.test/app:1"},
            "servers": {"replicas": "all" if number == 6 else 1},
        }
        (stack.folder / "manifests" / f"more-{number}.yaml").write_text(yaml.safe_dump(manifest))
    assert watched.up(3).returncode == 0
    up = watched.happened(4)
    (attach,) = only(up, ATTACH)
    assert max(only(up, "create more-6-release-app-4")) < attach
    assert not only(up, "create more-1-release", "create more-2-release"), "nobody is moved"
    runs = {item["urn"].rpartition("::")[2] for item in stack.resources() if "-release-app-3" in item["urn"]}
    assert len(runs) > 1, "somebody has to run there alone"
    down = watched.happened(2)
    releases = [
        number for number in only(down, "-release-", "-route-") if not down[number].startswith("delete")
    ]
    assert releases
    assert max(releases) < min(only(down, "delete app-3-serving", "delete app-4-serving"))
    assert steps(stack) == []
