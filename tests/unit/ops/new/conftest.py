"""The project folder that apps are added to."""

from __future__ import annotations

from pathlib import Path

import pytest
from new_app import FILES, REPO, fill


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project folder with a small template and the real workflows."""
    (tmp_path / "Pulumi.yaml").touch()
    template = tmp_path / "templates" / "core-cms"
    fill(template, FILES)
    (template / "scripts" / "run.sh").chmod(0o755)
    workflows = tmp_path / "templates" / "app-ci" / ".github" / "workflows"
    workflows.mkdir(parents=True)
    for path in (REPO / "templates" / "app-ci" / ".github" / "workflows").iterdir():
        (workflows / path.name).write_bytes(path.read_bytes())
    return tmp_path
