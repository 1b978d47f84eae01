"""The provider of package `pulumi`: stack references."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from lab.engine.provider import CheckResult, DiffResult, Properties, ProviderError, State
from lab.engine.values import PropertyMap, contains_secret

STACK_REFERENCE: Final = "pulumi:pulumi:StackReference"

StackOutputs = Callable[[str], PropertyMap]
"""The outputs of the stack of this name, secrets marked; raises ProviderError when there is no such stack."""


class BuiltinProvider:
    """Reads stack references; has no resources of its own to make."""

    package = "pulumi"

    def __init__(self, stack_outputs: StackOutputs) -> None:
        self._stack_outputs = stack_outputs

    def check_config(self, inputs: Properties) -> CheckResult:
        return CheckResult(dict(inputs))

    def configure(self, inputs: Properties) -> None:
        return None

    def check(
        self, type_: str, urn: str, olds: Properties, news: Properties, random_seed: bytes
    ) -> CheckResult:
        raise _refusal(type_)

    def diff(
        self,
        type_: str,
        urn: str,
        id_: str,
        old_inputs: Properties,
        old_outputs: Properties,
        news: Properties,
    ) -> DiffResult:
        raise _refusal(type_)

    def secret_properties(self, type_: str) -> tuple[str, ...]:
        return ()

    def preview(
        self, type_: str, urn: str, old_outputs: Properties | None, news: Properties
    ) -> dict[str, Any]:
        raise _refusal(type_)

    def create(self, type_: str, urn: str, news: Properties) -> State:
        raise _refusal(type_)

    def update(
        self,
        type_: str,
        urn: str,
        id_: str,
        old_inputs: Properties,
        old_outputs: Properties,
        news: Properties,
    ) -> State:
        raise _refusal(type_)

    def delete(self, type_: str, urn: str, id_: str, inputs: Properties, outputs: Properties) -> None:
        return None

    def read(self, type_: str, urn: str, id_: str, inputs: Properties, outputs: Properties) -> State:
        if type_ != STACK_REFERENCE:
            raise _refusal(type_)
        stack_outputs = self._stack_outputs(str(inputs.get("name")))
        names = sorted(name for name, value in stack_outputs.items() if contains_secret(value))
        found = {"name": inputs.get("name"), "outputs": stack_outputs, "secretOutputNames": names}
        return State(id_, found, dict(inputs))

    def cancel(self) -> None:
        return None

    def close(self) -> None:
        return None


def _refusal(type_: str) -> ProviderError:
    return ProviderError(f"the lab engine does not support resources of type {type_}; use the pulumi CLI")
