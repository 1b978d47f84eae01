"""A resource whose plugin is a Terraform provider behind Pulumi's bridge: check, diff, preview by its schema.

Facts from pulumi-terraform-bridge v3.136 (`schema.go`, `provider.go`): `check` applies defaults and lists
them in `__defaults`, false, zero and empty defaults are left out; `diff` compares the recorded *outputs* with
the new inputs, a computed attribute that no input gives keeps its recorded value.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from lab.providers.base import Resource
from lab.providers.bridge.inputs import DEFAULTS, Attributes, check
from lab.providers.bridge.schema import Attribute
from lab.providers.bridge.state import imported_inputs, outputs, refreshed_inputs
from lab.providers.protocol import (
    UNKNOWN,
    CheckResult,
    DiffResult,
    PartialFailure,
    Properties,
    ProviderError,
    State,
)
from lab.providers.values import top_level


class VanishedError(ProviderError):
    """What an operation was for is not found at its end: nothing is recorded of it."""


class BridgedResource(Resource):
    """A subclass gives the attributes and the four operations on the real thing."""

    attributes: ClassVar[Attributes]
    delete_before_replace: ClassVar[bool] = False
    completed: ClassVar[tuple[str, ...]] = ()
    """Attributes that `complete` sees to."""

    reads_back: ClassVar[bool] = True
    """Whether the outputs of an operation come from `fetch`, and not only from what was wanted."""

    keeps_failed_updates: ClassVar[bool] = False
    """Whether a failed update is recorded as if it had been made, as the real bridge does: the next run updates once more,
    but sees no difference, and only a refresh finds out how it is."""

    keeps_empty_defaults: ClassVar[bool] = False
    """Whether the plugin's bridge is one of before 2026 (`refreshed_inputs`)."""

    @abstractmethod
    def insert(self, wanted: dict[str, Any]) -> str:
        """Make it and return its id.

        `wanted` holds every attribute, null where not given or defaulted; what only this moment tells (a
        generated secret) is written into it.
        """

    def begun(self, wanted: Properties) -> str | None:
        """What a run that was killed left of this creation: the id to go on with; None to start anew."""
        return None

    def complete(self, id_: str, wanted: Properties) -> None:
        """What remains to be done once the thing exists; a failure here leaves it recorded, but unfinished."""

    @abstractmethod
    def fetch(self, id_: str, known: Properties) -> tuple[str, dict[str, Any]] | None:
        """Look it up: its id and the attributes that can be read; None when it does not exist (any more)."""

    @abstractmethod
    def alter(self, id_: str, old: Properties, wanted: dict[str, Any], changed: frozenset[str]) -> str:
        """Bring it from `old` to `wanted` and return its id; `changed` names the attributes that differ."""

    @abstractmethod
    def remove(self, id_: str, old: Properties) -> None:
        """Make it go away; what is already gone is no error."""

    @property
    def secrets(self) -> tuple[str, ...]:  # type: ignore[override]  # derived from the schema
        within = (
            f"{key}.{inner}"
            for key, attribute in self.attributes.items()
            for inner, element in attribute.elements.items()
            if attribute.single and element.secret
        )
        return (*(key for key, attribute in self.attributes.items() if attribute.secret), *within)

    def check(self, name: str, olds: Properties, news: Properties, random_seed: bytes) -> CheckResult:
        return check(self.attributes, name, olds, news, random_seed)

    def diff(self, old_inputs: Properties, old_outputs: Properties, news: Properties) -> DiffResult:
        paths = self._changed(old_outputs, news)
        replaces = sorted({top_level(p) for p in paths if self.attributes[top_level(p)].replaces})
        named = any(
            attribute.auto_name and key in news and key not in news.get(DEFAULTS, (key,))
            for key, attribute in self.attributes.items()
        )
        first = bool(replaces) and (self.delete_before_replace or named)
        return DiffResult(bool(paths), tuple(replaces), tuple(sorted(paths)), first)

    def preview(self, old_outputs: Properties | None, news: Properties) -> dict[str, Any]:
        wanted = self.wanted(old_outputs, news)
        if old_outputs is None:
            wanted |= {
                key: UNKNOWN
                for key, attribute in self.attributes.items()
                if (attribute.computed or attribute.output_only) and wanted[key] is None
            }
        return outputs(self.attributes, (old_outputs or {}).get("id", UNKNOWN), wanted, wanted)

    def create(self, name: str, news: Properties) -> State:
        return self._create(news, self.insert)

    def resume(self, name: str, news: Properties) -> State:
        return self._create(news, lambda wanted: self.begun(wanted) or self.insert(wanted))

    def _create(self, news: Properties, make: Callable[[dict[str, Any]], str]) -> State:
        wanted = self.wanted(None, news)
        with _worded():
            id_ = make(wanted)
            self._complete(id_, wanted)
            return self._settled(id_, wanted)

    def update(self, id_: str, old_inputs: Properties, old_outputs: Properties, news: Properties) -> State:
        """When it fails the recorded state stays, and the next run tries again (but see `keeps_failed_updates`)."""
        wanted = self.wanted(old_outputs, news)
        changed = frozenset(top_level(path) for path in self._changed(old_outputs, news))
        with _worded():
            return self._settled(
                self._altered(_latest(id_, old_outputs), old_outputs, wanted, changed), wanted
            )

    def _altered(self, id_: str, old: Properties, wanted: dict[str, Any], changed: frozenset[str]) -> str:
        try:
            return self.alter(id_, old, wanted, changed)
        except ProviderError as error:
            if self.keeps_failed_updates:
                raise self._unfinished(id_, wanted, error) from error
            raise

    def delete(self, id_: str, inputs: Properties, outputs: Properties) -> None:
        with _worded():
            self.remove(_latest(id_, outputs), outputs)

    def read(self, id_: str, inputs: Properties, recorded: Properties) -> State:
        with _worded():
            found = self.fetch(_latest(id_, recorded), recorded)
        if found is None:
            return State("", {})
        new_id, values = found
        now = outputs(self.attributes, new_id, {**recorded, **values}, None)
        if recorded:
            refreshed = refreshed_inputs(self.attributes, inputs, now, self.keeps_empty_defaults)
            return State(new_id, now, refreshed)
        return State(new_id, now, imported_inputs(self.attributes, now))

    def wanted(self, old_outputs: Properties | None, news: Properties) -> dict[str, Any]:
        """Every attribute as it is to be: given, defaulted, kept (computed), or null.

        An empty text for a computed attribute is none (`finalizeDiff` of Terraform's SDK).
        """
        return {
            key: self._wanted(key, attribute, old_outputs, news) for key, attribute in self.attributes.items()
        }

    def _wanted(self, key: str, attribute: Attribute, old: Properties | None, news: Properties) -> Any:
        given = news.get(key)
        if given is not None and not (attribute.computed and given == ""):
            return given
        if attribute.default is not None:
            return attribute.default
        return (old or {}).get(key) if attribute.computed or attribute.output_only else None

    def _changed(self, old_outputs: Properties, news: Properties) -> list[str]:
        wanted = self.wanted(old_outputs, news)
        return [
            path
            for key, attribute in self.attributes.items()
            if not attribute.write_only
            for path in attribute.changed(old_outputs.get(key), wanted[key], key)
        ]

    def _complete(self, id_: str, wanted: dict[str, Any]) -> None:
        try:
            self.complete(id_, wanted)
        except ProviderError as error:
            raise self._unfinished(id_, wanted | dict.fromkeys(self.completed), error) from error

    def _settled(self, id_: str, wanted: dict[str, Any]) -> State:
        if not self.reads_back:
            return State(id_, outputs(self.attributes, id_, wanted, wanted))
        try:
            found = self.fetch(id_, wanted)
        except ProviderError as error:
            raise self._unfinished(id_, wanted, error) from error
        if found is None:
            raise VanishedError(f"{id_} is not there although it has just been made or changed")
        new_id, values = found
        return State(new_id, outputs(self.attributes, new_id, {**wanted, **values}, wanted))

    def _unfinished(self, id_: str, values: dict[str, Any], error: ProviderError) -> PartialFailure:
        return PartialFailure(State(id_, outputs(self.attributes, id_, values, values)), (str(error),))


def _latest(id_: str, outputs: Properties) -> str:
    """The id that the outputs hold: after an update that gave a new one, the CLI has the old one until the next refresh."""
    return str(outputs.get("id") or id_)


@contextmanager
def _worded() -> Iterator[None]:
    """Errors in Terraform's frame, which the CLI shows too."""
    try:
        yield
    except PartialFailure as failure:
        raise PartialFailure(failure.state, tuple(map(_framed, failure.reasons))) from failure
    except VanishedError:
        raise
    except ProviderError as error:
        raise ProviderError(_framed(error)) from error


def _framed(error: object) -> str:
    return f"1 error occurred:\n\t* {error}\n\n"
