"""Carries out steps: calls providers, records the effects, reports what happens.

Follows Pulumi's `pkg/resource/deploy/step_executor.go` and the `Apply` methods of `step.go`.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext

from lab.engine import steps as ops
from lab.engine.applying import Applier, DeleteProtected
from lab.engine.errors import StepFailed
from lab.engine.marking import mark_outputs
from lab.engine.provider import PartialFailure, ProviderError
from lab.engine.resource import Resource
from lab.engine.run import Run
from lab.engine.steps import Step

_PENDING = {
    ops.CREATE: "creating",
    ops.CREATE_REPLACEMENT: "creating",
    ops.UPDATE: "updating",
    ops.DELETE: "deleting",
    ops.DELETE_REPLACED: "deleting",
    ops.READ: "reading",
    ops.READ_REPLACEMENT: "reading",
}
_READING = frozenset({ops.READ, ops.READ_REPLACEMENT, ops.REFRESH})
_DELETIONS = frozenset(
    {ops.DELETE, ops.DELETE_REPLACED, ops.DISCARD, ops.DISCARD_REPLACED, ops.REMOVE_PENDING_REPLACE}
)
_SLOW = frozenset([*_PENDING, ops.REFRESH])


class Executor:
    """Runs chains of steps, in the threads that ask for it."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._slots = threading.BoundedSemaphore(run.options.parallel)
        self._applier = Applier(run)
        self.errored: list[Step] = []
        self.pending: dict[str, Step] = {}
        """Steps whose resources may yet get outputs from the program."""

    def run_chain(self, steps: list[Step]) -> None:
        """One step after the other.

        Raises:
            StepFailed: one has failed, here or elsewhere; the rest are not done.
        """
        for step in steps:
            if self._run.cancelled.is_set():
                raise StepFailed("cancelled")
            self.run_step(step)

    def run_step(self, step: Step) -> None:
        """One step, with all that belongs to it.

        Raises:
            StepFailed: it failed, and that has been reported.
        """
        self._run.events.started(step)
        operation = self._begin(step)
        try:
            with self._slot(step):
                self._applier.apply(step)
        except PartialFailure as error:
            self._finish_resource(step)
            self._record(step, operation)
            self._fail(step, _partial(error))
        except ProviderError as error:
            self._run.snapshot.end(operation)
            self._fail(step, str(error), cancel=not isinstance(error, DeleteProtected))
        except Exception as error:  # noqa: BLE001 (a defect in a provider must not lose the state of the others)
            self._run.snapshot.end(operation)
            self._fail(step, f"{type(error).__name__}: {error}")
        else:
            if step.logical and step.new is not None:
                self.pending[step.urn] = step
            self._finish_resource(step)
            self._record(step, operation)
            self._run.events.finished(step)

    def _slot(self, step: Step) -> AbstractContextManager[object]:
        idle = self._run.preview and step.op not in _READING
        return nullcontext() if idle or step.op not in _SLOW or not step.res.custom else self._slots

    def _begin(self, step: Step) -> str:
        kind = _PENDING.get(step.op)
        resource = step.res
        if kind is None or not resource.custom or resource.is_provider:
            return ""
        return self._run.snapshot.begin(resource, kind)

    def _finish_resource(self, step: Step) -> None:
        """Mark secret outputs, and make the resource known to whoever looks it up."""
        new = step.new
        if new is None or step.op == ops.REPLACE:
            return
        mark_outputs(new, lambda text: self._run.events.warning(text, new.urn))
        self._run.scrubber.learn(new.outputs)
        known = self._run.reads if step.op in (ops.READ, ops.READ_REPLACEMENT) else self._run.news
        known[new.urn] = new

    def _record(self, step: Step, operation: str) -> None:
        if step.op == ops.SAME:
            self._record_same(step)
        elif step.op in _DELETIONS:
            self._record_delete(step, operation)
        elif step.op not in (ops.REPLACE, ops.REFRESH):
            self._record_new(step, operation)

    def _record_new(self, step: Step, operation: str) -> None:
        if step.new is None:
            return
        replaces = step.old
        condemned = None
        if step.op in (ops.CREATE_REPLACEMENT, ops.READ_REPLACEMENT) and replaces is not None:
            condemned = replaces if replaces.delete else None
            replaces = replaces if replaces.pending_replacement else None
        self._run.snapshot.write(step.new, replaces=replaces, condemned=condemned, operation=operation)

    def _record_same(self, step: Step) -> None:
        if step.new is not None and not step.skipped_create:
            self._run.snapshot.write(step.new, replaces=step.old)

    def _record_delete(self, step: Step, operation: str) -> None:
        if step.res.pending_replacement and step.op != ops.REMOVE_PENDING_REPLACE:
            self._run.snapshot.write(step.res, operation=operation)
        else:
            self._run.snapshot.remove(step.res, operation)

    def _fail(self, step: Step, message: str, *, cancel: bool = True) -> None:
        prefix = "Preview failed: " if self._run.preview else ""
        self.errored.append(step)
        if cancel and not self._run.options.continue_on_error:
            self._run.cancelled.set()
        self._run.events.failed(step, prefix + message)
        raise StepFailed(message)

    def set_outputs(self, urn: str, outputs: dict[str, object]) -> Resource:
        """Give a registered resource the outputs that the program has computed for it.

        Raises:
            ProviderError: the resource is not registered, or has its outputs already.
        """
        step = self.pending.pop(urn, None)
        if step is None or step.new is None:
            raise ProviderError(f"cannot complete a resource '{urn}' whose registration isn't pending")
        new = step.new
        if not step.skipped_create and new.outputs != outputs:
            new.outputs = outputs
            self._run.scrubber.learn(outputs)
            self._run.snapshot.write(new)
        return new

    def abandoned(self) -> set[str]:
        """URNs of resources whose steps failed."""
        return {step.urn for step in self.errored}


def _partial(error: PartialFailure) -> str:
    reasons = "\n".join(f"  * {reason}" for reason in error.reasons)
    return f"resource partially created but read or update failed:\n{reasons}" if reasons else str(error)
