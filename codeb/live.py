"""What the agents say runs now: the newest word on each project, and what people have to know before an update.

A rollback is made on the servers, past Pulumi. An update must neither undo it silently nor tell a registry that is not
true, so the program asks before it plans.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from codeb.plan import Plan, ProjectPlan
from codeb.registry import RUNNING, entries_of

Status = Mapping[str, Any]
"""A project in the answer of the agent's verb `status`, with `checked_at`, the host's time."""


@dataclass(frozen=True)
class Live:
    """Project → server → status, for the servers that answered; why the others didn't, by server.

    `known` are, by server that answered, all projects that it has something of; `backups`, by project, what the data
    server says of theirs, `moved` which side it has last moved its database to, `copied` which one all its objects to.
    """

    statuses: Mapping[str, Mapping[str, Status]] = field(default_factory=dict)
    silent: Mapping[str, str] = field(default_factory=dict)
    known: Mapping[str, frozenset[str]] = field(default_factory=dict)
    backups: Mapping[str, object] = field(default_factory=dict)
    moved: Mapping[str, str] = field(default_factory=dict)
    copied: Mapping[str, str] = field(default_factory=dict)

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
    """Servers on which the previous registry has a project that runs or may run; none before the first release."""
    entries = [entry for entry in entries_of(previous).values() if entry.get("status") in RUNNING]
    entries += entries_of(previous, "leaving").values()
    leaving = {str(worker.get("waits_for") or "") for entry in entries for worker in _workers(entry)} - {""}
    return sorted({str(server) for entry in entries for server in entry.get("servers", ())} | leaving)


def settled(
    previous: Mapping[str, Any] | None, live: Live, servers: Collection[str]
) -> dict[str, Any] | None:
    """The previous registry with what its hosts say of it: who still serves what, and who was leaving and is gone, workers
    that another server was to stop among them.

    Gone is what none of its servers has anything of; a server that did not answer (`servers` are the stack's) may.
    """
    if previous is None:
        return None
    entries = {
        key: _copied(key, _moved(key, _serving(key, entry, live, servers), live), live)
        for key, entry in entries_of(previous).items()
    }
    left = {
        key: _serving(key, entry, live, servers)
        for key, entry in entries_of(previous, "leaving").items()
        if _there(key, entry, live, servers)
    }
    rest = {key: value for key, value in previous.items() if key != "leaving"}
    return rest | {"projects": entries} | ({"leaving": left} if left else {})


def _serving(
    project: str, entry: Mapping[str, Any], live: Live, servers: Collection[str]
) -> Mapping[str, Any]:
    """The entry with the names and ports that its host says it serves; those it knows where nobody says more."""
    if not isinstance(entry, Mapping):
        return entry
    entry = _stopped(project, entry, live, servers)
    if entry.get("serves") and not _there(project, entry, live, servers):
        return {**entry, "serves": None}
    status = live.of(project, [str(server) for server in entry.get("servers", ())])
    said = status.get("serves") if status else None
    if not isinstance(said, Mapping):
        return entry
    known = entry.get("serves") or {"names": [], "pool": entry.get("pool")}
    found = {**known, **{key: said[key] for key in ("names", "ports") if said.get(key) is not None}}
    if isinstance(known.get("ports"), Mapping) and set(known["ports"].values()) == set(
        found["ports"].values()
    ):
        found["ports"] = known["ports"]  # a container may be on the second port of its pair
    if sorted(known["names"] or ()) == sorted(found["names"] or ()):
        found["names"] = known["names"]
    return {**entry, "serves": found}


def _moved(project: str, entry: Mapping[str, Any], live: Live) -> Mapping[str, Any]:
    """The entry with the side that its database has been moved to."""
    side = live.moved.get(project)
    if side is None or not isinstance(entry, Mapping):
        return entry
    kept = entry.get("retained")
    found = {"database": {**database, "moved": side}} if (database := entry.get("database")) else {}
    if isinstance(kept, Mapping) and kept.get("database"):
        found["retained"] = {**kept, "database": {**kept["database"], "moved": side}}
    return {**entry, **found}


def _copied(project: str, entry: Mapping[str, Any], live: Live) -> Mapping[str, Any]:
    """The entry with the side that the project's objects have been copied to."""
    side = live.copied.get(project)
    minio = entry.get("minio") if isinstance(entry, Mapping) else None
    if side is None or not isinstance(minio, Mapping) or not isinstance(minio.get("objects"), Mapping):
        return entry
    return {**entry, "minio": {**minio, "objects": {**minio["objects"], "copied": side}}}


def _stopped(
    project: str, entry: Mapping[str, Any], live: Live, servers: Collection[str]
) -> Mapping[str, Any]:
    """The entry with workers waiting only for servers that may still have them."""
    workers = _workers(entry)
    gone = [
        name
        for worker in workers
        if (name := worker.get("waits_for")) and not _there(project, {"servers": [name]}, live, servers)
    ]
    if not gone:
        return entry
    return {
        **entry,
        "workers": [{**w, "waits_for": None} if w.get("waits_for") in gone else w for w in workers],
    }


def _workers(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = entry.get("workers")
    return [worker for worker in found if isinstance(worker, Mapping)] if isinstance(found, list) else []


def _there(project: str, entry: Mapping[str, Any], live: Live, servers: Collection[str]) -> bool:
    if not isinstance(entry, Mapping):
        return True  # whoever reads the registry says what is wrong with it
    asked = [str(server) for server in entry.get("servers", ()) if server in servers]
    return any(server not in live.known or project in live.known[server] for server in asked)


def gather(answers: Mapping[str, Mapping[str, Any]], silent: Mapping[str, str]) -> Live:
    """`answers` are the documents that `status` gave, by server."""
    found: dict[str, dict[str, Status]] = {}
    known: dict[str, frozenset[str]] = {}
    backups: dict[str, object] = {}
    moved: dict[str, str] = {}
    copied: dict[str, str] = {}
    for server, document in answers.items():
        host, projects = document.get("host"), document.get("projects")
        if not isinstance(host, Mapping) or not isinstance(projects, list):
            continue  # no answer of an agent: the server might as well have been silent
        if not all(isinstance(status, Mapping) and "project" in status for status in projects):
            continue
        known[server] = frozenset(str(status["project"]) for status in projects)
        for status in projects:
            if isinstance(status.get("release"), Mapping):  # older agents have none
                checked = {**status, "checked_at": host.get("time", "")}
                found.setdefault(status["project"], {})[server] = checked
        saved = document.get("backups")
        backups |= saved if isinstance(saved, Mapping) else {}
        sides = document.get("moved")
        moved |= {str(key): str(side) for key, side in sides.items()} if isinstance(sides, Mapping) else {}
        ended = document.get("copied")
        copied |= {str(key): str(side) for key, side in ended.items()} if isinstance(ended, Mapping) else {}
    return Live(found, dict(silent), known, backups, moved, copied)


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


def _named(release: Mapping[str, Any]) -> str:
    return f"{release.get('id')} ({release.get('image')})"


def _rolled_back(project: ProjectPlan, status: Status, stack: str) -> Word:
    release, withdrawn = status["release"], status["withdrawn"]
    here, there, wanted = release.get("image"), withdrawn.get("image"), project.manifest.environment.image
    said = (
        f"{project.id}: rolled back at {release.get('at')} by {release.get('by') or 'somebody'} from {_named(withdrawn)} to "
        f"{_named(release)}; "
    )
    if wanted == there:
        change = "environment.image" if there != here else "what differs between them, as both have one image"
        return Word(
            f"{said}its manifest still asks for {withdrawn.get('id')}: this update leaves it on {release.get('id')}, unless "
            f"its environment or resources changed since. Change {change}, or run `codeb rollback {project.id} --forward "
            f"--stack {stack}`.",
            wrong=True,
        )
    if wanted == here:
        return Word(f"{said}its manifest asks for {here} too: this update makes that its release.")
    return Word(f"{said}its manifest asks for {wanted}: this update releases that, which ends the rollback.")


def silence(live: Live) -> list[Word]:
    """A warning for each server that was asked and did not answer: what an update changes on it will fail, minutes later."""
    return [
        Word(
            f"{server} was not asked what it runs: {cause}. The registry shows what was known of it.",
            wrong=True,
        )
        for server, cause in sorted(live.silent.items())
    ]
