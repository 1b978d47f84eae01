"""A data server that is lost is made again, on the real Pulumi CLI: empty, without apps; then the apps come."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from codeb.ssh import SshTarget
from lab.bench.programs import manifests_program
from lab.bench.stacks import Bench
from lab.host.paths import Folders
from lab.host.progress import Progress
from lab.pulumi.cli import cli
from ops.access import Server
from ops.pulumi import CliStack
from ops.rebuild_server import Lost, made_again
from ops.ssh import Answer, SshError

pytestmark = pytest.mark.cli
DATA = Server("server0", "pool0", SshTarget("127.66.0.1", 9, "root", "key", "private"), holds_data=True)


def unreached(target: SshTarget, verb: str, document: Mapping[str, Any]) -> Answer:
    raise SshError("127.66.0.1: no route")


def answers(target: SshTarget, verb: str, document: Mapping[str, Any]) -> Answer:
    return Answer(0, {"ok": True, "projects": [{"project": "app-0001", "active": None}]})


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Two projects that run. What they hold isn't what a first run would give them: one came and went before."""
    program = manifests_program(tmp_path / "program", 3)
    made = Bench.make(cli(Folders.here(), Progress(), ()), tmp_path, program)
    made.up()
    file = program.folder / "manifests" / "app-0000.yaml"
    manifest = yaml.safe_load(file.read_text())
    manifest["project"]["lifecycle"] = "destroy"
    file.write_text(yaml.safe_dump(manifest))
    made.up()
    file.unlink()
    made.up()
    made.up()
    return made


def latest(bench: Bench) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(bench.stack.state.read_text())["checkpoint"]["latest"][
        "resources"
    ]
    return found


def resources(bench: Bench) -> set[str]:
    return {each["urn"].rpartition("::")[2] for each in latest(bench)}


def registry(bench: Bench) -> dict[str, Any]:
    root = next(each for each in latest(bench) if each["type"] == "pulumi:pulumi:Stack")
    found: dict[str, Any] = root["outputs"]["registry"]
    return found


def held(bench: Bench) -> dict[str, Any]:
    return {key: (entry["ports"], entry["redis"]) for key, entry in registry(bench)["projects"].items()}


@pytest.mark.slow
def test_it_is_made_empty_without_apps_and_forgets_no_allocation(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, kept = resources(bench), held(bench)
    releases = {name for name in before if "-release-" in name}
    assert releases
    for name, value in {**os.environ, **bench.environment()}.items():
        monkeypatch.setenv(name, value)
    stack, said = CliStack(bench.program.folder, "bench"), list[str]()
    saved: list[Mapping[str, Any]] = []

    def keep(document: Mapping[str, Any], name: str) -> str:
        saved.append(document)
        return name

    lost, gone = Lost("server0", DATA, made=True), unreached
    code = made_again(stack, lost, gone, keep, lambda: True, said.append)
    assert code == 0, said
    assert resources(bench) == before - releases
    assert held(bench) == kept
    assert saved
    assert any(line.startswith("forgotten: ") for line in said)

    again = made_again(stack, lost, answers, keep, lambda: True, said.append)
    assert again == 0
    assert len(saved) == 1, "what was made stays in the state"
    assert resources(bench) == before - releases

    bench.up()
    assert resources(bench) == before
    assert held(bench) == kept
    assert {entry["status"] for entry in registry(bench)["projects"].values()} == {"running"}
    bench.run_text("up", ["--yes", "--skip-preview", "--expect-no-changes"])
