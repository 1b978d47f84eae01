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
SERVERS = """
import json, sys
sys.path.insert(0, {repository!r})
from components.documents import Release
from components.places import Places
from components.project import stdin_of
from pulumi_command import local
document, answer = {document!r}, {answer!r}
release, places = Release(lambda known: document, frozenset(), {{}}), Places()
first = local.Command("first", create="echo '" + json.dumps(answer) + "'", stdin=stdin_of(release, places))
local.Command("second", create="cat > second.json", stdin=stdin_of(release, places, first))
"""
"""Releases on two servers, as `components.project` asks for them."""
LONG = (
    "12-own-stack-reference",
    "24-explicit-provider",
    "29-secret-outputs-change",
    "31-raise-after-resources",
)
CASES = [
    pytest.param(folder, marks=[pytest.mark.slow] * (folder.name in LONG), id=folder.name)
    for folder in sorted(HERE.iterdir())
    if (folder / "expected.json").exists()
]


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory, record: bool) -> Home:
    """A home of the tests' own; for a recording the CLI fetches the real plugins into it."""
    made = Home(tmp_path_factory.mktemp("pulumi"), stand_ins=not record)
    made.ensure(cli(Folders.here(), Progress(), ()))
    return made


@pytest.mark.cli
@pytest.mark.parametrize("case", CASES)
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


@pytest.mark.cli
@pytest.mark.slow
def test_a_further_server_is_told_the_digest_of_the_first_one_and_runs_when_that_changes(
    home: Home, tmp_path: Path
) -> None:
    workspace = Workspace(tmp_path, home)

    def run(variable: str, answer: dict[str, str]) -> tuple[dict[str, str], object]:
        """Operations of the preview, and what the second server was told."""
        program = tmp_path / "program.py"
        document = {"environment": {"X": variable}}
        program.write_text(SERVERS.format(repository=str(HERE.parents[1]), document=document, answer=answer))
        found = workspace.step(program)
        assert found["up"] == {"exit": 0, "errors": []}
        steps = {urn.rpartition("::")[2]: operation for operation, urn in found["preview"]["steps"]}
        return steps, json.loads(workspace.files()["second.json"])

    before = run("a", {})
    assert before[1] == {"environment": {"X": "a"}}, "an older agent's answer"
    assert run("a", {"resolved": "1"})[1] == {"environment": {"X": "a"}, "digest": "1"}
    steps, told = run("a", {"resolved": "1"})
    assert set(steps.values()) <= {"same"}, steps
    steps, told = run("b", {"resolved": "2"})
    assert (steps["first"], steps["second"]) == ("update", "update")
    assert told == {"environment": {"X": "b"}, "digest": "2"}
    (workspace.folder / "second.json").write_text('"untouched"')
    assert run("b", {"resolved": "2", "health": "other"})[1] == "untouched", "another answer, the same digest"
