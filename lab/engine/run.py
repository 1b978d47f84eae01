"""What the parts of one operation share."""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass, field

from lab.engine.events import Events
from lab.engine.graph import Graph
from lab.engine.provider import ProviderError
from lab.engine.registry import Registry
from lab.engine.resource import Resource
from lab.engine.scrub import Scrubber
from lab.engine.snapshot import Snapshot
from lab.engine.targets import Targets


@dataclass(frozen=True)
class Options:
    """How an operation is to be done."""

    targets: Targets = field(default_factory=Targets)
    target_dependents: bool = False
    replace: Targets = field(default_factory=Targets)
    """Resources to replace whether or not they changed."""
    parallel: int = 16
    """Provider operations at the same time."""
    continue_on_error: bool = False
    refresh: bool = False
    """Read what really exists before anything else."""
    run_program: bool = False
    """For destroy and refresh: run the program, so that providers get its configuration."""


class Run:
    """One operation on a stack: the old state, what has come in its place, and the means to work."""

    def __init__(
        self,
        *,
        project: str,
        stack: str,
        preview: bool,
        options: Options,
        resources: list[Resource],
        registry: Registry,
        snapshot: Snapshot,
        events: Events,
        scrubber: Scrubber,
    ) -> None:
        self.project, self.stack, self.preview, self.options = project, stack, preview, options
        self.registry, self.snapshot, self.events, self.scrubber = registry, snapshot, events, scrubber
        self.interrupted: frozenset[str] = frozenset()
        """URNs of the creations that a killed run had begun and not ended."""
        self.news: dict[str, Resource] = {}
        self.reads: dict[str, Resource] = {}
        self.cancelled = threading.Event()
        """Set on the first failure and on Ctrl-C: no further step starts."""
        self.rebase(resources)

    def rebase(self, resources: list[Resource]) -> None:
        """Take `resources` as the old state."""
        self.previous = resources
        self.olds = {resource.urn: resource for resource in resources if not resource.delete}
        self.all_olds: dict[str, list[Resource]] = defaultdict(list)
        for resource in resources:
            self.all_olds[resource.urn].append(resource)
        self.graph = Graph(resources)

    def ensure_provider(self, resource: Resource) -> None:
        """Load the provider of an old resource if the program has not.

        Raises:
            ProviderError: it can't be loaded.
        """
        try:
            self.registry.ensure(resource, self.previous)
        except ProviderError as error:
            raise ProviderError(f"could not load provider for resource {resource.urn}: {error}") from error
