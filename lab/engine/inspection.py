"""Asking providers what they make of inputs: checks and diffs, without touching anything real."""

from __future__ import annotations

import hashlib
import os

from lab.engine import urn as urns
from lab.engine.diffing import replace_on_changes
from lab.engine.errors import EngineError
from lab.engine.marking import mark_secret_properties
from lab.engine.provider import UNKNOWN, DiffResult
from lab.engine.registry import DiffsConfig, configuration
from lab.engine.resource import Resource
from lab.engine.run import Run
from lab.engine.unconfigured import WARNING, UnconfiguredProvider
from lab.engine.values import (
    PropertyMap,
    Value,
    contains_unknown,
    equal,
    mask,
    plain,
    rewrap,
    without_references,
)

SEEING_SECRETS = frozenset({"command"})
"""Packages whose plugins compare values with their secret marks: there, a value that becomes secret has changed."""


class Inspector:
    """Converts between the engine's values and what providers see."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._entropy = os.urandom(32)

    def _seed(self, urn: str) -> bytes:
        """Randomness for names that a provider makes up, another one for each resource of each run."""
        return hashlib.sha256(self._entropy + urn.encode()).digest()

    def check(self, new: Resource, olds: PropertyMap, news: PropertyMap) -> bool:
        """Put the checked inputs in place; problems are reported.

        Returns:
            Whether the inputs are valid.
        """
        if new.is_provider:
            result = self._run.registry.check(new.urn, news)
            new.inputs = result.inputs
        else:
            provider = self._run.registry.get(new.provider)
            result = provider.check(new.type, new.urn, plain(olds), plain(news), self._seed(new.urn))
            rewrapped = rewrap(result.inputs, news)
            new.inputs = mark_secret_properties(rewrapped, provider.secret_properties(new.type))
        self._run.scrubber.learn(new.inputs)
        for path, reason in result.failures:
            self._run.events.error(_problem(new, path, reason, news), new.urn)
        return not result.failures

    def diff(self, urn: str, reference: str, old: Resource, inputs: PropertyMap) -> DiffResult:
        """What the provider says to new inputs of an existing resource."""
        if old.is_provider:
            return self._run.registry.diff(urn, old, inputs)
        provider = self._run.registry.get(reference)
        if isinstance(provider, UnconfiguredProvider):
            self._run.events.warning(WARNING, urn)
        seen = without_references if provider.package in SEEING_SECRETS else plain
        return provider.diff(old.type, urn, old.id, seen(old.inputs), plain(old.outputs), seen(inputs))

    def would_replace(self, resource: Resource, changing: set[str]) -> DiffResult:
        """What happens to an old resource when the values of some of its inputs are not known any more."""
        inputs = {key: UNKNOWN if key in changing else value for key, value in resource.inputs.items()}
        diff = self.diff(resource.urn, resource.provider, resource, inputs)
        return replace_on_changes(diff, resource.replace_on_changes, init_errors=False)

    def provider_replaces(self, reference: str, old: Resource, new: Resource) -> bool:
        """Whether the change from one provider to another means that its resources must be replaced."""
        provider = self._run.registry.get(reference)
        if not isinstance(provider, DiffsConfig):
            return False
        diff = provider.diff_config(
            plain(configuration(old.inputs)), plain(old.outputs), plain(configuration(new.inputs))
        )
        return bool(diff.replaces)

    def trigger_changed(self, old: Resource, new: Resource) -> bool:
        """Whether the replacement trigger has changed; one that came or went does not count.

        Raises:
            EngineError: its value is not known though this is no preview.
        """
        before, now = plain(old.replacement_trigger), plain(new.replacement_trigger)
        if not self._run.preview and contains_unknown(now):
            raise EngineError(f"replacement trigger contains unknowns for {new.urn}")
        if contains_unknown(before) or contains_unknown(now):
            return True
        return before is not None and now is not None and not equal(before, now)


def _problem(new: Resource, path: str, reason: str, news: PropertyMap) -> str:
    label = f"{new.type} resource '{urns.name_of(new.urn)}'"
    if not path:
        return f"{label} has a problem: {reason}"
    return f"{label}: property {path} value {_shown(news.get(path))} has a problem: {reason}"


def _shown(value: Value) -> str:
    return "{<nil>}" if value is None else f"{{{mask(value)}}}"
