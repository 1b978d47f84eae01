"""Reading what really exists, before or instead of an update."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from lab.engine import steps as ops
from lab.engine.errors import StepFailed
from lab.engine.executor import Executor
from lab.engine.generator import Generator, Registration
from lab.engine.resource import Resource
from lab.engine.run import Run
from lab.engine.steps import Step


def refresh_one(run: Run, generator: Generator, executor: Executor, registration: Registration) -> None:
    """Refresh the old state of a resource that the program has just named, and go on from what was found.

    Raises:
        StepFailed: the resource could not be read.
    """
    old = registration.old
    if old is None:
        return
    step = Step(ops.REFRESH, old)
    executor.run_step(step)
    generator.done[ops.REFRESH].add(registration.urn)
    found = step.new.copy() if step.new is old else step.new
    if found is None:
        run.snapshot.remove(old)
    else:
        run.snapshot.write(found, replaces=old)
        run.graph.alias(found, old)
        generator.refreshed[id(old)] = found
    registration.old = found


def refresh_all(run: Run, executor: Executor, resources: list[Resource]) -> bool:
    """Refresh resources without a program, and take what was found as the old state.

    Returns:
        Whether all of them could be read.
    """
    steps = [Step(ops.REFRESH, resource) for resource in _targeted(run, resources)]
    for step in steps:
        run.ensure_provider(step.res)
    with ThreadPoolExecutor(run.options.parallel) as workers:
        read = list(workers.map(lambda step: _read(executor, step), steps))
    found = {id(step.res): step.new for step, done in zip(steps, read, strict=True) if done}
    rebuild(run, found)
    return all(read)


def _targeted(run: Run, resources: list[Resource]) -> list[Resource]:
    targets = run.options.targets.copy()
    targets.check(run.all_olds)
    chosen = []
    for resource in resources:
        follows = run.options.target_dependents and any(urn in targets for urn in resource.referenced())
        if resource.urn in targets or follows:
            chosen.append(resource)
            targets.add(resource.urn)
    return chosen


def _read(executor: Executor, step: Step) -> bool:
    try:
        executor.run_step(step)
    except StepFailed:
        return False
    return True


def rebuild(run: Run, found: dict[int, Resource | None]) -> None:
    """Put what was found in the place of the old state, without dependencies on what is gone."""
    alive: list[Resource] = []
    known: set[str] = set()
    parents: dict[str, str] = {}
    for old in run.previous:
        new = found.get(id(old), old)
        if new is None:
            run.snapshot.remove(old)
            parents.setdefault(old.urn, old.parent)
            continue
        kept = _without_dangling(new, known, parents)
        if kept is not old:
            kept.key = old.key
            run.snapshot.write(kept)
        alive.append(kept)
        known.add(kept.urn)
    run.rebase(alive)


def _without_dangling(resource: Resource, known: set[str], parents: dict[str, str]) -> Resource:
    parent = resource.parent
    while parent and parent not in known:
        parent = parents.get(parent, "")
    property_dependencies = {
        key: kept
        for key, urns in resource.property_dependencies.items()
        if (kept := [urn for urn in urns if urn in known])
    }
    if (
        parent == resource.parent
        and property_dependencies == resource.property_dependencies
        and known.issuperset(resource.depended_on())
    ):
        return resource
    return resource.copy(
        parent=parent,
        dependencies=[urn for urn in resource.dependencies if urn in known],
        property_dependencies=property_dependencies,
        deleted_with=resource.deleted_with if resource.deleted_with in known else "",
        replace_with=[urn for urn in resource.replace_with if urn in known],
        key=resource.key,
    )
