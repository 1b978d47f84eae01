"""A world of its own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.request import VARIABLE
from tests.unit.ci.ci_world import Place


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv(VARIABLE, raising=False)
    return Place.make(tmp_path)
