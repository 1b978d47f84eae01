"""Apps of this repository that the lab runs: built and pushed to its registry."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from codeb.sources import is_made
from lab import paths
from lab.host import Lab, Progress
from lab.host.cache import cached, digest_of, digest_of_tree, ignored, locked, remove
from lab.host.commands import output
from lab.images.registry import NAME as REGISTRY


@dataclass(frozen=True)
class App:
    """A folder of the repository with an app's sources, and the name and tag of its image."""

    folder: str
    name: str
    tag: str

    @property
    def sources(self) -> Path:
        """Where the sources are. Raises LabError."""
        return paths.REPO / self.folder

    @property
    def image(self) -> str:
        """What hosts pull."""
        return f"{REGISTRY}/{self.name}:{self.tag}"

    def tagged(self, tag: str) -> Self:
        """The same sources under another tag."""
        return replace(self, tag=tag)

    def push(self, lab: Lab) -> None:
        """Build it and push it, if it is not in the registry yet. Raises LabError."""
        lab.push_app(self.sources, self.name, self.tag)


@dataclass(frozen=True)
class Feature(App):
    """An app that is a template and one feature: in `folder`, `files/` to add and `edits.patch` of the template's files."""

    template: str

    @property
    def sources(self) -> Path:
        """Both together, in a folder of the lab's named by what is in them. Raises LabError where the edits don't fit."""
        template, feature = paths.REPO / self.template, paths.REPO / self.folder
        content = digest_of(digest_of_tree(template, skip=is_made), digest_of_tree(feature))
        name = Path(self.folder).name
        home = paths.LAB / "features" / name

        def make(part: Path) -> None:
            shutil.copytree(template, part / name, ignore=ignored(template, is_made), symlinks=True)
            shutil.copytree(feature / "files", part / name, dirs_exist_ok=True)
            _edit(part / name, feature / "edits.patch")

        home.mkdir(parents=True, exist_ok=True)
        with locked(home / ".lock"):
            made = cached(home / content, make, Progress(lambda _line: None), f"sources of {name}")
            for older in home.iterdir():
                if older.is_dir() and older != made:
                    remove(older)
        return made / name


def _edit(folder: Path, patch: Path) -> None:
    # Outside of a repository: inside of one, git leaves out what the repository ignores.
    outside = ["git", f"--git-dir={folder / '.none'}", f"--work-tree={folder}"]
    remedy = f"{patch.relative_to(paths.REPO)} no longer fits the template: README.md beside it says how it is made"
    output([*outside, "-C", str(folder), "apply", str(patch)], remedy=remedy)


CORE_CMS = App("templates/core-cms", "codeb/core-cms", "1.0.0")
FOOD = Feature("examples/food-delivery-app", "codeb/food-delivery-app", "1.0.0", template=CORE_CMS.folder)
APPS: tuple[App, ...] = (CORE_CMS, FOOD)
"""What the lab's manifests run."""
PROBE = App("examples/bench-app", "codeb/probe", "1.0.0")
"""What tests and benchmarks release."""


def push_all(lab: Lab) -> None:
    """Build and push what the lab's manifests run. Raises LabError."""
    for app in APPS:
        app.push(lab)
