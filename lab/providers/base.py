"""What the providers have in common: one class a resource type, and dispatch on the type token."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from lab.providers.protocol import REMEDY, CheckResult, DiffResult, Properties, ProviderError, State


class Resource(ABC):
    """The life of one resource type; methods may run in several threads at once."""

    secrets: tuple[str, ...] = ()
    """Paths of inputs and outputs that are secret whatever the program says."""

    @abstractmethod
    def check(self, name: str, olds: Properties, news: Properties, random_seed: bytes) -> CheckResult:
        """Apply defaults to `news`; `olds` are the previous inputs, empty for a new resource."""

    @abstractmethod
    def diff(self, old_inputs: Properties, old_outputs: Properties, news: Properties) -> DiffResult:
        """What `news` would change; `news` may hold UNKNOWN."""

    @abstractmethod
    def preview(self, old_outputs: Properties | None, news: Properties) -> dict[str, Any]:
        """Outputs as far as they are known before the operation; `old_outputs` is None for a creation."""

    @abstractmethod
    def create(self, name: str, news: Properties) -> State: ...

    def resume(self, name: str, news: Properties) -> State:
        """Create what a run that was killed may have created already: nothing is made twice."""
        return self.create(name, news)

    @abstractmethod
    def update(
        self, id_: str, old_inputs: Properties, old_outputs: Properties, news: Properties
    ) -> State: ...

    @abstractmethod
    def delete(self, id_: str, inputs: Properties, outputs: Properties) -> None: ...

    @abstractmethod
    def read(self, id_: str, inputs: Properties, outputs: Properties) -> State: ...


class PackageProvider:
    """A provider whose resource types are `Resource` objects; anything else is refused by name."""

    secret_config: tuple[str, ...] = ()
    """Inputs of the provider itself that are secret whatever the program says."""

    def __init__(self, package: str, version: str | None, resources: Mapping[str, Resource]) -> None:
        self.package = package
        self._version = version
        self._resources = dict(resources)

    def check_config(self, inputs: Properties) -> CheckResult:
        """The provider's inputs as they are kept in state; the CLI itself adds `__internal`."""
        version = {"version": self._version} if self._version else {}
        return CheckResult(version | dict(inputs))

    def configure(self, inputs: Properties) -> None:
        """Nothing to configure unless a package says otherwise."""

    def secret_properties(self, type_: str) -> tuple[str, ...]:
        """Paths of inputs and outputs of this type that are always secret."""
        if type_ == f"pulumi:providers:{self.package}":
            return self.secret_config
        return self._resource(type_).secrets

    def check(
        self, type_: str, urn: str, olds: Properties, news: Properties, random_seed: bytes
    ) -> CheckResult:
        return self._resource(type_).check(urn_name(urn), olds, news, random_seed)

    def diff(
        self,
        type_: str,
        urn: str,
        id_: str,
        old_inputs: Properties,
        old_outputs: Properties,
        news: Properties,
    ) -> DiffResult:
        return self._resource(type_).diff(old_inputs, old_outputs, news)

    def preview(
        self, type_: str, urn: str, old_outputs: Properties | None, news: Properties
    ) -> dict[str, Any]:
        return self._resource(type_).preview(old_outputs, news)

    def create(self, type_: str, urn: str, news: Properties) -> State:
        return self._resource(type_).create(urn_name(urn), news)

    def resume(self, type_: str, urn: str, news: Properties) -> State:
        """Create what a run that was killed may have created already."""
        return self._resource(type_).resume(urn_name(urn), news)

    def update(
        self,
        type_: str,
        urn: str,
        id_: str,
        old_inputs: Properties,
        old_outputs: Properties,
        news: Properties,
    ) -> State:
        return self._resource(type_).update(id_, old_inputs, old_outputs, news)

    def delete(self, type_: str, urn: str, id_: str, inputs: Properties, outputs: Properties) -> None:
        self._resource(type_).delete(id_, inputs, outputs)

    def read(self, type_: str, urn: str, id_: str, inputs: Properties, outputs: Properties) -> State:
        return self._resource(type_).read(id_, inputs, outputs)

    def cancel(self) -> None:
        """Nothing to cancel unless a package says otherwise."""

    def close(self) -> None:
        """Nothing to close unless a package says otherwise."""

    def _resource(self, type_: str) -> Resource:
        try:
            return self._resources[type_]
        except KeyError:
            known = ", ".join(sorted(self._resources))
            raise ProviderError(
                f"the lab has no stand-in for {type_}; of package {self.package} it has {known}; {REMEDY}"
            ) from None


def urn_name(urn: str) -> str:
    """The resource's name, the last of a URN's four parts (it may itself contain `::`)."""
    return urn.split("::", 3)[-1]
