"""Stands in for a provider whose configuration is not known in a preview, as Pulumi does: it is asked nothing."""

from __future__ import annotations

from typing import Any, Final

from lab.engine.provider import CheckResult, DiffResult, Properties, ProviderError, State

WARNING: Final = (
    "The provider for this resource has inputs that are not known during preview.\n"
    "This preview may not correctly represent the changes that will be applied during an update."
)


class UnconfiguredProvider:
    """Takes inputs as they are, calls every existing resource changed, and knows no outputs."""

    def __init__(self, package: str) -> None:
        self.package = package

    def check_config(self, inputs: Properties) -> CheckResult:
        return CheckResult(dict(inputs))

    def configure(self, inputs: Properties) -> None:
        return None

    def check(
        self, type_: str, urn: str, olds: Properties, news: Properties, random_seed: bytes
    ) -> CheckResult:
        return CheckResult(dict(news))

    def diff(
        self,
        type_: str,
        urn: str,
        id_: str,
        old_inputs: Properties,
        old_outputs: Properties,
        news: Properties,
    ) -> DiffResult:
        return DiffResult(changes=True)

    def secret_properties(self, type_: str) -> tuple[str, ...]:
        return ()

    def preview(
        self, type_: str, urn: str, old_outputs: Properties | None, news: Properties
    ) -> dict[str, Any]:
        return {}

    def create(self, type_: str, urn: str, news: Properties) -> State:
        raise _only_previews()

    def update(
        self,
        type_: str,
        urn: str,
        id_: str,
        old_inputs: Properties,
        old_outputs: Properties,
        news: Properties,
    ) -> State:
        raise _only_previews()

    def delete(self, type_: str, urn: str, id_: str, inputs: Properties, outputs: Properties) -> None:
        raise _only_previews()

    def read(self, type_: str, urn: str, id_: str, inputs: Properties, outputs: Properties) -> State:
        return State(id_, {})

    def cancel(self) -> None:
        return None

    def close(self) -> None:
        return None


def _only_previews() -> ProviderError:
    return ProviderError("the provider's configuration is not known")
