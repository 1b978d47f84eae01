"""What a provider does: the part of Pulumi's provider protocol that our programs use, as plain Python.

The names are those of Pulumi's `provider.proto`. Property values are plain Python (`str`, `bool`, `int`, `float`, `list`,
`dict`, `None`); a value that is not known yet in a preview is the one object `UNKNOWN`. Secret values arrive unwrapped:
`lab.plugins` speaks gRPC, remembers which inputs were secret and marks the outputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

Properties = Mapping[str, Any]


class _Unknown:
    def __repr__(self) -> str:
        return "UNKNOWN"

    def __deepcopy__(self, memo: dict[int, Any]) -> _Unknown:
        return self


UNKNOWN: Final = _Unknown()

REMEDY: Final = "use the real plugins (make lab PLUGINS=real)"
"""What to do about something that only the real plugins do."""


@dataclass(frozen=True)
class CheckResult:
    """Inputs with defaults applied, and what is wrong with them: (property path, reason)."""

    inputs: dict[str, Any]
    failures: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class DiffResult:
    """`changes` says whether anything differs; `replaces` lists the input keys that force a replacement."""

    changes: bool
    replaces: tuple[str, ...] = ()
    diffs: tuple[str, ...] = ()
    delete_before_replace: bool = False


@dataclass(frozen=True)
class State:
    """A resource as the provider sees it. `id` is empty when the resource does not exist (any more)."""

    id: str
    outputs: dict[str, Any]
    inputs: dict[str, Any] = field(default_factory=dict)


class ProviderError(Exception):
    """A failed operation. The message is shown to the user and must not contain a secret."""


@dataclass
class PartialFailure(ProviderError):
    """The resource was created or updated, but not wholly (Pulumi's `ErrorResourceInitFailed`)."""

    state: State
    reasons: tuple[str, ...]


class Provider(Protocol):
    """One configured provider instance; every method may run in any thread, several at once."""

    package: str
    """Package name as in type tokens: `command`, `postgresql`, `minio`, `vultr`."""

    def check_config(self, inputs: Properties) -> CheckResult: ...

    def configure(self, inputs: Properties) -> None:
        """Called once before any other operation; inputs may contain UNKNOWN in a preview. Must not touch the network."""

    def check(
        self, type_: str, urn: str, olds: Properties, news: Properties, random_seed: bytes
    ) -> CheckResult:
        """`olds` are the previous *inputs*. Must not touch the network."""

    def diff(
        self,
        type_: str,
        urn: str,
        id_: str,
        old_inputs: Properties,
        old_outputs: Properties,
        news: Properties,
    ) -> DiffResult:
        """`replace_on_changes` is the CLI's business, `ignore_changes` the plugin's. Must not touch the network."""

    def secret_properties(self, type_: str) -> tuple[str, ...]:
        """Paths (`connection.privateKey`) of inputs and outputs that the plugin itself marks secret."""

    def preview(
        self, type_: str, urn: str, old_outputs: Properties | None, news: Properties
    ) -> dict[str, Any]:
        """Outputs of the coming create (`old_outputs` None) or update; UNKNOWN where it alone will tell.

        Must not touch the network.
        """

    def create(self, type_: str, urn: str, news: Properties) -> State: ...

    def resume(self, type_: str, urn: str, news: Properties) -> State:
        """Create what a run that was killed may have created already: nothing is made twice."""

    def update(
        self,
        type_: str,
        urn: str,
        id_: str,
        old_inputs: Properties,
        old_outputs: Properties,
        news: Properties,
    ) -> State: ...

    def delete(self, type_: str, urn: str, id_: str, inputs: Properties, outputs: Properties) -> None:
        """Deleting what is already gone succeeds."""

    def read(self, type_: str, urn: str, id_: str, inputs: Properties, outputs: Properties) -> State: ...

    def cancel(self) -> None:
        """Ctrl-C: end running operations soon; their calls raise ProviderError."""

    def close(self) -> None: ...
