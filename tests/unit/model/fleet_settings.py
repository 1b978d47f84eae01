"""Settings of fleets, right and wrong."""

from __future__ import annotations

from typing import Any

import pytest

from codeb.model import (
    Settings,
    SettingsErrors,
    parse_settings,
)

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0kxXQw8RwP8VXoR3wkzXkX0LhSCTY0zH8m6bYwJ1T"
APPS: dict[str, Any] = {"name": "default", "roles": ["app", "edge"], "count": 2, "plan": "vc2-6c-16gb"}
DATA: dict[str, Any] = {"name": "data", "roles": ["data"], "plan": "vc2-8c-32gb", "dataDisk": "200Gi"}
OWN: dict[str, Any] = {
    "name": "own-1", "address": "203.0.113.9", "privateAddress": "10.1.0.9", "hostKey": KEY, "roles": ["app"], "pool": "own",
}  # fmt: skip


def parsed(*pools: dict[str, Any], **others: Any) -> Settings:
    data = {"domain": "example.com", "provider": "vultr", "pools": list(pools)} | others
    return parse_settings(data, "prod")


def refused(*pools: dict[str, Any], **others: Any) -> str:
    with pytest.raises(SettingsErrors) as caught:
        parsed(*pools, **others)
    (problem,) = caught.value.problems
    assert problem.remedy.endswith((".", "?"))
    return str(problem)
