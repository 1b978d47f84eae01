"""One operation on a stack, from opening its state to the summary."""

from __future__ import annotations

import time
from contextlib import chdir, nullcontext
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from lab.engine.builtin import BuiltinProvider
from lab.engine.checkpoint import StackFiles
from lab.engine.config import StackConfig, StackSettings, load_settings, resolve
from lab.engine.deployment import Deployment
from lab.engine.errors import EngineError
from lab.engine.events import Display, Events, Summary
from lab.engine.generator import Mode
from lab.engine.interrupt import interruptible
from lab.engine.locking import locked
from lab.engine.project import Project
from lab.engine.provider import ProviderError, ProviderFactory
from lab.engine.refreshing import refresh_all
from lab.engine.registry import Registry
from lab.engine.run import Options, Run
from lab.engine.scrub import Scrubber
from lab.engine.snapshot import NoSnapshot, Snapshot
from lab.engine.stackstate import StackState
from lab.engine.steps import READ, SAME
from lab.engine.values import PropertyMap


class Kind(Enum):
    """What is done to the stack."""

    UPDATE = "update"
    DESTROY = "destroy"
    REFRESH = "refresh"


_MODES = {Kind.UPDATE: Mode.UPDATE, Kind.DESTROY: Mode.DESTROY, Kind.REFRESH: Mode.REFRESH}


@dataclass(frozen=True)
class Result:
    """How an operation ended; `outputs` hold secrets as `Secret` objects."""

    exit_code: int
    summary: dict[str, int]
    outputs: PropertyMap
    steps: list[tuple[str, str]]
    failed: list[str]
    """URNs of resources whose steps failed."""

    @property
    def changed(self) -> bool:
        """Whether any resource was, or would be, changed."""
        return any(op not in (SAME, READ) for op in self.summary)


@dataclass(frozen=True)
class Request:
    """An operation to do."""

    project: Project
    stack: str
    backend: Path
    passphrase: str
    providers: ProviderFactory
    program: Path
    kind: Kind
    preview: bool
    options: Options
    display: Display

    @property
    def runs_program(self) -> bool:
        """Whether the program is part of it."""
        return self.kind is Kind.UPDATE or self.options.run_program

    @property
    def directory(self) -> Path:
        """The working directory of program and providers."""
        return self.program if self.program.is_dir() else self.program.parent

    @property
    def files(self) -> StackFiles:
        """Where the stack's state is."""
        return StackFiles(self.backend, self.project.name, self.stack)


def perform(request: Request) -> Result:
    """Do it.

    Raises:
        EngineError: it could not begin. What fails later is shown, and told by the result.
    """
    scrubber = Scrubber()
    events = Events(request.display, scrubber, refreshing=request.kind is Kind.REFRESH)
    lock = nullcontext() if request.preview else locked(request.files, events.warning)
    with chdir(request.directory), lock as own_lock:
        return _Operation(request, events, scrubber, own_lock).perform()


