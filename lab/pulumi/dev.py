"""The lab's own stack: `dev` of this clone, under a CLI and with plugins below `.lab`."""

from __future__ import annotations

from pathlib import Path

from lab import paths
from lab.host import Lab
from lab.pulumi.cli import Cli, cli
from lab.pulumi.home import Home
from lab.pulumi.stack import Stack


def home(*, stand_ins: bool = True) -> Home:
    """Two homes, as a plugin of the same name and version is either ours or the real one."""
    return Home(paths.PULUMI if stand_ins else paths.PULUMI_REAL, stand_ins)


def stack(project: Path = paths.REPO, *, stand_ins: bool = True) -> Stack:
    """The stack `dev`, of this clone or of another project folder that has its program and settings."""
    place = home(stand_ins=stand_ins)
    settings = place.folder if project == paths.REPO else project
    copy = settings / f"settings-{paths.STACK}.yaml"
    return Stack(project, paths.STACK, place, copy, paths.BACKEND, paths.PASSPHRASE)


def prepare(lab: Lab, stack: Stack) -> Cli:
    """CLI, plugins and generated secrets in their places; the CLI is built when there is none. Raises LabError."""
    paths.ensure_secrets()
    found = cli(lab.folders, lab.progress, (paths.PULUMI / "bin", paths.PULUMI_REAL / "bin"))
    stack.home.ensure(found)
    return found
