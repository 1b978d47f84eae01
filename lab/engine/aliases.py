"""Finding the old state of a resource: under its URN, or under one that it had before."""

from __future__ import annotations

from lab.engine import urn as urns
from lab.engine.goal import Alias, Goal
from lab.engine.resource import Resource
from lab.engine.run import Run


class Renames:
    """Old names that resources of this run have taken over."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.new_by_old: dict[str, str] = {}
        self._old_by_new: dict[str, str] = {}

    def find_old(self, urn: str, goal: Goal, seen: set[str]) -> tuple[Resource | None, str, list[str]]:
        """The old resource, the alias it was found under, and what is wrong with the aliases."""
        problems = []
        if urn in self.new_by_old:
            problems.append(
                f"Duplicate resource URN '{urn}' conflicting with alias on resource with URN '{self.new_by_old[urn]}'"
            )
        for candidate in [urn, *self._candidates(goal)]:
            old = self._run.olds.get(candidate)
            if old is None:
                continue
            if candidate == urn:
                return old, "", problems
            problems += self._conflicts(candidate, urn, seen)
            self.new_by_old[candidate] = urn
            self._old_by_new[urn] = candidate
            self._run.registry.alias(urn, candidate)
            return old, candidate, problems
        return None, "", problems

    def _conflicts(self, alias: str, urn: str, seen: set[str]) -> list[str]:
        others = [urn] if alias in seen else []
        if alias in self.new_by_old:
            others.append(self.new_by_old[alias])
        return [
            f"Duplicate resource alias '{alias}' applied to resource with URN '{urn}' "
            f"conflicting with resource with URN '{other}'"
            for other in others
        ]

    def _candidates(self, goal: Goal) -> list[str]:
        """All URNs that the resource may have had, its own aliases first, then those it has through its parent."""
        own = [self._collapse(goal, alias) for alias in goal.aliases]
        candidates = list(own)
        old_parent = self._old_by_new.get(goal.parent)
        if old_parent:
            parent_name = urns.name_of(goal.parent)
            candidates.append(self._inherited(goal.type, goal.name, parent_name, old_parent))
            for alias in own:
                inherited = self._inherited(urns.type_of(alias), urns.name_of(alias), parent_name, old_parent)
                candidates.append(inherited)
        return list(dict.fromkeys(candidates))

    def _collapse(self, goal: Goal, alias: Alias) -> str:
        if alias.urn:
            return alias.urn
        parent = self._old_by_new.get(alias.parent, alias.parent) if alias.parent else goal.parent
        if alias.no_parent or (parent and urns.is_root_stack(parent)):
            parent = ""
        return urns.create(
            alias.name or goal.name,
            alias.type or goal.type,
            parent,
            alias.project or self._run.project,
            alias.stack or self._run.stack,
        )

    def _inherited(self, type_: str, name: str, parent_name: str, old_parent: str) -> str:
        """A child is often named after its parent: then its old name began with the parent's old name."""
        if name.startswith(parent_name):
            name = urns.name_of(old_parent) + name[len(parent_name) :]
        return urns.make(self._run.stack, self._run.project, urns.qualified_type(old_parent), type_, name)
