"""Replacements: create before delete, or delete before create with all that depends on what goes away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.engine import steps as ops
from lab.engine.errors import Reported
from lab.engine.provider import DiffResult
from lab.engine.resource import Resource
from lab.engine.run import Run
from lab.engine.steps import Step

if TYPE_CHECKING:
    from lab.engine.generator import Generator, Registration


class Replacer:
    """Plans the steps of a replacement."""

    def __init__(self, run: Run, generator: Generator) -> None:
        self._run, self._generator = run, generator
        self._reasons: dict[str, tuple[str, ...]] = {}
        self.deleted: set[int] = set()
        """Resources (by identity) that are deleted ahead of the replacement of something they depend on."""

    def recreate(self, registration: Registration) -> list[Step]:
        """The resource was deleted in this run, for the sake of something it depends on: make it again."""
        urn, old, new = registration.urn, registration.old, registration.new
        self._generator.deletes.discard(urn)
        self._generator.done[ops.REPLACE].add(urn)
        reasons = self._reasons.get(urn, ())
        return [
            Step(ops.REPLACE, old, new, reasons=reasons),
            Step(ops.CREATE_REPLACEMENT, old, new, registration.goal, reasons=reasons),
        ]

    def replace(self, registration: Registration, old: Resource, diff: DiffResult) -> list[Step]:
        """The steps of a replacement; in create-before-delete, the deletion comes at the end of the run.

        Raises:
            Reported: the resource, or one that would have to go with it, is protected.
        """
        generator, goal, urn, new = self._generator, registration.goal, registration.urn, registration.new
        if new.protect and old.protect:
            generator.fail(_protected(urn), urn)
        generator.done[ops.REPLACE].add(urn)
        if new.custom and not generator.replace_requested(urn, old) and not self._recheck(registration):
            raise Reported(f"resource {urn} has check errors")
        before = (
            diff.delete_before_replace if goal.delete_before_replace is None else goal.delete_before_replace
        )
        if not before:
            return [
                Step(
                    ops.CREATE_REPLACEMENT,
                    old,
                    new,
                    goal,
                    pending_delete=True,
                    reasons=diff.replaces,
                    changes=diff.diffs,
                ),
                Step(ops.REPLACE, old, new, pending_delete=True, reasons=diff.replaces, changes=diff.diffs),
            ]
        steps = self._delete_dependents(old)
        self._run.ensure_provider(old)
        if not old.pending_replacement:
            steps.append(
                Step(ops.DELETE_REPLACED, old, pending_replacement=True, deletions=generator.deletes)
            )
        steps.append(Step(ops.REPLACE, old, new, reasons=diff.replaces, changes=diff.diffs))
        steps.append(Step(ops.CREATE_REPLACEMENT, old, new, goal, reasons=diff.replaces, changes=diff.diffs))
        return steps

    def _recheck(self, registration: Registration) -> bool:
        """Defaults are made anew for the new resource."""
        inspector = self._generator.inspector
        return inspector.check(registration.new, {}, registration.goal.properties)

    def _delete_dependents(self, old: Resource) -> list[Step]:
        steps: list[Step] = []
        generator = self._generator
        for dependent, reasons in reversed(self.dependents(old) + self.cascades(old.urn)):
            if id(dependent) in self.deleted:
                continue
            self._reasons[dependent.urn] = reasons
            if dependent.protect and not dependent.delete:
                message = _protected_dependent(dependent.urn, old.urn)
                self._run.events.error(message, dependent.urn)
                generator.errored = True
                raise Reported(message)
            op = ops.DELETE if dependent.delete else ops.DELETE_REPLACED
            steps.append(
                Step(op, dependent, pending_replacement=not dependent.delete, deletions=generator.deletes)
            )
            generator.deletes.add(dependent.urn)
            self.deleted.add(id(dependent))
        return steps

    def dependents(self, root: Resource) -> list[tuple[Resource, tuple[str, ...]]]:
        """What must be replaced because `root` goes away, in dependency order, and the inputs that say so."""
        if root not in self._run.graph:
            return []
        replaced = {root.urn}
        result: list[tuple[Resource, tuple[str, ...]]] = []
        for dependent in self._run.graph.depending_on(root, self._generator.settled()):
            must, reasons = self._must_replace(dependent, replaced)
            if must:
                result.append((dependent, reasons))
                replaced.add(dependent.urn)
        return result

    def _must_replace(self, resource: Resource, replaced: set[str]) -> tuple[bool, tuple[str, ...]]:
        if not resource.custom or resource.external:
            return False, ()
        if resource.provider_urn in replaced:
            self._run.ensure_provider(resource)
            return True, ()
        changing = {
            key
            for key, urns in resource.property_dependencies.items()
            if key in resource.inputs and not replaced.isdisjoint(urns)
        }
        if not changing:
            return False, ()
        if resource.is_provider:
            self._run.registry.configure(resource)
        else:
            self._run.ensure_provider(resource)
        diff = self._generator.inspector.would_replace(resource, changing)
        return bool(diff.replaces), diff.replaces

    def cascades(self, urn: str) -> list[tuple[Resource, tuple[str, ...]]]:
        """Resources that are replaced with this one."""
        found: dict[str, Resource] = {}
        for resource in [*self._run.news.values(), *self._run.olds.values()]:
            if urn in resource.replace_with:
                found.setdefault(resource.urn, resource)
        return [(resource, ()) for resource in found.values()]


def _protected(urn: str) -> str:
    return (
        f'unable to replace resource "{urn}"\nas it is currently marked for protection. To unprotect the resource, '
        "remove the `protect` flag from the resource in your Pulumi program and run `pulumi up`"
    )


def _protected_dependent(urn: str, root: str) -> str:
    return (
        f'unable to replace resource "{urn}" as part of replacing "{root}" as it is currently marked for protection. '
        "To unprotect the resource, remove the `protect` flag from the resource in your Pulumi program and run "
        f"`pulumi up`, or use the command:\n`pulumi state unprotect '{urn}'`"
    )
