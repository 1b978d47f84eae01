"""Requests on the real Pulumi CLI, with servers nowhere: asked once, kept by every later run, and gone when closed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.bench.programs import manifests_program
from lab.bench.stacks import Bench
from lab.host.paths import Folders
from lab.host.progress import Progress
from lab.pulumi.cli import cli
from ops.request import VARIABLE, request_text

pytestmark = pytest.mark.cli
IMAGE = "registry.bench.test/app@sha256:" + "a" * 64
OPENED = {
    "app-0001-pr-5": {"project": "app-0001", "pull": 5, "image": IMAGE, "until": "2026-11-30T12:00:00Z"}
}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A stack with two projects, deployed."""
    program = manifests_program(tmp_path / "program", 2)
    file = program.folder / "Pulumi.bench.yaml"
    settings = yaml.safe_load(file.read_text())
    settings["config"] |= {"codeb:development": "true", "codeb:previews": {"max": 1}}
    file.write_text(yaml.safe_dump(settings))
    bench = Bench.make(cli(Folders.here(), Progress(), ()), tmp_path, program)
    bench.up()
    return bench


def latest(bench: Bench) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(bench.stack.state.read_text())["checkpoint"]["latest"]
    return found


def registry(bench: Bench) -> dict[str, Any]:
    root = next(each for each in latest(bench)["resources"] if each["type"] == "pulumi:pulumi:Stack")
    found: dict[str, Any] = root["outputs"]["registry"]
    return found


def names(bench: Bench) -> set[str]:
    return {each["urn"].rpartition("::")[2] for each in latest(bench)["resources"]}


def test_what_was_asked_for_is_there_until_it_is_closed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, resources = registry(bench), bench.up().counts["unchanged"]
    monkeypatch.setenv(VARIABLE, request_text({"app-0000": IMAGE}, OPENED, []))
    assert bench.up().counts == {"create": 9, "update": 1}
    asked = registry(bench)
    assert asked["images"] == {"app-0000": {"image": IMAGE, "instead_of": "registry.bench.test/app:1"}}
    assert asked["previews"] == OPENED
    monkeypatch.delenv(VARIABLE)
    assert bench.up().counts == {"unchanged": resources + 9}, "nobody has to ask again"
    assert registry(bench)["previews"] == OPENED
    monkeypatch.setenv(VARIABLE, request_text({}, {}, ["app-0001-pr-5"]))
    assert bench.up().counts == {"delete": 9, "unchanged": resources}
    assert not [name for name in names(bench) if name.startswith("app-0001-pr-5")], "data and all"
    monkeypatch.delenv(VARIABLE)
    assert bench.up().counts == {"unchanged": resources}
    after = registry(bench)
    assert "previews" not in after
    assert after["projects"].keys() == before["projects"].keys()
    assert after["projects"]["app-0001"]["ports"] == before["projects"]["app-0001"]["ports"]


def test_a_request_that_is_refused_changes_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    before = latest(bench)
    monkeypatch.setenv(VARIABLE, request_text({"app-0000": IMAGE, "nobody": IMAGE}, OPENED, []))
    with pytest.raises(subprocess.CalledProcessError) as caught:
        bench.run_text("up", ["--yes"])
    said = caught.value.stdout + caught.value.stderr
    assert "CODEB_REQUEST: images.nobody: no manifest has this id." in said
    assert latest(bench)["resources"] == before["resources"]
