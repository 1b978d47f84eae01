"""The app that goes the way from push to release, and the failures that are prepared for it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from lab.delivery import app_work, places
from lab.paths import REPO

WORKFLOW = REPO / "templates" / "app-ci" / ".github" / "workflows" / "build-test.yml"


def test_it_has_every_script_that_the_template_s_workflow_runs() -> None:
    jobs = yaml.safe_load(WORKFLOW.read_text())["jobs"]
    lines = [str(step.get("run", "")) for step in jobs["test"]["steps"]]
    wanted = {match[1] for line in lines if (match := re.fullmatch(r"npm (?:run )?(\w+)", line))} - {"ci"}
    scripts = json.loads((places.SOURCES / "package.json").read_text())["scripts"]
    assert wanted == {"typecheck", "lint", "test", "build", "e2e"}
    assert wanted <= set(scripts)


def test_its_lock_names_no_registry_of_this_machine() -> None:
    packages = json.loads((places.SOURCES / "package-lock.json").read_text())["packages"]
    assert [path for path, entry in packages.items() if "resolved" in entry] == []
    assert [path for path, entry in packages.items() if path and "integrity" not in entry] == []


@pytest.mark.parametrize("name", app_work.failures())
def test_a_prepared_failure_fits_the_sources(name: str, tmp_path: Path) -> None:
    shutil.copytree(places.SOURCES, tmp_path / "app")
    patch = places.FAILURES / f"{name}.patch"
    done = subprocess.run(
        ["git", "apply", "--check", patch], cwd=tmp_path / "app", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_three_failures_are_prepared() -> None:
    assert app_work.failures() == ["failing-migration", "out-of-memory", "type-error"]
