"""Runs of workflows: begun and ended by whoever has them run, held where a person has to say yes, with jobs and logs."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from lab.delivery.github.hub import (
    PAGES,
    Hub,
    Job,
    Json,
    NoSuchThingError,
    RefusedError,
    Step,
    moment,
    now,
    user,
)

_SHOWN: Final = (
    "id", "name", "path", "event", "head_branch", "head_sha", "head_repository", "repository", "run_attempt", "run_number",
    "status", "conclusion", "html_url", "created_at", "updated_at", "actor",
)  # fmt: skip


def begin(
    hub: Hub,
    repository: str,
    workflow: str,
    *,
    name: str,
    event: str,
    sha: str,
    branch: str = "main",
    actor: str = "leo",
    environments: Mapping[str, str] | None = None,
) -> int:
    """A run of a workflow's file begins; its id. `environments` says which job names which."""
    with hub.changing() as state:
        hub.repository(repository)
        identity = hub.identity()
        state["runs"][str(identity)] = {
            "id": identity,
            "name": name,
            "path": f".github/workflows/{workflow}",
            "event": event,
            "head_branch": branch,
            "head_sha": sha,
            "head_repository": {"full_name": repository},
            "repository": {"full_name": repository},
            "run_attempt": 1,
            "run_number": identity,
            "status": "in_progress",
            "conclusion": None,
            "html_url": f"{PAGES}/{repository}/actions/runs/{identity}",
            "created_at": now(),
            "updated_at": now(),
            "actor": user(actor),
            "environments": dict(environments or {}),
            "waiting": [],
            "approvals": [],
            "jobs": [],
        }
        return identity


def end(hub: Hub, run: int, conclusion: str, jobs: Iterable[Job] = ()) -> None:
    """It has ended, with jobs and their logs."""
    with hub.changing():
        found = _run(hub, str(run))
        found.update(status="completed", conclusion=conclusion, updated_at=now(), waiting=[])
        found["jobs"] = [_job(hub, run, job) for job in jobs]


def cancel_left(hub: Hub) -> None:
    """Runs and events of a command that was killed are over: nobody carries them on. Tokens of before are nobody's."""
    with hub.changing() as state:
        state["tokens"] = {}
        for run in state["runs"].values():
            if run["status"] != "completed":
                end(hub, run["id"], "cancelled")
        for repository in state["repositories"]:
            hub.dispatches(repository)


def shown(hub: Hub, repository: str, run: str) -> Json:
    """A run as GitHub tells it, as an event's `workflow_run` too."""
    found = of(hub, repository, run)
    return {key: found[key] for key in _SHOWN}


def of(hub: Hub, repository: str, run: str) -> Json:
    """All that is known of a run of a repository. Raises NoSuchThingError."""
    found = _run(hub, run)
    if found["repository"]["full_name"] != repository:
        raise NoSuchThingError(run)
    return found


def jobs(hub: Hub, repository: str, run: str) -> list[Json]:
    """Its jobs with their steps, without their logs."""
    return [
        {**job, "steps": [{key: step[key] for key in step if key != "log"} for step in job["steps"]]}
        for job in of(hub, repository, run)["jobs"]
    ]


def job_log(hub: Hub, repository: str, job: str) -> bytes:
    """What a job wrote."""
    for run in hub.state["runs"].values():
        if run["repository"]["full_name"] == repository:
            for found in run["jobs"]:
                if str(found["id"]) == job:
                    return _text(found["steps"]).encode()
    raise NoSuchThingError(job)


def archive(hub: Hub, repository: str, run: str) -> bytes:
    """All logs of a run: a file a job, and a folder a job with a file a step."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as files:
        for number, job in enumerate(of(hub, repository, run)["jobs"]):
            files.writestr(f"{number}_{job['name'].replace('/', '')}.txt", _text(job["steps"]))
            for step in job["steps"]:
                name = f"{step['number']}_{step['name'].replace('/', '')}"
                files.writestr(f"{job['name'].replace('/', '')}/{name}.txt", step["log"])
    return packed.getvalue()


def hold(hub: Hub, repository: str, run: str, job: str) -> Json:
    """Whether a job may go on: `approved`, or `rejected`, or neither yet."""
    with hub.changing():
        found = of(hub, repository, run)
        environment = found["environments"].get(job, "")
        if not hub.repository(repository)["environments"].get(environment):
            return {"approved": True}
        said = [one["state"] for one in found["approvals"] if _names(one) == environment]
        if not said and job not in found["waiting"]:
            found["waiting"].append(job)
        return {"approved": "approved" in said, "rejected": "rejected" in said}


def review(
    hub: Hub, repository: str, run: str, environment: str, login: str, *, approved: bool = True
) -> None:
    """A reviewer of an environment says yes or no.

    Raises:
        RefusedError: the environment isn't his to review, or nothing of the run waits for it.
    """
    with hub.changing():
        if login not in hub.repository(repository)["environments"].get(environment, ()):
            raise RefusedError(403, f"{login} is no reviewer of {environment}")
        found = of(hub, repository, run)
        waiting = [job for job in found["waiting"] if found["environments"].get(job) == environment]
        if not waiting:
            raise RefusedError(422, f"No pending deployment requests to approve or reject for {environment}")
        found["waiting"] = [job for job in found["waiting"] if job not in waiting]
        found["approvals"].append(
            {
                "state": "approved" if approved else "rejected",
                "comment": "",
                "user": user(login),
                "environments": [{"name": environment}],
            }
        )


def _names(review: Json) -> str:
    return str(review["environments"][0]["name"])


def _run(hub: Hub, run: str) -> Json:
    found: Json | None = hub.state["runs"].get(run)
    if found is None:
        raise NoSuchThingError(run)
    return found


def _job(hub: Hub, run: int, job: Job) -> Json:
    return {
        "id": hub.identity(),
        "run_id": run,
        "name": job.name,
        "status": "completed",
        "conclusion": job.conclusion,
        "steps": [_step(number, step) for number, step in enumerate(job.steps, 1)],
    }


def _step(number: int, step: Step) -> Json:
    return {
        "number": number,
        "name": step.name,
        "status": "completed",
        "conclusion": step.conclusion,
        "started_at": moment(step.started),
        "log": _lines(step.lines),
    }


def _lines(lines: Sequence[tuple[float, str]]) -> str:
    """As GitHub stores a log: each line after its moment, to a ten-millionth of a second."""
    return "".join(
        f"{datetime.fromtimestamp(at, UTC).strftime('%Y-%m-%dT%H:%M:%S.%f')}0Z {text}\n" for at, text in lines
    )


def _text(steps: Sequence[Json]) -> str:
    return "".join(step["log"] for step in steps)
