"""Which of the project's own workflows an event starts, and what they may do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.delivery.triggers import read, starts
from lab.paths import REPO

PLATFORM, APP = (REPO / folder / ".github" / "workflows" for folder in (".", "templates/app-ci"))


def started(folder: Path, event: str, document: dict[str, Any], branch: str = "main") -> list[str]:
    workflows = [read(path.name, path.read_text()) for path in sorted(folder.glob("*.yml"))]
    return [workflow.name for workflow in workflows if starts(workflow, event, document, branch)]


@pytest.mark.parametrize(
    ("event", "document", "branch", "wanted"),
    [
        ("push", {}, "main", ["build-test", "deploy-dev"]),
        ("push", {}, "topic", []),
        ("repository_dispatch", {"action": "codeb-release"}, "main", ["deploy-dev"]),
        ("repository_dispatch", {"action": "codeb-preview"}, "main", ["preview-environments"]),
        ("repository_dispatch", {"action": "another"}, "main", []),
        ("pull_request", {"action": "opened"}, "topic", ["build-test"]),
        ("pull_request", {"action": "closed"}, "topic", []),
        (
            "workflow_run",
            {"action": "completed", "workflow_run": {"name": "deploy-dev"}},
            "main",
            ["ai-analysis", "deploy-prod"],
        ),
        ("workflow_run", {"action": "requested", "workflow_run": {"name": "deploy-dev"}}, "main", []),
        (
            "workflow_run",
            {"action": "completed", "workflow_run": {"name": "deploy-dev"}},
            "topic",
            ["ai-analysis"],
        ),
        ("workflow_run", {"action": "completed", "workflow_run": {"name": "ai-analysis"}}, "main", []),
    ],
)
def test_an_event_starts_the_platform_s_workflows_that_are_for_it(
    event: str, document: dict[str, Any], branch: str, wanted: list[str]
) -> None:
    assert started(PLATFORM, event, document, branch) == wanted


def test_a_pull_request_of_an_app_is_tested_and_shown_until_it_is_closed() -> None:
    assert started(APP, "pull_request", {"action": "synchronize"}, "topic") == ["build-test", "preview"]
    assert started(APP, "pull_request", {"action": "closed"}, "topic") == ["preview"]


def test_only_the_deployment_to_production_waits_for_the_reviewers_of_production() -> None:
    found = {path.name: read(path.name, path.read_text()).environments for path in PLATFORM.glob("*.yml")}
    assert [name for name, jobs in found.items() if "production" in jobs.values()] == ["deploy-prod.yml"]
    assert found["deploy-prod.yml"] == {"plan": "production-plan", "deploy": "production"}


def test_a_run_may_do_what_its_jobs_together_may() -> None:
    workflow = read("deploy-prod.yml", (PLATFORM / "deploy-prod.yml").read_text())
    assert workflow.permissions == {"contents:read", "actions:read"}
