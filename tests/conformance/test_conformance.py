"""Programs on the Pulumi CLI with the lab's plugins leave what they left with the real ones, step by step."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.host.paths import Folders
from lab.host.progress import Progress
from lab.pulumi.cli import cli
from lab.pulumi.home import Home
from tests.conformance.workspace import Workspace, normalized

HERE = Path(__file__).parent
CASES = sorted(folder for folder in HERE.iterdir() if (folder / "expected.json").exists())


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory, record: bool) -> Home:
    """A home of the tests' own; for a recording the CLI fetches the real plugins into it."""
    made = Home(tmp_path_factory.mktemp("pulumi"), stand_ins=not record)
    made.ensure(cli(Folders.here(), Progress(), ()))
    return made


@pytest.mark.cli
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Path, home: Home, tmp_path: Path, record: bool) -> None:
    workspace = Workspace(tmp_path, home)
    steps = sorted(case.glob("step*.py"))
    if record:
        found = [*map(workspace.step, steps), workspace.destroy()]
        (case / "expected.json").write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
        return
    *expected, last = json.loads((case / "expected.json").read_text())
    for program, wanted in zip(steps, expected, strict=True):
        assert normalized(workspace.step(program)) == normalized(wanted), program.stem
    assert normalized(workspace.destroy()) == normalized(last)
