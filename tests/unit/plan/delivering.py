"""A stack that images are deployed to and pull requests opened on, run after run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from codeb import registry
from codeb.model import ManifestSource, Settings, load_manifests, parse_request, parse_settings
from codeb.plan import Plan, make_plan, merged
from ops.request import request_text

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0kxXQw8RwP8VXoR3wkzXkX0LhSCTY0zH8m6bYwJ1T"
SERVER = {"name": "one", "address": "10.77.0.2", "hostKey": KEY, "roles": ["app", "data", "edge"]}
LIMITS: dict[str, Any] = {"max": 2}
UNTIL = "2026-11-30T12:00:00Z"


def settings_of(**values: Any) -> Settings:
    base = {"domain": "lab.test", "servers": [SERVER], "development": True, "previews": LIMITS}
    return parse_settings({**base, **values})


SETTINGS = settings_of()
PLAIN = parse_settings({"domain": "lab.test", "servers": [SERVER]})
"""A stack without preview environments."""


def built(project: str, number: int = 1, of: str | None = None) -> str:
    """An image by digest: of the project's own repository, or `of` another's."""
    return f"ghcr.io/leo/{of or project}@sha256:{number:064x}"


def manifest(key: str, image: str | None = None, **sections: Any) -> dict[str, Any]:
    environment = {"domain": f"{key}.lab.test", "image": image or f"ghcr.io/leo/{key}:main"}
    base: dict[str, Any] = {"project": {"id": key}, "environment": environment}
    return {name: {**base.get(name, {}), **sections.get(name, {})} for name in {**base, **sections}}


def opening(project: str, pull: int, number: int = 1) -> dict[str, Any]:
    return {"project": project, "pull": pull, "image": built(project, number), "until": UNTIL}


def asks(
    images: Mapping[str, str] | None = None,
    opened: Mapping[str, Mapping[str, Any]] | None = None,
    closed: tuple[str, ...] = (),
) -> str:
    return request_text(images or {}, opened or {}, closed)


@dataclass
class Stack:
    """`remembered` is the registry, as the state gives it back: JSON whose numbers are floats."""

    settings: Settings = SETTINGS
    remembered: dict[str, Any] | None = None
    plans: list[Plan] = field(default_factory=list)

    def run(self, *manifests: dict[str, Any], asked: str | None = None) -> Plan:
        """One run that is through with its hosts; raises what stands in its way, and then nothing is remembered."""
        sources = [
            ManifestSource(f"manifests/{each['project']['id']}.yaml", json.dumps(each)) for each in manifests
        ]
        found = merged(
            load_manifests(sources, self.settings), self.settings, self.remembered, parse_request(asked)
        )
        plan = make_plan(self.settings, found.manifests, self.remembered, found.kept)
        entries = registry.carried(registry.planned_entries(plan), self.remembered)
        document = registry.document(entries, plan.leaving, plan.kept)
        self.remembered = json.loads(json.dumps(document), parse_int=float)
        self.plans.append(plan)
        return plan

    def gone(self) -> None:
        """The hosts say that who was leaving is gone."""
        if self.remembered is not None:
            self.remembered.pop("leaving", None)
