"""What each kind of step does to the resource: `Step.apply` of Pulumi, one method a kind."""

from __future__ import annotations

from collections.abc import Callable

from lab.engine import steps as ops
from lab.engine.checkpoint import now
from lab.engine.marking import outputs_of
from lab.engine.provider import PartialFailure, Provider, ProviderError, State
from lab.engine.registry import configuration
from lab.engine.resource import Resource
from lab.engine.run import Run
from lab.engine.steps import Step
from lab.engine.values import UNKNOWN_TEXT, PropertyMap, equal, plain, rewrap


class DeleteProtected(ProviderError):
    """A protected resource would have to be deleted: nothing is done, and the other deletions go on."""

    def __init__(self, urn: str) -> None:
        super().__init__(
            f'resource "{urn}" cannot be deleted\nbecause it is protected. To unprotect the resource, either remove '
            "the `protect` flag from the resource in your Pulumi program and run `pulumi up`, or use the command:\n"
            f"`pulumi state unprotect '{urn}'`"
        )


def _both(step: Step) -> tuple[Resource, Resource]:
    if step.old is None or step.new is None:
        raise ValueError(f"step {step.op} needs an old and a new state")
    return step.old, step.new


def _condemn(step: Step) -> None:
    """The replacement exists: the old resource is to be deleted."""
    if step.pending_delete and step.old is not None:
        step.old.delete = True


