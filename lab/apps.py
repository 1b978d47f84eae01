"""The demo apps that the lab's manifests run: built and pushed to the lab's registry."""

from __future__ import annotations

from dataclasses import dataclass

from lab import paths
from lab.host import Lab


@dataclass(frozen=True)
class App:
    """An example's folder, and the name and tag of its image."""

    folder: str
    name: str
    tag: str


APPS = (App("core-cms", "codeb/demo", "1.0.0"),)


def push_all(lab: Lab) -> None:
    """Build and push what is not in the registry yet."""
    for app in APPS:
        lab.push_app(paths.REPO / "examples" / app.folder, app.name, app.tag)
