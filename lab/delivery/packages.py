"""The app's packages from npm: fetched once by the machine's own npm, and from then on out of a cache, without network."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Final

from lab.delivery import places
from lab.host import Lab, commands
from lab.host.cache import cached, digest_of
from lab.images import toolchains

_FILES: Final = ("package.json", "package-lock.json", ".npmrc")


def cache(lab: Lab) -> Path:
    """An npm cache with all that the app's lock file names. Raises LabError."""
    lock = (places.SOURCES / "package-lock.json").read_text()

    def make(part: Path) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            for name in _FILES:
                shutil.copy(places.SOURCES / name, scratch)
            env = {**toolchains.node(lab.folders, lab.progress), "npm_config_cache": str(part)}
            commands.build(
                ["npm", "ci"], lab.folders.logs / "delivery.log", env=env, cwd=Path(scratch), what="npm ci"
            )

    folder = lab.folders.cache / f"npm-{places.PROJECT}-{digest_of(lock)}"
    return cached(folder, make, lab.progress, "fetch the scratch app's packages")
