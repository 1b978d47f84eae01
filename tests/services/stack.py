"""A small stack, planned and rendered by the program's own code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import yaml

from codeb.model import ManifestSource, load_manifests, parse_settings
from codeb.plan import Plan, make_plan
from codeb.render import host_files, project_environment, release_document
from codeb.secrets import PlatformSecrets, RootSecret, project_credentials, resolve

ROOT: Final = RootSecret("A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0")
_SETTINGS: Final[dict[str, Any]] = {
    "domain": "lab.test",
    "servers": [
        {
            "name": "codeb1",
            "address": "127.0.0.1",
            "hostKey": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0kxXQw8RwP8VXoR3wkzXkX0LhSCTY0zH8m6bYwJ1T",
        }
    ],
}


@dataclass(frozen=True)
class Stack:
    """A plan, and what is made of it with the secrets filled in."""

    plan: Plan

    def file(self, path: str) -> str:
        """The content of a file of the bundle."""
        lookup = PlatformSecrets(ROOT, ["127.0.0.1"]).lookup
        files = host_files(self.plan, self.plan.servers[0]).files
        return resolve(next(file.content for file in files if file.path == path), lookup)

    def admin_password(self, instance: str) -> str:
        """The password of a Redis instance's administrator."""
        return ROOT.derive(next(r.admin_purpose for r in self.plan.data.redis if r.name == instance))

    def cache(self, project: str) -> dict[str, Any]:
        """The part `cache` of a project's release document, without passwords."""
        found: dict[str, Any] = release_document(self.plan, self.plan.project(project))["cache"]
        return found

    def environment(self, project: str) -> dict[str, str]:
        """What the app finds."""
        return project_environment(self.plan, self.plan.project(project), project_credentials(ROOT, project))


def watched_example() -> Stack:
    """The same on a server that watches itself."""
    (server,) = _SETTINGS["servers"]
    roles = {"roles": ["app", "data", "edge", "monitoring"]}
    return _planned({**_SETTINGS, "servers": [{**server, **roles}]}, {})


def example(**shop_cache: Any) -> Stack:
    """`shop_cache` is `resources.cache` of the project `shop`: an instance of its own when left out."""
    return _planned(_SETTINGS, shop_cache)


def _planned(settings_of: dict[str, Any], shop_cache: dict[str, Any]) -> Stack:
    cache = shop_cache or {"dedicated": "32Mi", "eviction": "noeviction"}
    manifests = {
        "blog": {},
        "food-delivery-app": {},
        "shop": {"resources": {"cache": cache}, "backup": {"point_in_time": True}},
    }
    settings = parse_settings(settings_of)
    sources = [
        ManifestSource(
            f"{key}.yaml",
            yaml.safe_dump(
                {
                    "project": {"id": key},
                    "environment": {"domain": f"{key}.lab.test", "image": "registry.lab.test/app:1"},
                    **rest,
                }
            ),
        )
        for key, rest in manifests.items()
    ]
    return Stack(make_plan(settings, load_manifests(sources, settings)))
