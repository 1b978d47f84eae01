"""Which workflows of a repository an event starts, as GitHub decides it.

What the lab's workflows use of it: branches of `push` and `workflow_run`, types of the others. Source: docs.github.com,
"Events that trigger workflows".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

_TYPES: Final = {"pull_request": ("opened", "synchronize", "reopened")}
"""Of an event that says none."""
_BASE: Final = {"push", "workflow_run"}


@dataclass(frozen=True)
class Workflow:
    """A workflow's file. `environments` says which of its jobs names which environment; `permissions` are those of all
    jobs together, like `issues:write`."""

    file: str
    name: str
    events: Mapping[str, Mapping[str, Any]] = field(repr=False)
    environments: Mapping[str, str] = field(default_factory=dict)
    permissions: frozenset[str] = frozenset()


def read(file: str, text: str) -> Workflow:
    """What a workflow says of when it runs."""
    document = yaml.safe_load(text)
    on = document[True]  # YAML 1.1 takes the word `on` for that
    if isinstance(on, str):
        on = {on: None}
    events = {
        str(name): value or {} for name, value in (on if isinstance(on, dict) else dict.fromkeys(on)).items()
    }
    jobs = document["jobs"].items()
    permissions = {
        f"{key}:{level}" for _, job in jobs for key, level in (job.get("permissions") or {}).items()
    }
    named = {key: _name(job["environment"]) for key, job in jobs if "environment" in job}
    return Workflow(file, str(document.get("name") or file), events, named, frozenset(permissions))


def starts(workflow: Workflow, event: str, payload: Mapping[str, Any], branch: str) -> bool:
    """Whether an event of a branch starts it. `schedule` does where there is one, whatever the hour."""
    if event not in workflow.events:
        return False
    wanted = workflow.events[event]
    if event == "schedule":
        return True
    if event in _BASE and branch not in wanted.get("branches", [branch]):
        return False
    if event == "workflow_run" and payload["workflow_run"]["name"] not in wanted["workflows"]:
        return False
    types = wanted.get("types", _TYPES.get(event))
    return types is None or payload.get("action") in types


def _name(environment: object) -> str:
    return str(environment["name"]) if isinstance(environment, dict) else str(environment)
