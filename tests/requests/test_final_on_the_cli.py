"""A project with `lifecycle: destroy` leaves, on the real Pulumi CLI: no database is dropped without its final backup."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.bench.null import REFUSES
from lab.bench.programs import manifests_program
from lab.bench.stacks import Bench
from lab.host.paths import Folders
from lab.host.progress import Progress
from lab.pulumi.cli import cli

pytestmark = pytest.mark.cli
ID = "app-0001"


@pytest.fixture
def leaving(tmp_path: Path) -> Bench:
    """A stack with two projects, one of which is about to be dropped: its manifest is gone."""
    program = manifests_program(tmp_path / "program", 2)
    file = program.folder / "manifests" / f"{ID}.yaml"
    manifest = yaml.safe_load(file.read_text())
    manifest["project"]["lifecycle"] = "destroy"
    file.write_text(yaml.safe_dump(manifest))
    bench = Bench.make(cli(Folders.here(), Progress(), ()), tmp_path, program)
    bench.up()
    assert f"{ID}-final" in names(bench)
    file.unlink()
    return bench


def names(bench: Bench) -> set[str]:
    """The project's resources in the state."""
    state: dict[str, Any] = json.loads(bench.stack.state.read_text())
    resources = state["checkpoint"]["latest"].get("resources", [])  # none after a destroy
    found = {each["urn"].rpartition("::")[2] for each in resources}
    return {name for name in found if name.startswith(ID)}


def test_a_final_backup_that_fails_ends_the_update_and_the_next_one_goes_on(
    leaving: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = {f"{ID}-role", f"{ID}-database", f"{ID}-public", f"{ID}-bucket-uploads"}
    monkeypatch.setenv(REFUSES, "codeb-agent final")
    with pytest.raises(SystemExit, match="codeb-agent final is refused"):
        leaving.up()
    assert data | {f"{ID}-final"} <= names(leaving), "nothing is dropped"
    assert f"{ID}-release-server0" not in names(leaving), "nobody writes to it any more"
    monkeypatch.delenv(REFUSES)
    leaving.up()
    assert names(leaving) == set()


@pytest.mark.slow
def test_destroying_the_stack_asks_for_no_final_backup(
    leaving: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host's data is moved aside whole."""
    monkeypatch.setenv(REFUSES, "codeb-agent final")
    leaving.run_text("destroy", ["--yes", "--run-program"])
    assert names(leaving) == set()