class Applier:
    """Applies steps; each call may run in a thread of its own."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._methods: dict[str, Callable[[Step], None]] = {
            ops.SAME: self._same,
            ops.CREATE: self._create,
            ops.CREATE_REPLACEMENT: self._create,
            ops.UPDATE: self._update,
            ops.DELETE: self._delete,
            ops.DELETE_REPLACED: self._delete,
            ops.DISCARD: self._delete,
            ops.DISCARD_REPLACED: self._delete,
            ops.READ: self._read,
            ops.READ_REPLACEMENT: self._read,
            ops.REFRESH: self._refresh,
        }

    def apply(self, step: Step) -> None:
        """Do it.

        Raises:
            ProviderError: it could not be done.
        """
        method = self._methods.get(step.op)
        if method is not None:
            method(step)

    def _provider(self, resource: Resource) -> Provider:
        return self._run.registry.get(resource.provider)

    def _outputs(self, provider: Provider, resource: Resource, outputs: PropertyMap) -> PropertyMap:
        return outputs_of(outputs, resource.inputs, provider.secret_properties(resource.type))

    def _same(self, step: Step) -> None:
        old, new = _both(step)
        new.id, new.outputs, new.init_errors = old.id, old.outputs, []
        if new.is_provider and not step.skipped_create and not step.untargeted:
            self._run.registry.configure(new.copy(inputs=old.inputs))

    def _create(self, step: Step) -> None:
        new = step.res
        try:
            if new.is_provider:
                self._create_provider(new)
            elif new.custom:
                self._create_custom(new)
        except PartialFailure:
            _condemn(step)
            raise
        _condemn(step)
        new.created = new.modified = now()

    def _create_provider(self, new: Resource) -> None:
        new.id = self._run.registry.new_id()
        self._run.registry.configure(new)
        new.outputs = configuration(new.inputs)

    def _create_custom(self, new: Resource) -> None:
        provider = self._provider(new)
        news = plain(new.inputs)
        if self._run.preview:
            new.outputs = self._outputs(provider, new, provider.preview(new.type, new.urn, None, news))
            return
        try:
            state = self._creation(provider, new)(new.type, new.urn, news)
        except PartialFailure as error:
            new.id, new.init_errors = error.state.id, list(error.reasons)
            new.outputs = self._outputs(provider, new, error.state.outputs)
            new.created = new.modified = now()
            raise
        if not state.id:
            raise ProviderError("provider did not return an ID from Create")
        new.id, new.outputs = state.id, self._outputs(provider, new, state.outputs)

    def _creation(self, provider: Provider, new: Resource) -> Callable[[str, str, PropertyMap], State]:
        """How to create: where a killed run was at it, a provider that can tells what is there already."""
        if new.urn in self._run.interrupted:
            return getattr(provider, "resume", provider.create)
        return provider.create

    def _update(self, step: Step) -> None:
        old, new = _both(step)
        new.id, new.created, new.modified = old.id, old.created, old.modified
        if new.is_provider:
            self._run.registry.reconfigure(new)
            new.outputs = configuration(new.inputs)
        elif new.custom:
            self._update_custom(old, new)
        if new.custom:
            new.modified = now()

    def _update_custom(self, old: Resource, new: Resource) -> None:
        provider = self._provider(new)
        news, old_outputs = plain(new.inputs), plain(old.outputs)
        if self._run.preview:
            found = provider.preview(new.type, new.urn, old_outputs, news)
            new.outputs = self._outputs(provider, new, found)
            return
        try:
            state = provider.update(new.type, new.urn, old.id, plain(old.inputs), old_outputs, news)
        except PartialFailure as error:
            new.outputs = self._outputs(provider, new, error.state.outputs)
            new.init_errors, new.inputs, new.modified = list(error.reasons), old.inputs, now()
            raise
        new.outputs = self._outputs(provider, new, state.outputs)

    def _delete(self, step: Step) -> None:
        old = step.res
        if step.op == ops.DELETE and old.protect:
            raise DeleteProtected(old.urn)
        if not self._needs_no_deletion(step) and not self._run.preview:
            self._provider(old).delete(old.type, old.urn, old.id, plain(old.inputs), plain(old.outputs))
        if step.pending_replacement:
            old.pending_replacement = True

    def _needs_no_deletion(self, step: Step) -> bool:
        old = step.res
        return (
            not old.custom
            or old.is_provider
            or old.external
            or old.retain_on_delete
            or bool(old.deleted_with and old.deleted_with in step.deletions)
        )

    def _read(self, step: Step) -> None:
        new = step.res
        if new.id != UNKNOWN_TEXT:
            provider = self._provider(new)
            inputs = plain(new.inputs)
            state = provider.read(new.type, new.urn, new.id, inputs, inputs)
            if not state.id:
                raise ProviderError(f"resource '{new.id}' does not exist")
            new.id, new.outputs = state.id, self._outputs(provider, new, state.outputs)
        _condemn(step)
        if step.old is not None:
            new.created, new.modified = step.old.created, step.old.modified
            if not equal(step.old.outputs, new.outputs) or not equal(step.old.inputs, new.inputs):
                new.modified = now()

    def _refresh(self, step: Step) -> None:
        old = step.res
        step.new, step.result_op = old, ops.SAME
        if not old.custom or old.is_provider or old.pending_replacement:
            return
        provider = self._provider(old)
        state = self._read_again(provider, old)
        if not state.id:
            step.new, step.result_op = None, ops.DELETE
            return
        new = old.copy(
            id=state.id,
            inputs=rewrap(state.inputs, old.inputs) if state.inputs else old.inputs,
            outputs=self._outputs(provider, old, rewrap(state.outputs, old.outputs)),
        )
        if not equal(old.inputs, new.inputs) or not equal(old.outputs, new.outputs):
            new.modified = now()
        step.new, step.changes = new, self._drift(provider, old, new)
        step.result_op = ops.UPDATE if step.changes else ops.SAME

    def _read_again(self, provider: Provider, old: Resource) -> State:
        try:
            return provider.read(old.type, old.urn, old.id, plain(old.inputs), plain(old.outputs))
        except PartialFailure as error:
            reasons = "\n* ".join(error.reasons)
            self._run.events.warning(f"Refreshed resource is in an unhealthy state:\n* {reasons}", old.urn)
            return error.state

    def _drift(self, provider: Provider, old: Resource, new: Resource) -> tuple[str, ...]:
        """What the next update would change back."""
        if old.external:
            return () if equal(plain(old.outputs), plain(new.outputs)) else ("outputs",)
        diff = provider.diff(
            old.type, old.urn, new.id, plain(new.inputs), plain(new.outputs), plain(old.inputs)
        )
        return (diff.diffs or ("inputs",)) if diff.changes else ()
