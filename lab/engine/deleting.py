"""What is deleted once the program has registered everything it wants, and in which order."""

from __future__ import annotations

from lab.engine import steps as ops
from lab.engine.errors import Reported
from lab.engine.generator import Generator
from lab.engine.graph import Graph, layers
from lab.engine.resource import Resource
from lab.engine.run import Run
from lab.engine.steps import Step


class Deletions:
    """Plans the end of an operation."""

    def __init__(self, run: Run, generator: Generator) -> None:
        self._run, self._generator = run, generator
        self._allowed = self._allowed_urns()

    def plan(self) -> tuple[list[Step], list[Step]]:
        """Steps that keep what is not targeted, and steps that delete.

        Raises:
            Reported: something must be deleted that is not targeted.
        """
        sames: list[Step] = []
        deletes: list[Step] = []
        for resource in self._run.previous:
            if not self._is_targeted(resource):
                if not self._generator.operated_on(resource.urn):
                    sames.append(Step(ops.SAME, resource, resource.copy(), untargeted=True))
                continue
            step = self._delete(self._generator.refreshed.get(id(resource), resource))
            if step is not None:
                deletes.append(step)
                self._run.ensure_provider(step.res)
        for resource in self._generator.to_delete:
            if self._is_targeted(resource):
                self._generator.deletes.add(resource.urn)
                deletes.append(self._deletion(resource))
        self._refuse_untargeted(deletes)
        return sames, deletes

    def _delete(self, resource: Resource) -> Step | None:
        generator = self._generator
        if resource.delete:
            if id(resource) in generator.replacer.deleted:
                return None
            generator.deletes.add(resource.urn)
            op = ops.DISCARD_REPLACED if resource.external else ops.DELETE_REPLACED
            return Step(op, resource, deletions=generator.deletes)
        if generator.operated_on(resource.urn):
            return None
        generator.deletes.add(resource.urn)
        if resource.pending_replacement:
            return Step(ops.REMOVE_PENDING_REPLACE, resource)
        return self._deletion(resource)

    def _deletion(self, resource: Resource) -> Step:
        op = ops.DISCARD if resource.external else ops.DELETE
        return Step(op, resource, deletions=self._generator.deletes)

    def schedule(self, deletes: list[Step]) -> list[list[Step]]:
        """The deletions in layers: what depends on something is deleted before it."""
        graph = self.graph()
        by_resource = {id(step.res): step for step in deletes}
        ordered = layers([step.res for step in deletes], graph)
        return [[by_resource[id(resource)] for resource in layer] for layer in ordered]

    def graph(self) -> Graph:
        """Dependencies among old resources and those that this run made to be deleted."""
        graph = Graph([*self._generator.to_delete, *self._run.previous])
        for resource in self._run.previous:
            refreshed = self._generator.refreshed.get(id(resource))
            if refreshed is not None:
                graph.alias(refreshed, resource)
        return graph

    def _is_targeted(self, resource: Resource) -> bool:
        return self._allowed is None or resource.urn in self._allowed

    def _allowed_urns(self) -> set[str] | None:
        """The targets, and what must go with them: all that depends on them, or is replaced because of them."""
        targets = self._run.options.targets
        if not targets:
            return None
        graph = self.graph()
        queue = [resource for resource in self._run.previous if resource.urn in targets]
        reached: set[str] = set()
        while queue:
            resource = queue.pop(0)
            if resource.urn not in reached:
                reached.add(resource.urn)
                queue.extend(graph.depending_on(resource, reached, include_children=True))
        return reached | self._implied(reached)

    def _implied(self, urns: set[str]) -> set[str]:
        replacer = self._generator.replacer
        implied: set[str] = set()
        for urn in urns:
            for resource in self._run.all_olds.get(urn, ()):
                affected = replacer.dependents(resource) + replacer.cascades(urn)
                implied.update(dependent.urn for dependent, _ in affected)
        return implied

    def _refuse_untargeted(self, deletes: list[Step]) -> None:
        options = self._run.options
        refused = [step.urn for step in deletes if step.urn not in options.targets]
        if not refused or options.target_dependents:
            return
        for urn in refused:
            self._run.events.error(
                f"Resource '{urn}' will be destroyed but was not specified in --target list.\n"
                "Either include resource in --target list or pass --target-dependents to proceed.",
                urn,
            )
        self._generator.errored = True
        if not self._run.preview:
            raise Reported("delete untargeted resource")
