"""The life of a resource, as the CLI leads it, with what must always hold on the way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.providers.protocol import State
from lab.providers.values import changed_paths
from tests.plugins.client import Plugin


def urn(type_: str, name: str = "it") -> str:
    return f"urn:pulumi:test::unit::{type_}::{name}"


def make(provider: Plugin, type_: str, **news: Any) -> tuple[dict[str, Any], State]:
    """Check and create."""
    checked = provider.check(type_, urn(type_), {}, news, b"")
    assert checked.failures == ()
    state = provider.create(type_, urn(type_), checked.inputs)
    assert_settled(provider, type_, checked.inputs, state)
    return checked.inputs, state


def change(
    provider: Plugin, type_: str, inputs: Mapping[str, Any], state: State, **news: Any
) -> tuple[dict[str, Any], State]:
    """Check, diff (no replacement) and update."""
    checked = provider.check(type_, urn(type_), inputs, news, b"")
    diff = provider.diff(type_, urn(type_), state.id, inputs, state.outputs, checked.inputs)
    assert diff.changes
    assert diff.replaces == ()
    after = provider.update(type_, urn(type_), state.id, inputs, state.outputs, checked.inputs)
    assert_settled(provider, type_, checked.inputs, after)
    return checked.inputs, after


def assert_settled(provider: Plugin, type_: str, inputs: Mapping[str, Any], state: State) -> None:
    """A second run would change nothing, and a refresh finds what is recorded."""
    diff = provider.diff(type_, urn(type_), state.id, inputs, state.outputs, inputs)
    assert not diff.changes, diff
    found = provider.read(type_, urn(type_), state.id, inputs, state.outputs)
    assert found.id == state.outputs.get("id", state.id)
    assert not list(changed_paths(_comparable(state.outputs), _comparable(found.outputs)))


def remove(provider: Plugin, type_: str, inputs: Mapping[str, Any], state: State) -> None:
    """Delete; it is gone, and deleting it once more is no error."""
    provider.delete(type_, urn(type_), state.id, inputs, state.outputs)
    assert provider.read(type_, urn(type_), state.id, inputs, state.outputs).id == ""
    provider.delete(type_, urn(type_), state.id, inputs, state.outputs)


def _comparable(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """A refresh writes an empty collection where the operation before it wrote null, as the plugins do."""
    plain = {key: value for key, value in outputs.items() if key != "__pulumi_raw_state_delta"}
    return {key: _emptied(ordered(value)) for key, value in plain.items()}


def ordered(value: Any) -> Any:
    """MinIO returns the actions of a policy in any order."""
    return "".join(sorted(value)) if isinstance(value, str) and value.startswith("{") else value


def _emptied(value: Any) -> Any:
    if isinstance(value, list):
        return [_emptied(item) for item in value] or None
    if isinstance(value, dict):
        return {key: _emptied(item) for key, item in value.items()} or None
    return value
