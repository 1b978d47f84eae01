"""What the agents say runs now: the newest word on each project, and what people have to know before an update.

A rollback is made on the servers, past Pulumi. An update must neither undo it silently nor tell a registry that is not
true, so the program asks before it plans.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from codeb.plan import Plan, ProjectPlan
from codeb.registry import RUNNING, entries_of

Status = Mapping[str, Any]
"""A project in the answer of the agent's verb `status`, with `checked_at`, the host's time."""


@dataclass(frozen=True)
class Live:
    """Project → server → status, for the servers that answered; why the others didn't, by server."""

    statuses: Mapping[str, Mapping[str, Status]] = field(default_factory=dict)
    silent: Mapping[str, str] = field(default_factory=dict)

    def of(self, project: str, servers: Iterable[str]) -> Status | None:
        """The status on the first of these servers that has the project."""
        found = self.statuses.get(project, {})
        return next((found[server] for server in servers if server in found), None)

    def by_project(self, plan: Plan) -> dict[str, Status]:
        """The status of each project of the plan that runs somewhere."""
        found = {project.id: self.of(project.id, project.servers) for project in plan.projects}
        return {key: status for key, status in found.items() if status is not None}


@dataclass(frozen=True)
class Word:
    """A message; `wrong` when somebody should act."""

    text: str
    wrong: bool = False


def servers_to_ask(previous: object) -> list[str]:
    """Servers on which the previous registry has a project that runs; none before the first release."""
    entries = entries_of(previous).values()
    return sorted(
        {str(s) for entry in entries if entry.get("status") in RUNNING for s in entry.get("servers", ())}
    )


def gather(answers: Mapping[str, Mapping[str, Any]], silent: Mapping[str, str]) -> Live:
    """`answers` are the documents that `status` gave, by server."""
    found: dict[str, dict[str, Status]] = {}
    for server, document in answers.items():
        host, projects = document.get("host"), document.get("projects")
        checked_at = host.get("time", "") if isinstance(host, Mapping) else ""
        for status in projects if isinstance(projects, list) else []:
            if isinstance(status, Mapping) and isinstance(
                status.get("release"), Mapping
            ):  # older agents have none
                found.setdefault(status["project"], {})[server] = {**status, "checked_at": checked_at}
    return Live(found, dict(silent))


def words(plan: Plan, live: Live, stack: str) -> list[Word]:
    """What an update does to projects whose servers say something else than Pulumi would think."""
    found: list[Word] = []
    for project in plan.projects:
        statuses = {s: live.statuses.get(project.id, {}).get(s) for s in project.servers}
        known = {server: status for server, status in statuses.items() if status is not None}
        if len({_which(status) for status in known.values()}) > 1:
            found.append(_torn(project, known, stack))
        status = live.of(project.id, project.servers)
        if status is not None and status.get("withdrawn"):
            found.append(_rolled_back(project, status, stack))
    return found


def _which(status: Status) -> str:
    return str(status.get("digest") or status.get("image"))


def _torn(project: ProjectPlan, known: Mapping[str, Status], stack: str) -> Word:
    parts = ", ".join(f"{server} serves {status.get('image')}" for server, status in known.items())
    return Word(
        f"{project.id}: its servers run different releases: {parts}. See `codeb status {project.id} --stack "
        f"{stack}`; `codeb rollback {project.id} --stack {stack}` brings those back that are ahead.",
        wrong=True,
    )


def _rolled_back(project: ProjectPlan, status: Status, stack: str) -> Word:
    release, withdrawn = status["release"], status["withdrawn"]
    here, there, wanted = release.get("image"), withdrawn.get("image"), project.manifest.environment.image
    said = f"{project.id}: rolled back at {release.get('at')} by {release.get('by') or 'somebody'} from {there} to {here}; "
    if wanted == there:
        return Word(
            f"{said}its manifest still asks for {there}: this update leaves it on {here}, unless its environment or "
            f"resources changed too. Change environment.image, or run `codeb rollback {project.id} --forward "
            f"--stack {stack}`.",
            wrong=True,
        )
    if wanted == here:
        return Word(f"{said}its manifest asks for {here} too: this update makes that its release.")
    return Word(f"{said}its manifest asks for {wanted}: this update releases that, which ends the rollback.")


def silence(live: Live) -> list[Word]:
    """A warning for each server that was asked and did not answer; an update will fail on it by itself."""
    return [
        Word(
            f"{server} was not asked what it runs: {cause}. The registry shows what was known of it.",
            wrong=True,
        )
        for server, cause in sorted(live.silent.items())
    ]
