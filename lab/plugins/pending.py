"""How a plugin learns of creations that a killed run began, which the CLI doesn't tell it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

PENDING_VARIABLE: Final = "LAB_PENDING_CREATES"
"""Names a file with a URN a line."""


def pending_creates() -> frozenset[str]:
    """URNs of creations to be taken over; none when nobody names a file."""
    path = os.environ.get(PENDING_VARIABLE)
    return frozenset(Path(path).read_text().split()) if path else frozenset()
