"""The workers of a release on one server: a template unit a colour each, whose instances are the processes."""

from __future__ import annotations

from typing import Any

from codeb import names
from codeb.plan import ProjectPlan, ServerPlan, WorkerPlan
from codeb.render.containers import common, files, seconds
from codeb.render.text import render


def workers(project: ProjectPlan, server: ServerPlan, module: bool) -> list[dict[str, Any]]:
    """Those that have processes on this server."""
    here = [worker for worker in project.workers if worker.on(server.name)]
    return [_worker(project, each, each.on(server.name), module) for each in here]


def _worker(project: ProjectPlan, plan: WorkerPlan, replicas: int, module: bool) -> dict[str, Any]:
    worker = plan.worker
    return {
        "name": worker.name,
        "replicas": replicas,
        "exclusive": worker.exclusive,
        "stop_ms": worker.stop_timeout,
        "units": {colour: _unit(project, plan, colour, module) for colour in names.COLOURS},
    }


def _unit(project: ProjectPlan, plan: WorkerPlan, colour: names.Colour, module: bool) -> dict[str, str]:
    worker, other = plan.worker, next(each for each in names.COLOURS if each != colour)
    limits = {"memory": worker.memory} if worker.memory else {}
    content = render(
        "project/worker.container",
        **common(project) | limits,
        **files(project, colour, module),
        service=names.worker_service(project.id, colour, worker.name),
        other=names.worker_service(project.id, other, worker.name),
        name=worker.name,
        colour=colour,
        command=worker.command,
        exclusive=worker.exclusive,
        stop_s=seconds(worker.stop_timeout),
    )
    return {"name": names.worker_unit(project.id, colour, worker.name), "content": content}
