"""What the benchmark can release: each app's sources, what visitors ask of it, and the project's manifest with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from lab.apps import CORE_CMS, PROBE, App
from lab.host.cache import digest_of_tree
from lab.images.apps import left_out
from lab.load import surface
from lab.load.surface import Surface

PROJECT = "bench"
DOMAIN = "bench.lab.test"
VERSIONS = ("1.0.0", "1.1.0")


@dataclass(frozen=True)
class Released:
    """An app as the benchmark releases it; of `app` the tag does not count.

    `rate` is how many requests a second two cores bear beside the releases; `sections` are those of the manifest that are
    the app's own.
    """

    app: App
    surface: Surface
    rate: int
    sections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def tagged(self, number: int) -> App:
        """The app of a release. Tags take turns, so that the version tells one release from the next.

        A digest of the sources is part of the tag: a host pulls a tag that it does not have, and no other.
        """
        return self.app.tagged(f"{VERSIONS[number % len(VERSIONS)]}-{_digest(self.app.sources)}")

    def manifest(self, number: int) -> dict[str, Any]:
        """The project in a release. Nothing of it outlives its manifest."""
        common: dict[str, dict[str, Any]] = {
            "project": {"id": PROJECT, "lifecycle": "destroy"},
            "environment": {"domain": DOMAIN, "image": self.tagged(number).image},
            "resources": {"cache": {"enabled": False}, "storage": {"enabled": False}},
            "features": {"max_upload": "64Mi"},
            "monitoring": {"health": {"interval": "500ms"}},
            "backup": {"enabled": False},
        }
        found = {name: {**values, **self.sections.get(name, {})} for name, values in common.items()}
        variables = found["environment"].get("variables", {})
        found["environment"]["variables"] = {**variables, "RELEASE": str(number)}
        return found


# The light one is what the benchmark is made for; Core CMS shows what a heavy one makes of it.
APPS = {
    "bench-app": Released(PROBE, surface.PROBE, rate=200),
    "core-cms": Released(
        CORE_CMS,
        surface.CORE_CMS,
        rate=20,
        sections={
            "environment": {"variables": {"APP_SEED": "demo"}},
            "resources": {"cache": {"enabled": True}, "storage": {"enabled": True}},
            "features": {"release_command": ["node", "migrate.cjs"]},
        },
    ),
}


@cache
def _digest(folder: Path) -> str:
    return digest_of_tree(folder, skip=left_out)
