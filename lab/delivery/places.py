"""Where the way from push to release keeps things, and what it is called: everything below `.lab/delivery`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from lab import paths

FOLDER: Final = paths.DELIVERY
REPOSITORIES: Final = FOLDER / "repositories"
"""Bare git repositories, as GitHub has them."""
WORK: Final = FOLDER / "work"
"""Clones of them, as people have them."""
HUB: Final = FOLDER / "github"
SECRETS: Final = FOLDER / "secrets"
PLATFORM: Final = "leo/platform"
APP: Final = "leo/shop"
PROJECT: Final = "shop"
SOURCES: Final = Path(__file__).with_name("app")
FAILURES: Final = Path(__file__).with_name("failures")
"""A patch for the app each."""


def work(repository: str) -> Path:
    """The clone of a repository that somebody works in."""
    return WORK / repository.partition("/")[2]
