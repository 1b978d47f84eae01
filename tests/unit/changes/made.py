"""Releases as the program makes them, from a manifest's sections."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

from codeb.changes import Digest
from codeb.model import ManifestSource, load_manifests, parse_settings
from codeb.plan import Plan, make_plan
from codeb.secrets import RootSecret
from components.documents import Drafts, Release, releases

ROOT = RootSecret("A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0")
DIGEST = Digest(b"key of the tests")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0kxXQw8RwP8VXoR3wkzXkX0LhSCTY0zH8m6bYwJ1T"
SERVER = {
    "name": "codeb1",
    "address": "10.77.0.2",
    "privateAddress": "10.77.0.2",
    "roles": ["app", "data", "edge"],
    "hostKey": KEY,
}
BASE: dict[str, Any] = {
    "project": {"id": "blog"},
    "environment": {"domain": "blog.lab.test", "image": "reg.lab:5000/blog:1", "secrets": ["TOKEN"]},
}
SECRETS = {"TOKEN": "hunter2-hunter2"}


def changed(sections: Mapping[str, Any]) -> dict[str, Any]:
    """The base manifest with these sections merged in."""
    made = copy.deepcopy(BASE)
    _merge(made, sections)
    return made


def _merge(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = copy.deepcopy(value)


def plan_of(*manifests: Mapping[str, Any], **settings: Any) -> Plan:
    parsed = parse_settings({"domain": "lab.test", "servers": [SERVER], **settings})
    sources = [ManifestSource(f"{n}.yaml", json.dumps(manifest)) for n, manifest in enumerate(manifests)]
    return make_plan(parsed, load_manifests(sources, parsed), None)


def release_of(sections: Mapping[str, Any], secrets: Mapping[str, str] = SECRETS, **settings: Any) -> Release:
    """What codeb1 is sent for the blog."""
    plan = plan_of(changed(sections), **settings)
    return releases(Drafts(plan), ROOT, {"blog": secrets})["blog"]["codeb1"]