class _Operation:
    def __init__(self, request: Request, events: Events, scrubber: Scrubber, lock: Path | None) -> None:
        self._request, self._events, self._scrubber, self._lock = request, events, scrubber, lock
        self._started = time.monotonic()

    def perform(self) -> Result:
        request = self._request
        settings = load_settings(request.project, request.stack)
        state = StackState.open(request.files, request.passphrase, settings.salt)
        config = self._config(settings, state)
        for resource in state.resources:
            self._scrubber.learn(resource.inputs)
            self._scrubber.learn(resource.outputs)
        self._tell_of_interruption(state)
        if request.preview:
            return self._run(state, config, NoSnapshot())
        writer = state.begin()
        try:
            return self._run(state, config, writer.snapshot)
        finally:
            writer.close()

    def _config(self, settings: StackSettings, state: StackState) -> StackConfig:
        request = self._request
        if not request.runs_program:
            return StackConfig({}, frozenset())
        config = resolve(request.project, request.stack, settings, state.crypter)
        for value in config.secrets():
            self._scrubber.learn(value)
        return config

    def _tell_of_interruption(self, state: StackState) -> None:
        if state.resumed:
            self._events.warning("the previous run was interrupted; what it had done has been taken over")
        if state.interrupted:
            lines = [
                f"  * {item['resource']['urn']}, interrupted while {item['type']}"
                for item in state.interrupted
            ]
            self._events.warning(
                "these operations of an earlier run did not finish; they are done again, "
                "as far as they are still wanted:\n" + "\n".join(lines)
            )

    def _run(self, state: StackState, config: StackConfig, snapshot: Snapshot) -> Result:
        request = self._request
        registry = Registry(request.providers, BuiltinProvider(state.outputs_of), preview=request.preview)
        run = Run(
            project=request.project.name,
            stack=request.stack,
            preview=request.preview,
            options=request.options,
            resources=state.resources,
            registry=registry,
            snapshot=snapshot,
            events=self._events,
            scrubber=self._scrubber,
        )
        run.interrupted = frozenset(
            item["resource"]["urn"] for item in state.interrupted if item["type"] == "creating"
        )
        deployment = Deployment(run, _MODES[request.kind], config.by_package())
        try:
            with interruptible(lambda: self._cancel(run), self._lock):
                self._work(run, deployment, config)
        finally:
            registry.close()
        return self._finish(run, deployment, state.outputs())

    def _cancel(self, run: Run) -> None:
        run.cancelled.set()
        self._events.warning(
            "cancelling: waiting for running operations to end (interrupt again to stop at once)"
        )
        run.registry.cancel()

    def _work(self, run: Run, deployment: Deployment, config: StackConfig) -> None:
        request, options = self._request, self._request.options
        try:
            if not self._refresh_first(run, deployment):
                return
            options.replace.check(run.all_olds)
            if request.runs_program and not self._run_program(run, deployment, config):
                deployment.failed = True
                run.cancelled.set()
                return
            if request.kind is Kind.REFRESH:
                self._refresh_rest(run, deployment)
                return
            options.targets.check(run.all_olds.keys() | deployment.generator.urns)
            deployment.finish()
        except (EngineError, ProviderError) as error:
            deployment.failed = True
            self._events.error(str(error))

    def _refresh_first(self, run: Run, deployment: Deployment) -> bool:
        """Without the program, a refresh comes before anything else; whether to go on then."""
        request = self._request
        if request.options.run_program:
            return True
        if request.options.refresh or request.kind is Kind.REFRESH:
            done = refresh_all(run, deployment.executor, run.previous)
            return done and request.kind is not Kind.REFRESH
        return True

    def _refresh_rest(self, run: Run, deployment: Deployment) -> None:
        left = [item for item in run.previous if not deployment.generator.operated_on(item.urn)]
        refresh_all(run, deployment.executor, left)

    def _run_program(self, run: Run, deployment: Deployment, config: StackConfig) -> bool:
        from lab.engine.monitor import Monitor
        from lab.engine.program import Program, run_program

        request = self._request
        program = Program(
            path=request.program,
            project=request.project.name,
            stack=request.stack,
            root=request.project.root,
            config=config,
        )
        monitor = Monitor(run, deployment, config.disabled_default_providers())
        done = run_program(
            program,
            monitor,
            self._events,
            preview=request.preview,
            parallel=request.options.parallel,
            stopped=run.cancelled.is_set,
        )
        return done and not run.cancelled.is_set()

    def _finish(self, run: Run, deployment: Deployment, old_outputs: PropertyMap) -> Result:
        request = self._request
        errored = deployment.errored or run.cancelled.is_set()
        outputs = deployment.finish_stack(errored=errored)
        if not request.runs_program and request.kind is Kind.REFRESH:
            outputs = old_outputs
        if errored and not deployment.failed:
            kind = "preview" if request.preview else "update"
            end = "failed" if deployment.errored else "canceled"
            self._events.error(f"{kind} {end}")
        changes = dict(sorted(self._events.changes.items()))
        seconds = time.monotonic() - self._started
        self._events.summary(Summary(request.preview, errored, seconds, changes, outputs, old_outputs))
        return Result(int(errored), changes, outputs, self._events.steps, self._events.failed_urns)
