"""`codeb ci` on the real Pulumi CLI: a plan's name on another machine, what it lets through, and a look for drift."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from lab.bench.programs import manifests_program
from lab.bench.stacks import Bench
from lab.host.paths import Folders
from lab.host.progress import Progress
from lab.pulumi.cli import cli
from ops.ci.account import Account
from ops.ci.deploy import Asked as Deployment
from ops.ci.deploy import deploy
from ops.ci.drift import drift
from ops.ci.health import Target
from ops.ci.plan import Asked, plan
from ops.ci.world import World
from ops.preview import runner
from ops.pulumi import outputs
from ops.runs import Run
from tests.unit.ci.ci_world import Place

pytestmark = pytest.mark.cli
STACK = "bench"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A stack with two projects, deployed."""
    folder = tmp_path_factory.mktemp("bench")
    bench = Bench.make(cli(Folders.here(), Progress(), ()), folder, manifests_program(folder / "program", 2))
    bench.up()
    return bench


class Site:
    """A workflow's run on the real CLI; visitors are told 200, and GitHub is in memory."""

    def __init__(self, bench: Bench, place: Place) -> None:
        self.folder, self.place = bench.program.folder, place
        self.visited: list[Target] = []

    def world(self, folder: Path | None = None) -> World:
        there = folder or self.folder
        return replace(
            self.place.world, folder=there, runner=runner, visit=self._visit, run=Run(),
            outputs=lambda stack: outputs(there, stack),
        )  # fmt: skip

    def write(self, name: str, image: str = "registry.bench.test/app:1") -> None:
        environment = {"domain": f"{name}.bench.test", "image": image}
        document = {"project": {"id": name}, "environment": environment, "servers": {"pool": "pool0"}}
        # the timer of a backup is the server's: then all of its projects are asked
        document["backup"] = {"enabled": False}
        (self.folder / "manifests" / f"{name}.yaml").write_text(yaml.safe_dump(document))

    def _visit(self, target: Target) -> int:
        self.visited.append(target)
        return 200


@pytest.fixture
def site(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    for name, value in bench.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Site(bench, Place.make(tmp_path))


def test_a_plan_lets_through_what_it_said_and_nothing_else(site: Site, tmp_path: Path) -> None:
    site.write("planned")
    first = plan(Asked(STACK), site.world())
    assert first.ok, first.problems
    name = str(first.document["plan"])
    elsewhere = shutil.copytree(
        site.folder, tmp_path / "elsewhere", ignore=shutil.ignore_patterns("__pycache__")
    )
    assert plan(Asked(STACK), site.world(elsewhere)).document["plan"] == name, (
        "another runner has another folder"
    )

    site.write("planned", "registry.bench.test/app:2")
    refused = deploy(Deployment(STACK, name), site.world())
    assert (refused.ok, refused.document["phase"]) == (False, "plan")
    assert "planned" not in outputs(site.folder, STACK)["projects"]

    site.write("planned")
    done = deploy(Deployment(STACK, name), site.world())
    assert done.ok, done.problems
    assert "planned" in outputs(site.folder, STACK)["projects"]
    assert {target.domain for target in site.visited} == {"planned.bench.test"}

    again = plan(Asked(STACK), site.world())
    assert site.place.step_outputs["changes"] == "false", again.lines


def test_a_look_for_drift_asks_what_is_there_and_writes_nothing(site: Site, bench: Bench) -> None:
    before = bench.stack.state.read_bytes()
    found = drift(STACK, site.world(), lambda _, __: Account())
    assert found.ok, found.problems
    assert found.document["drift"] == []
    assert site.place.hub.issues == []
    assert bench.stack.state.read_bytes() == before
