"""The app guide tells developers of every variable that the platform sets."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeb.render.environment import VARIABLES

ROOT = Path(__file__).resolve().parents[3]
GUIDE = (ROOT / "docs" / "app-guide.md").read_text()


@pytest.mark.parametrize("name", VARIABLES)
def test_guide_explains_the_variable(name: str) -> None:
    assert f"`{name}`" in GUIDE, f"docs/app-guide.md does not mention {name}"
