"""A `PULUMI_HOME` of the lab's own: the CLI, its language host and its plugins, as the CLI expects them."""

from __future__ import annotations

import importlib.metadata
import os
import shlex
import shutil
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.host.cache import write_atomically
from lab.pulumi.cli import LANGUAGE_HOST, Cli

STAND_INS: Final = {
    "command": "pulumi-command",
    "postgresql": "pulumi-postgresql",
    "minio": "pulumi-minio",
    "vultr": "ediri-vultr",
}
"""Packages that the lab has a plugin for, and the distributions whose versions they have."""

LAUNCHER: Final = Path(__file__).with_name("templates") / "plugin.sh"
START: Final = Path(__file__).parents[1] / "plugins" / "start.py"
EXECUTABLE: Final = 0o755


@dataclass(frozen=True)
class Home:
    """One home. With `stand_ins` the resource plugins are ours; without, the CLI downloads the real ones."""

    folder: Path
    stand_ins: bool = True

    @property
    def bin(self) -> Path:
        """What belongs on the PATH: `pulumi` and, beside it, its language host."""
        return self.folder / "bin"

    @property
    def pulumi(self) -> Path:
        """The CLI."""
        return self.bin / "pulumi"

    @property
    def journal(self) -> Path:
        """Where the plugins note what they create (`lab.plugins.journal`)."""
        return self.folder / "creations"

    def ensure(self, cli: Cli) -> None:
        """Put everything in place; what is there already is left alone."""
        self.bin.mkdir(parents=True, exist_ok=True)
        if cli.exec_file is None:
            _link(self.pulumi, cli.binary)
            (self.bin / LANGUAGE_HOST).unlink(missing_ok=True)
        else:
            _put(self.pulumi, cli.binary)
            launcher(self.bin / LANGUAGE_HOST, ["lab.plugins.language", str(cli.exec_file)])
        if self.stand_ins:
            self.put_plugins("lab.plugins.resource")

    def put_plugins(self, module: str, packages: Collection[str] = tuple(STAND_INS)) -> None:
        """The plugins of these packages, each a process of this module."""
        for package in packages:
            version = importlib.metadata.version(STAND_INS[package])
            folder = self.folder / "plugins" / f"resource-{package}-v{version}"
            arguments = [module, package, version, str(self.journal)]
            launcher(folder / f"pulumi-resource-{package}", arguments)


def _link(target: Path, binary: Path) -> None:
    if not (target.is_symlink() and target.readlink() == binary):
        target.unlink(missing_ok=True)
        target.symlink_to(binary)


def _put(target: Path, binary: Path) -> None:
    """The binary itself, as a hard link where that can be: the CLI looks for its language host beside its real place."""
    if not target.is_symlink() and target.exists() and _same(target, binary):
        return
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    try:
        part.hardlink_to(binary)
    except OSError:  # another file system
        shutil.copy2(binary, part)
    part.rename(target)


def _same(one: Path, other: Path) -> bool:
    first, second = one.stat(), other.stat()
    return first.st_ino == second.st_ino or (first.st_size, first.st_mtime) == (
        second.st_size,
        second.st_mtime,
    )


def launcher(path: Path, arguments: Sequence[str]) -> None:
    """Put an executable at `path` that runs a module of the lab, the first of `arguments`, with the rest."""
    line = shlex.join([sys.executable, str(START), *arguments])
    text = LAUNCHER.read_text().replace("@command@", line)
    if not path.exists() or path.read_text() != text:
        write_atomically(path, text, EXECUTABLE)
