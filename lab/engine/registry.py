"""Providers: one instance a provider resource, found by reference (`<urn>::<id>`)."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable
from typing import Any, Final, Protocol, runtime_checkable

from lab.engine import urn as urns
from lab.engine.provider import (
    CheckResult,
    DiffResult,
    Properties,
    Provider,
    ProviderError,
    ProviderFactory,
)
from lab.engine.resource import Resource
from lab.engine.unconfigured import UnconfiguredProvider
from lab.engine.values import UNKNOWN_TEXT, PropertyMap, contains_unknown, equal, plain, rewrap

INTERNAL: Final = "__internal"
"""Input of a provider resource that is the engine's own and that plugins never see."""


@runtime_checkable
class DiffsConfig(Protocol):
    """A provider that says itself what a change of its configuration means."""

    def diff_config(
        self, old_inputs: Properties, old_outputs: Properties, news: Properties
    ) -> DiffResult: ...


def configuration(inputs: PropertyMap) -> PropertyMap:
    """The inputs of a provider resource without the engine's own."""
    return {key: value for key, value in inputs.items() if key != INTERNAL}


class Registry:
    """All providers of a run. Safe to call from many threads."""

    def __init__(self, factory: ProviderFactory, builtin: Provider, *, preview: bool) -> None:
        self._factory, self._builtin, self._preview = factory, builtin, preview
        self._configured: dict[str, Provider] = {}
        self._checked: dict[str, Provider] = {}
        self._aliases: dict[str, str] = {}
        self._cancelled = False
        self._lock = threading.RLock()

    def _load(self, type_: str, inputs: PropertyMap) -> Provider:
        package = urns.package_of(type_)
        if package == self._builtin.package:
            return self._builtin
        version = inputs.get("version")
        return self._factory(package, version if isinstance(version, str) else None)

    def alias(self, urn: str, old: str) -> None:
        """References to `old` mean `urn` from now on."""
        if urns.is_provider_type(urns.type_of(urn)):
            with self._lock:
                self._aliases[old] = urn

    def find(self, reference: str) -> Provider | None:
        """The configured provider of a reference."""
        with self._lock:
            provider = self._configured.get(reference)
            if provider is None:
                alias = self._aliases.get(urns.provider_urn(reference))
                provider = self._configured.get(f"{alias}::{urns.provider_id(reference)}") if alias else None
            return provider

    def get(self, reference: str) -> Provider:
        """The configured provider of a reference.

        Raises:
            ProviderError: there is none.
        """
        provider = self.find(reference)
        if provider is None:
            raise ProviderError(f"unknown provider {reference!r}")
        return provider

    def check(self, urn: str, news: PropertyMap) -> CheckResult:
        """Check a provider resource's inputs."""
        provider = self._load(urns.type_of(urn), news)
        given = configuration(news)
        result = provider.check_config(plain(given))
        with self._lock:
            self._checked[urn] = provider
        inputs = rewrap(configuration(result.inputs), given)
        for key in ("version", INTERNAL):
            if key in news:
                inputs[key] = news[key]
        return CheckResult(inputs, result.failures)

    def diff(self, urn: str, old: Resource, news: PropertyMap) -> DiffResult:
        """What a change of a provider's inputs means: an update, unless the provider says otherwise."""
        provider = self._checked.get(urn) or self.get(f"{old.urn}::{old.id}")
        olds, new = configuration(old.inputs), configuration(news)
        if isinstance(provider, DiffsConfig):
            return provider.diff_config(plain(olds), plain(old.outputs), plain(new))
        changed = tuple(
            key
            for key in sorted(olds.keys() | new.keys())
            if not equal(plain(olds.get(key)), plain(new.get(key)))
        )
        return DiffResult(bool(changed), diffs=changed)

    def configure(self, resource: Resource) -> None:
        """Make the provider of a provider resource ready for use; without effect when it is."""
        reference = f"{resource.urn}::{resource.id}"
        with self._lock:
            if reference in self._configured:
                return
            provider = self._checked.pop(resource.urn, None)
        if self._preview and contains_unknown(resource.inputs):
            provider = UnconfiguredProvider(urns.package_of(resource.type))
        provider = provider or self._load(resource.type, resource.inputs)
        provider.configure(plain(configuration(resource.inputs)))
        with self._lock:
            if self._cancelled:
                raise ProviderError("cancelled")
            self._configured[reference] = provider

    def reconfigure(self, resource: Resource) -> None:
        """Put a provider with new inputs in the place of the old one."""
        with self._lock:
            self._configured.pop(f"{resource.urn}::{resource.id}", None)
        self.configure(resource)

    def new_id(self) -> str:
        """The id of a new provider resource; not known in previews."""
        return UNKNOWN_TEXT if self._preview else str(uuid.uuid4())

    def ensure(self, resource: Resource, providers: Iterable[Resource]) -> None:
        """Load the provider of a resource from the old state, when the program has not registered it.

        Raises:
            ProviderError: the state has no such provider.
        """
        if not resource.provider or self.find(resource.provider) is not None:
            return
        urn, id_ = resource.provider_urn, urns.provider_id(resource.provider)
        for provider in providers:
            if provider.urn == urn and provider.id == id_:
                self.configure(provider)
                return
        raise ProviderError(f"the state of {resource.urn} names a provider that is not in the state")

    def cancel(self) -> None:
        """Ask all providers to end what they are doing."""
        with self._lock:
            self._cancelled = True
            providers = list(self._configured.values())
        for provider in providers:
            provider.cancel()

    def close(self) -> None:
        """Close all providers."""
        with self._lock:
            providers: list[Any] = [*self._configured.values(), *self._checked.values()]
        for provider in providers:
            provider.close()
