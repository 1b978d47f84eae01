"""Who depends on whom, in a list of resources that is in dependency order.

Several resources may have one URN (old and new ones in the middle of a replacement), so a dependency on a URN means
every resource of that URN that comes earlier in the list.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from lab.engine.resource import Resource


class Graph:
    """The dependency graph of a snapshot."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._resources = list(resources)
        self._index = {id(resource): index for index, resource in enumerate(self._resources)}
        self._by_urn: dict[str, list[int]] = defaultdict(list)
        self._children: dict[str, list[int]] = defaultdict(list)
        for index, resource in enumerate(self._resources):
            self._by_urn[resource.urn].append(index)
            if resource.parent:
                self._children[resource.parent].append(index)

    def __contains__(self, resource: Resource) -> bool:
        return id(resource) in self._index

    def position(self, resource: Resource) -> int:
        """Where the resource stands: after all that it depends on."""
        return self._index[id(resource)]

    def alias(self, resource: Resource, existing: Resource) -> None:
        """`resource` stands where `existing` stands."""
        self._index[id(resource)] = self._index[id(existing)]

    def depending_on(
        self, resource: Resource, ignore: Collection[str] = (), *, include_children: bool = False
    ) -> list[Resource]:
        """Everything that depends on a resource, directly or not, in dependency order."""
        dependents: list[Resource] = []
        urns = {resource.urn}
        for candidate in self._resources[self._index[id(resource)] + 1 :]:
            if candidate.urn in ignore:
                continue
            referenced = candidate.referenced() if include_children else candidate.depended_on()
            if candidate.provider_urn in urns or not urns.isdisjoint(referenced):
                dependents.append(candidate)
                urns.add(candidate.urn)
        return dependents

    def dependencies_of(self, resource: Resource) -> Iterator[Resource]:
        """What a resource depends on directly: provider, parent, dependencies and the children of components."""
        limit = self._index[id(resource)]
        for urn in {*resource.depended_on(), resource.provider_urn} - {""}:
            for index in self._earlier(self._by_urn.get(urn, ()), limit):
                yield self._resources[index]
                if not self._resources[index].custom:
                    yield from self._descendants(urn, limit)
        for index in self._earlier(self._by_urn.get(resource.parent, ()), limit):
            yield self._resources[index]

    def transitive_dependencies_of(self, resource: Resource) -> list[Resource]:
        """Everything that a resource depends on, directly or not."""
        found: dict[int, Resource] = {}
        queue = list(self.dependencies_of(resource))
        while queue:
            dependency = queue.pop()
            if id(dependency) not in found:
                found[id(dependency)] = dependency
                queue.extend(self.dependencies_of(dependency))
        return list(found.values())

    def _descendants(self, urn: str, limit: int) -> Iterator[Resource]:
        for index in self._earlier(self._children.get(urn, ()), limit):
            yield self._resources[index]
            yield from self._descendants(self._resources[index].urn, limit)

    @staticmethod
    def _earlier(indexes: Iterable[int], limit: int) -> Iterator[int]:
        return (index for index in indexes if index < limit)


def layers(resources: list[Resource], graph: Graph) -> list[list[Resource]]:
    """The resources in the order in which they may be deleted: all of a layer at the same time.

    What nothing else depends on comes first.
    """
    condemned = {id(resource) for resource in resources}
    depths: dict[int, int] = {}

    def depth(resource: Resource) -> int:
        known = depths.get(id(resource))
        if known is None:
            below = [item for item in graph.dependencies_of(resource) if id(item) in condemned]
            known = depths[id(resource)] = 1 + max(map(depth, below), default=-1)
        return known

    result: dict[int, list[Resource]] = defaultdict(list)
    for resource in sorted(resources, key=graph.position):  # in order, so that `depth` recurses by one
        result[depth(resource)].append(resource)
    return [result[level] for level in sorted(result, reverse=True)]
