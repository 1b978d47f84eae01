"""`make lint` on workflows: ours are clean, and what is wrong is found. By the real tools, without network."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab.delivery import act, lint
from lab.host import Lab
from lab.host.errors import LabError
from lab.host.paths import REPOSITORY

CLEAN = """\
name: clean
on: push
permissions: {}
jobs:
  work:
    runs-on: ubuntu-latest
    permissions: {}
    steps:
      - run: echo "$REF"
        env:
          REF: ${{ github.ref }}
"""


@pytest.fixture(scope="module")
def actionlint() -> Path:
    """Built from source when this machine has none yet."""
    return act.build_actionlint(Lab.here())


def write(root: Path, text: str) -> Path:
    """A repository with one workflow."""
    folder = root / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "one.yml").write_text(text)
    return root


def test_our_workflows_and_the_template_are_clean(
    actionlint: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert lint.check([REPOSITORY / root for root in lint.ROOTS], actionlint) == 0, capfd.readouterr()


def test_a_clean_workflow_passes(actionlint: Path, tmp_path: Path) -> None:
    assert lint.check([write(tmp_path, CLEAN)], actionlint) == 0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('echo "$REF"', "echo ${{ github.head_ref }}", "github.head_ref"),
        ("runs-on: ubuntu-latest", "runs-on: ubuntu-lastest", "ubuntu-lastest"),
        ("${{ github.ref }}", "${{ github.reff }}", "reff"),
        ("on: push", "on: pull_request_target", "dangerous-triggers"),
        ("permissions: {}\n    steps", "permissions: write-all\n    steps", "excessive-permissions"),
        ("- run: echo", "- uses: eve/action@v1\n      - run: echo", "unpinned-uses"),
        ("- run: echo", f"- uses: actions/checkout@{'3' * 40}\n      - run: echo", "artipacked"),
    ],
)
def test_what_is_wrong_is_found(
    actionlint: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    assert old in CLEAN
    assert lint.check([write(tmp_path, CLEAN.replace(old, new))], actionlint) != 0
    assert said in "".join(capfd.readouterr())


def test_a_folder_without_workflows_is_no_success(actionlint: Path, tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"has no \.github/workflows"):
        lint.check([tmp_path], actionlint)


def test_make_lint_runs_it() -> None:
    done = subprocess.run(["make", "-n", "lint"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert "-m lab.delivery.lint" in done.stdout
