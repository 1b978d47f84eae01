"""What all containers of a project are given: its app, workers, cron jobs and release command."""

from __future__ import annotations

from codeb import names
from codeb.plan import ProjectPlan


def common(project: ProjectPlan) -> dict[str, object]:
    """Network, CA and limits."""
    resources = project.manifest.resources
    return {
        "id": project.id,
        "network": names.network(project.id),
        "ca_file": names.CA_FILE,
        "read_only": resources.read_only,
        "pids": resources.pids,
        "memory": resources.memory,
        "cpu": resources.cpu,
    }


def files(project: ProjectPlan, whose: names.Whose, module: bool) -> dict[str, str | None]:
    """Environment and digest. `module`: whether a variable has several lines, which are in a file of their own."""
    return {
        "module_file": names.module_file(project.id, whose) if module else None,
        "environment_file": names.environment_file(project.id, whose),
        "digest_file": names.digest_file(project.id, whose),
    }


def seconds(milliseconds: int) -> int:
    """Whole seconds, rounded up."""
    return -(-milliseconds // 1000)
