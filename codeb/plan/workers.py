"""On which servers a project's workers run, and what there is to say of it.

`replicas` counts in all: they are spread over the servers that run the project, the first ones get what can't be split. An
exclusive worker is on one server, and stays there as long as that runs the project. A new one begins on the last server:
servers are released in the order of their names, so that processes of its name that were not exclusive have ended on the
others by then. When its server no longer runs the project, that stops it at the end of a run, unless the run fails; the next
run which that server tells that it is gone (`codeb.live`) starts it elsewhere: there never are two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from codeb.model import Manifest, Worker
from codeb.plan.held import Holding


@dataclass(frozen=True)
class WorkerPlan:
    """A worker, and how many of its processes run on which servers; on none while it waits for one that stops."""

    worker: Worker
    servers: Mapping[str, int]
    waits_for: str | None = None

    def on(self, server: str) -> int:
        """How many run there."""
        return self.servers.get(server, 0)


def worker_plans(
    manifest: Manifest, servers: tuple[str, ...], held: Holding | None
) -> tuple[WorkerPlan, ...]:
    """The workers of a project that runs on these servers; `held` is what the previous run left."""
    before = held.exclusive if held else {}
    return tuple(_plan(worker, servers, before.get(worker.name)) for worker in manifest.features.workers)


def moves(project_id: str, workers: Iterable[WorkerPlan]) -> Iterator[str]:
    """A sentence for each worker that is to run elsewhere by and by."""
    for plan in workers:
        if plan.waits_for:
            yield (
                f"{project_id}: its exclusive worker {plan.worker.name} ran on {plan.waits_for}, which stops it at the "
                "end of this update; the next one that finds it gone there starts it elsewhere"
            )


def memory_of(manifest: Manifest) -> int:
    """Bytes that a server needs for the app and its share of the workers, on as few servers as may be."""
    resources, servers = manifest.resources, manifest.servers.replicas.least
    return resources.memory + sum(
        (worker.memory or resources.memory) * -(-worker.replicas // servers)
        for worker in manifest.features.workers
    )


def _plan(worker: Worker, servers: tuple[str, ...], before: str | None) -> WorkerPlan:
    if worker.exclusive:
        if before is not None and before not in servers:
            return WorkerPlan(worker, {}, before)
        return WorkerPlan(worker, {before or servers[-1]: 1})
    each, more = divmod(worker.replicas, len(servers))
    counts = {name: each + (number < more) for number, name in enumerate(servers)}
    return WorkerPlan(worker, {name: count for name, count in counts.items() if count})
