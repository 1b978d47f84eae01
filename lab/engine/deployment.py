"""One operation from its first registration to its last deletion.

Follows Pulumi's `pkg/resource/deploy/deployment_executor.go`. Registrations come from many threads: planning is
serialized here, steps run in the thread that asked for them.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from lab.engine import steps as ops
from lab.engine import urn as urns
from lab.engine.deleting import Deletions
from lab.engine.errors import EngineError, Reported, StepFailed
from lab.engine.executor import Executor
from lab.engine.generator import Generator, Mode, Registration
from lab.engine.goal import Goal
from lab.engine.graph import Graph
from lab.engine.provider import ProviderError
from lab.engine.refreshing import refresh_one
from lab.engine.registry import INTERNAL
from lab.engine.resource import Resource
from lab.engine.run import Run
from lab.engine.steps import Step
from lab.engine.values import PropertyMap


class Stopped(Exception):
    """The operation is ending: nothing can be registered any more."""


class Registered:
    """What a registration came to; `result` is `success`, `fail` or `skip`."""

    __slots__ = ("resource", "result", "unknown")

    def __init__(self, resource: Resource, result: str = "success", *, unknown: bool = False) -> None:
        self.resource, self.result, self.unknown = resource, result, unknown


class Deployment:
    """Registers resources, then deletes what is left over."""

    def __init__(self, run: Run, mode: Mode, config: dict[str, PropertyMap]) -> None:
        self._run, self._mode = run, mode
        self._refresh = run.options.run_program and (run.options.refresh or mode is Mode.REFRESH)
        self._provider_config = config
        self.generator = Generator(run, mode)
        self.executor = Executor(run)
        self._lock = threading.Lock()
        self._defaults: dict[tuple[str, str, str], str] = {}
        self._default_lock = threading.Lock()
        self._skipped: set[str] = set()
        self._stack_outputs: tuple[str, PropertyMap] | None = None
        self.failed = False

    # Called by the program's threads

    def default_provider(self, package: str, version: str, plugin_url: str) -> str:
        """The reference of the provider that resources use which name none."""
        with self._default_lock:
            key = (package, version, plugin_url)
            if key not in self._defaults:
                goal = self._default_goal(package, version, plugin_url)
                provider = self.register(goal).resource
                self._defaults[key] = f"{provider.urn}::{provider.id}"
            return self._defaults[key]

    def _default_goal(self, package: str, version: str, plugin_url: str) -> Goal:
        properties = dict(self._provider_config.get(package, {}))
        name = "default"
        if version:
            properties["version"] = version
            name += "_" + version.replace(".", "_").replace("-", "_").replace("+", "_")
        if version or plugin_url:
            properties[INTERNAL] = {"pluginDownloadURL": plugin_url} if plugin_url else {}
        return Goal(f"pulumi:providers:{package}", name, custom=True, properties=properties)

    def register(self, goal: Goal) -> Registered:
        """Make one resource what the program wants it to be.

        Raises:
            Stopped: the operation is ending.
        """
        registration = self._prepare(goal)
        steps = self._plan(registration)
        return self._carry_out(registration, steps)

    def read(self, goal: Goal, id_: str) -> Registered:
        """Read an existing resource.

        Raises:
            Stopped: the operation is ending.
        """
        with self._lock:
            self._stop_if_ending()
            try:
                steps = self.generator.read(goal, id_)
            except (EngineError, ProviderError) as error:
                raise self._stop(error) from error
        return self._run_steps(steps, steps[0].res)

    def _prepare(self, goal: Goal) -> Registration:
        with self._lock:
            self._stop_if_ending()
            try:
                registration = self.generator.register(goal)
            except (EngineError, ProviderError) as error:
                raise self._stop(error) from error
        if (
            self._refresh
            and registration.old is not None
            and self.generator.targeting.includes(registration.old)
        ):
            try:
                refresh_one(self._run, self.generator, self.executor, registration)
            except StepFailed as error:
                raise Stopped from error
        return registration

    def _plan(self, registration: Registration) -> list[Step]:
        with self._lock:
            self._stop_if_ending()
            try:
                return self.generator.plan(registration)
            except (EngineError, ProviderError) as error:
                raise self._stop(error, registration.urn) from error

    def _carry_out(self, registration: Registration, steps: list[Step]) -> Registered:
        if not steps and registration.old is not None:
            return Registered(registration.old)
        return self._run_steps(steps, registration.new)

    def _run_steps(self, steps: list[Step], resource: Resource) -> Registered:
        if self._depends_on_failure(steps):
            self._skipped.add(resource.urn)
            return Registered(resource, "skip")
        resource = next((step.res for step in steps if step.goal is not None), resource)
        try:
            self.executor.run_chain(steps)
        except StepFailed as error:
            if self._run.cancelled.is_set():
                raise Stopped from error
            return Registered(resource, "fail")
        return Registered(resource, unknown=any(step.skipped_create for step in steps))

    def _depends_on_failure(self, steps: list[Step]) -> bool:
        bad = self._skipped | self.executor.abandoned()
        return bool(bad) and any(not bad.isdisjoint(step.res.referenced()) for step in steps)

    def set_outputs(self, urn: str, outputs: PropertyMap) -> None:
        """Give a component or the stack its outputs; those of the stack wait for the end.

        Raises:
            Stopped: the operation is ending, or the resource can't get outputs.
        """
        self._stop_if_ending()
        if urns.is_root_stack(urn):
            self._stack_outputs = (urn, outputs)
            return
        try:
            self.executor.set_outputs(urn, outputs)
        except ProviderError as error:
            raise self._stop(error, urn) from error

    def _stop_if_ending(self) -> None:
        if self._run.cancelled.is_set():
            raise Stopped

    def _stop(self, error: Exception, urn: str = "") -> Stopped:
        """Something is wrong with the plan itself: report it, and let nothing else start."""
        if not isinstance(error, Reported):
            self._run.events.error(str(error), urn)
        self.failed = True
        self._run.cancelled.set()
        return Stopped()

    # Called at the end

    def finish(self) -> None:
        """Delete what the program no longer wants; nothing when something has failed before."""
        if self.failed or self._run.cancelled.is_set() or not self._run.previous:
            return
        try:
            deletions = Deletions(self._run, self.generator)
            sames, deletes = deletions.plan()
            self.executor.run_chain(sames)
            self._delete(deletions, deletes)
        except StepFailed:
            return
        except (EngineError, ProviderError) as error:
            self._stop(error)

    def _delete(self, deletions: Deletions, deletes: list[Step]) -> None:
        graph = deletions.graph()
        for layer in deletions.schedule(deletes):
            if self._run.cancelled.is_set():
                return
            needed = self._needed_by_failures(graph)
            ready = [step for step in layer if id(step.res) not in needed]
            if self._run.preview or len(ready) == 1:
                for step in ready:
                    self._run_quietly(step)
                continue
            with ThreadPoolExecutor(min(self._run.options.parallel, len(ready) or 1)) as workers:
                list(workers.map(self._run_quietly, ready))

    def _run_quietly(self, step: Step) -> None:
        try:
            self.executor.run_chain([step])
        except StepFailed:
            return  # reported, and remembered by the executor

    def _needed_by_failures(self, graph: Graph) -> set[int]:
        """What a resource that could not be deleted or changed depends on must stay."""
        states = [
            state for step in self.executor.errored for state in (step.old, step.new) if state is not None
        ]
        return {
            id(dependency)
            for state in states
            if state in graph
            for dependency in graph.transitive_dependencies_of(state)
        }

    def finish_stack(self, *, errored: bool) -> PropertyMap:
        """Set the stack's outputs; after an error, old ones that were not set again are kept.

        Returns:
            The outputs.
        """
        if self._stack_outputs is None:
            return {}
        urn, outputs = self._stack_outputs
        old = self._run.olds.get(urn)
        if errored and old is not None:
            outputs = {**old.outputs, **outputs}
        if urn not in self.executor.pending:
            return outputs
        return self.executor.set_outputs(urn, outputs).outputs

    @property
    def errored(self) -> bool:
        """Whether anything went wrong."""
        return self.failed or bool(self.executor.errored) or self.generator.errored


__all__ = ["Deployment", "Registered", "Stopped", "ops"]
