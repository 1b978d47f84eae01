"""A package whose plugin is Pulumi's bridge: errors say what was being done to which resource."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lab.providers.base import PackageProvider
from lab.providers.bridge.resource import VanishedError
from lab.providers.protocol import PartialFailure, Properties, ProviderError, State


class BridgedProvider(PackageProvider):
    """The words are those of pulumi-terraform-bridge (`provider.go`); a creation that made nothing has none but its own."""

    def create(self, type_: str, urn: str, news: Properties) -> State:
        with _creating(urn):
            return super().create(type_, urn, news)

    def resume(self, type_: str, urn: str, news: Properties) -> State:
        with _creating(urn):
            return super().resume(type_, urn, news)

    def update(
        self,
        type_: str,
        urn: str,
        id_: str,
        old_inputs: Properties,
        old_outputs: Properties,
        news: Properties,
    ) -> State:
        with _during("updating", urn):
            return super().update(type_, urn, id_, old_inputs, old_outputs, news)

    def delete(self, type_: str, urn: str, id_: str, inputs: Properties, outputs: Properties) -> None:
        with _during("deleting", urn):
            super().delete(type_, urn, id_, inputs, outputs)

    def read(self, type_: str, urn: str, id_: str, inputs: Properties, outputs: Properties) -> State:
        with _during("refreshing", urn):
            return super().read(type_, urn, id_, inputs, outputs)


@contextmanager
def _creating(urn: str) -> Iterator[None]:
    try:
        yield
    except PartialFailure as failure:
        raise _told(failure, f"creating {urn}") from failure
    except VanishedError as error:
        raise ProviderError(f"expected non-nil error with nil state during Create of {urn}") from error


@contextmanager
def _during(doing: str, urn: str) -> Iterator[None]:
    try:
        yield
    except PartialFailure as failure:
        raise _told(failure, f"{doing} {urn}") from failure
    except VanishedError as error:
        raise ProviderError(
            f"Resource provider reported that the resource did not exist while {doing} {urn}."
        ) from error
    except ProviderError as error:
        raise ProviderError(f"{doing} {urn}: {error}") from error


def _told(failure: PartialFailure, doing: str) -> PartialFailure:
    return PartialFailure(failure.state, tuple(f"{doing}: {reason}" for reason in failure.reasons))
