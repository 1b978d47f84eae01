"""Operations on some resources only: what is left alone, and what must come along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.engine import steps as ops
from lab.engine import urn as urns
from lab.engine.errors import EngineError
from lab.engine.resource import Resource
from lab.engine.run import Run
from lab.engine.steps import Step

if TYPE_CHECKING:
    from lab.engine.generator import Generator, Registration


class Targeting:
    """Decides what an operation with `--target` touches."""

    def __init__(self, run: Run, generator: Generator) -> None:
        self._run, self._generator = run, generator
        self._actual = run.options.targets.copy()
        self._carried: list[Step] = []
        self.skipped: set[str] = set()
        """URNs that the program wants, that are not made."""

    def includes(self, resource: Resource) -> bool:
        """Whether the resource may be changed; providers and the stack always are."""
        return (
            not self._run.options.targets
            or resource.is_provider
            or urns.is_root_stack(resource.urn)
            or self._targeted(resource)
        )

    def _targeted(self, resource: Resource) -> bool:
        targets = self._run.options.targets
        if targets and resource.urn in targets:
            return True
        if not self._run.options.target_dependents or not self._actual:
            return False
        referenced = [*resource.referenced(), *filter(None, [resource.provider_urn])]
        return any(urn in self._actual for urn in referenced)

    def note(self, resource: Resource, *, targeted: bool) -> None:
        """With `--target-dependents`, what depends on a target is one."""
        if targeted and self._run.options.targets and self._targeted(resource):
            self._actual.add(resource.urn)

    def depends_on_skipped(self, resource: Resource) -> bool:
        """Whether something that the resource needs is not made."""
        return bool(self.skipped) and not self.skipped.isdisjoint(
            [*resource.referenced(), resource.provider_urn]
        )

    def skip_create(self, registration: Registration) -> Step:
        """Leave a new resource out of the stack; what depends on it must be left out too."""
        new = registration.new
        self._generator.done[ops.SAME].add(new.urn)
        self.skipped.add(new.urn)
        return Step(ops.SAME, new.copy(), new, registration.goal, skipped_create=True)

    def leave(self, registration: Registration, old: Resource) -> list[Step]:
        """Keep an existing resource as it was, with all that it depends on.

        Raises:
            EngineError: the provider or a dependency that it had is gone.
        """
        if old.provider and self._run.registry.find(old.provider) is None:
            raise EngineError(
                f"provider {old.provider} for resource {registration.urn} has not been registered yet, this is due to "
                "a change of providers mixed with --target. Change your program back to the original providers"
            )
        self._generator.done[ops.SAME].add(registration.urn)
        steps: list[Step] = []
        self._carry(old, steps, registration.urn)
        steps[-1].goal = registration.goal
        return steps

    def _carry(self, old: Resource, steps: list[Step], wanted_by: str) -> None:
        if old.delete:
            return
        generator = self._generator
        generator.urns.add(old.urn)
        generator.done[ops.SAME].add(old.urn)
        provider = self._run.olds.get(old.provider_urn)
        if (
            provider is not None
            and not generator.has_step(provider.urn)
            and not generator.operated_on(provider.urn)
        ):
            self._carry(provider, steps, wanted_by)
        for urn in old.referenced():
            if generator.has_step(urn):
                continue
            dependency = self._run.olds.get(urn)
            if dependency is None:
                raise EngineError(f"dependency {urn} of untargeted resource {wanted_by} has no old state")
            self._carry(dependency, steps, wanted_by)
        steps.append(Step(ops.SAME, old, old.copy(), untargeted=True))

    def carry_dependencies(self, new: Resource) -> None:
        """Old resources that a target needs, and that nothing registers, are kept before it."""
        if not self._run.options.targets:
            return
        for urn in new.referenced():
            self._queue(urn, {step.urn for step in self._carried})

    def _queue(self, urn: str, queued: set[str]) -> None:
        old = self._run.olds.get(urn)
        if old is None or urn in queued or self._generator.has_step(urn):
            return
        queued.add(urn)
        for other in [*filter(None, [old.provider_urn]), *old.referenced()]:
            self._queue(other, queued)
        self._carried.append(Step(ops.SAME, old, old.copy(), untargeted=True))

    def validate(self, steps: list[Step]) -> list[Step]:
        """The steps with those before them that they need.

        Raises:
            Reported: a step depends on something new that is not targeted.
        """
        steps = [*self._take_carried(), *steps]
        options = self._run.options
        if not options.targets and not options.replace:
            return steps
        for step in steps:
            if step.new is not None and not step.skipped_create:
                self._refuse_skipped(step.new)
        return steps

    def _take_carried(self) -> list[Step]:
        carried, self._carried = self._carried, []
        taken = []
        for step in carried:
            if self._generator.has_step(step.urn) or self._generator.operated_on(step.urn):
                continue
            self._generator.urns.add(step.urn)
            self._generator.done[ops.SAME].add(step.urn)
            taken.append(step)
        return taken

    def _refuse_skipped(self, new: Resource) -> None:
        for urn in dict.fromkeys([*new.referenced(), new.provider_urn]):
            if urn in self.skipped:
                message = (
                    f"Resource '{new.urn}' depends on '{urn}' which was was not specified in --target list."
                )
                self._generator.fail(message, new.urn)
                self.skipped.discard(urn)
