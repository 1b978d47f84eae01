"""Turns what the program asks for into steps, by comparing it with the old state.

Follows Pulumi's `pkg/resource/deploy/step_generator.go`. One call at a time: the caller holds a lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lab.engine import steps as ops
from lab.engine import urn as urns
from lab.engine.aliases import Renames
from lab.engine.diffing import NO_CHANGE, ignore_changes, replace_on_changes
from lab.engine.errors import EngineError, Reported
from lab.engine.goal import Goal, desired
from lab.engine.inspection import Inspector
from lab.engine.provider import DiffResult, ProviderError
from lab.engine.replacing import Replacer
from lab.engine.resource import Resource
from lab.engine.run import Run
from lab.engine.steps import Step
from lab.engine.targeting import Targeting
from lab.engine.values import equal


class Mode(Enum):
    """What the program is run for."""

    UPDATE = "update"
    DESTROY = "destroy"
    REFRESH = "refresh"


@dataclass(slots=True, eq=False)
class Registration:
    """A resource on its way from goal to steps."""

    goal: Goal
    urn: str
    old: Resource | None
    new: Resource
    valid: bool


class Generator:
    """Remembers what has been done to which URN in this run."""

    def __init__(self, run: Run, mode: Mode = Mode.UPDATE) -> None:
        self._run, self._mode = run, mode
        self.urns: set[str] = set()
        self.done: dict[str, set[str]] = {
            op: set() for op in (ops.SAME, ops.CREATE, ops.UPDATE, ops.REPLACE, ops.READ, ops.REFRESH)
        }
        self.deletes: set[str] = set()
        self.to_delete: list[Resource] = []
        self.refreshed: dict[int, Resource] = {}
        self.providers: dict[str, Resource] = {}
        self.errored = False
        self.renames = Renames(run)
        self.inspector = Inspector(run)
        self.targeting = Targeting(run, self)
        self.replacer = Replacer(run, self)

    # What has been done

    def operated_on(self, urn: str) -> bool:
        """Whether the program, or a step on its behalf, has dealt with this URN or its new name."""
        urn = self.renames.new_by_old.get(urn, urn)
        return any(urn in self.done[op] for op in (ops.SAME, ops.UPDATE, ops.REPLACE, ops.READ, ops.REFRESH))

    def has_step(self, urn: str) -> bool:
        """Whether any step was made for this URN."""
        kinds = (ops.SAME, ops.CREATE, ops.UPDATE, ops.REPLACE, ops.READ)
        return urn in self.deletes or any(urn in self.done[op] for op in kinds)

    def settled(self) -> set[str]:
        """URNs whose turn has been: what is registered later can't be a dependency of them."""
        return self.deletes.union(*(urns for op, urns in self.done.items() if op != ops.REFRESH))

    def fail(self, message: str, urn: str) -> None:
        """Report an error; previews go on, to show the rest.

        Raises:
            Reported: this is no preview.
        """
        self._run.events.error(message, urn)
        self.errored = True
        if not self._run.preview:
            raise Reported(message)

    # Registrations

    def register(self, goal: Goal) -> Registration:
        """Find the resource's URN and old state.

        Raises:
            Reported: the URN is taken, or the parent is not there.
        """
        urn = self._claim(goal)
        old, alias, problems = self.renames.find_old(urn, goal, self.urns)
        for problem in problems:
            self._run.events.error(problem, urn)
        new = desired(goal, urn, old, alias)
        if new.is_provider:
            self.providers[urn] = new
            if alias:
                self.providers[alias] = new
        return Registration(goal, urn, old, new, not problems)

    def _claim(self, goal: Goal) -> str:
        if goal.parent and goal.parent not in self.urns:
            raise EngineError(f"could not find parent resource {goal.parent}")
        urn = urns.create(goal.name, goal.type, goal.parent, self._run.project, self._run.stack)
        if urn in self.urns:
            message = f"Duplicate resource URN '{urn}'; try giving it a unique name"
            self._run.events.error(message, urn)
            raise Reported(message)
        self.urns.add(urn)
        return urn

    def plan(self, registration: Registration) -> list[Step]:
        """The steps that make the resource what the program wants.

        Raises:
            EngineError: there are none; Reported when the reason has been shown.
        """
        if self._mode is not Mode.UPDATE:
            steps = self._plan_without_changes(registration)
            if steps is not None:
                return steps
        return self.targeting.validate(self._plan_changes(registration))

    def _plan_without_changes(self, registration: Registration) -> list[Step] | None:
        """In destroy and refresh, custom resources are not touched: only components and providers are set up."""
        goal, urn, old, new = registration.goal, registration.urn, registration.old, registration.new
        custom = goal.custom and not new.is_provider
        blocked = self.targeting.depends_on_skipped(new)
        if self._mode is Mode.REFRESH:
            if not (custom or blocked):
                return None
            return [] if old is not None else [self.targeting.skip_create(registration)]
        if blocked:
            if old is not None:
                new.outputs = old.outputs
            return [self.targeting.skip_create(registration)]
        if custom and old is None:
            return [self.targeting.skip_create(registration)]
        self.to_delete.append(new)
        if not custom or old is None:
            return None
        self.done[ops.SAME].add(urn)
        new.inputs = old.inputs
        return [Step(ops.SAME, old, new, goal)]

    def _plan_changes(self, registration: Registration) -> list[Step]:
        goal, urn, old, new = registration.goal, registration.urn, registration.old, registration.new
        recreating = urn in self.deletes
        targeted = self.targeting.includes(new)
        self._check(registration, targeted=targeted, fresh=recreating or self._starts_afresh(urn, old))
        if not registration.valid:
            raise Reported(f"resource {urn} is invalid")
        if targeted:
            self.targeting.carry_dependencies(new)
        if recreating:
            return self.replacer.recreate(registration)
        if old is not None and old.external:
            self.done[ops.CREATE].add(urn)
            return [
                Step(ops.CREATE_REPLACEMENT, old, new, goal, pending_delete=True),
                Step(ops.REPLACE, old, new, pending_delete=True),
            ]
        self.targeting.note(new, targeted=targeted)
        if old is not None:
            return (
                self._plan_existing(registration, old)
                if targeted
                else self.targeting.leave(registration, old)
            )
        if not targeted:
            return [self.targeting.skip_create(registration)]
        self.done[ops.CREATE].add(urn)
        return [Step(ops.CREATE, None, new, goal)]

    def _starts_afresh(self, urn: str, old: Resource | None) -> bool:
        return old is None or old.external or self.replace_requested(urn, old)

    def replace_requested(self, urn: str, old: Resource | None) -> bool:
        """Whether the user wants this resource replaced, changed or not."""
        replace = self._run.options.replace
        return (bool(replace) and urn in replace) or (old is not None and old.taint)

    def _check(self, registration: Registration, *, targeted: bool, fresh: bool) -> None:
        """Have the provider check the inputs and fill in defaults."""
        goal, old, new = registration.goal, registration.old, registration.new
        inputs = new.inputs
        if old is not None:
            tell = self._run.events.info
            inputs = ignore_changes(inputs, old.inputs, goal.ignore_changes, lambda text: tell(text, new.urn))
        if not goal.custom:
            return
        if not targeted:
            new.inputs = old.inputs if old is not None else inputs
            return
        olds = {} if fresh or old is None else old.inputs
        registration.valid &= self.inspector.check(new, olds, goal.properties if fresh else inputs)

    def _plan_existing(self, registration: Registration, old: Resource) -> list[Step]:
        goal, urn, new = registration.goal, registration.urn, registration.new
        diff, triggered = self._diff(registration, old)
        diff = replace_on_changes(diff, goal.replace_on_changes, init_errors=bool(old.init_errors))
        if diff.changes or old.pending_replacement:
            if diff.replaces or triggered or old.pending_replacement:
                return self.replacer.replace(registration, old, diff)
            self.done[ops.UPDATE].add(urn)
            return [Step(ops.UPDATE, old, new, goal, changes=diff.diffs)]
        if old.init_errors:
            self.done[ops.UPDATE].add(urn)
            return [Step(ops.UPDATE, old, new, goal)]
        self.done[ops.SAME].add(urn)
        return [Step(ops.SAME, old, new, goal)]

    def _diff(self, registration: Registration, old: Resource) -> tuple[DiffResult, bool]:
        """How the inputs differ, and whether the replacement trigger has changed."""
        new = registration.new
        if self.inspector.trigger_changed(old, new):
            return DiffResult(changes=True), True
        reason = self._outside_reason(registration.urn, old, new)
        if reason:
            return DiffResult(changes=True, replaces=(reason,)), False
        if not new.custom:
            return (NO_CHANGE if equal(old.inputs, new.inputs) else DiffResult(changes=True)), False
        return self.inspector.diff(new.urn, new.provider, old, new.inputs), False

    def _outside_reason(self, urn: str, old: Resource, new: Resource) -> str:
        """Why the resource is to be replaced whatever its inputs are."""
        if self.replace_requested(urn, old):
            return "id"
        replaced = self.done[ops.REPLACE]
        if any(other in replaced for other in new.replace_with):
            return "replaceWith"
        return "provider" if self._provider_changed(old, new) else ""

    def _provider_changed(self, old: Resource, new: Resource) -> bool:
        """Another provider means a replacement only if its configuration does."""
        if old.provider == new.provider:
            return False
        if not old.provider or not new.provider:
            return True
        if self.renames.new_by_old.get(old.provider_urn) == new.provider_urn:
            return False
        before, now = self._run.olds.get(old.provider_urn), self.providers.get(new.provider_urn)
        if before is None or now is None:
            raise ProviderError(f"failed to resolve provider reference: {old.provider!r}")
        return self.inspector.provider_replaces(new.provider, before, now)

    # Reads

    def read(self, goal: Goal, id_: str) -> list[Step]:
        """The steps that read an existing resource into the stack."""
        urn = self._claim(goal)
        old, alias, _ = self.renames.find_old(urn, goal, self.urns)
        new = desired(goal, urn, None, alias)
        new.id, new.external = id_, True
        new.property_dependencies = {}
        if old is not None and not old.external and old.id != id_:
            self.done[ops.REPLACE].add(urn)
            return [
                Step(ops.READ_REPLACEMENT, old, new, goal, pending_delete=True),
                Step(ops.REPLACE, old, new, pending_delete=True),
            ]
        if self._mode is Mode.DESTROY:
            self.to_delete.append(new)
        self.done[ops.READ].add(urn)
        return [Step(ops.READ, old, new, goal)]
