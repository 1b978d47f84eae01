"""The outputs that Pulumi's bridge keeps in state, and the inputs it derives from what a refresh found.

Next to the outputs stands `__pulumi_raw_state_delta`: how to get from them back to Terraform's own state
(the bridge's `rawstate.go`). Names that do not follow from the Pulumi name are listed; lists, sets, maps and
objects are marked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lab.providers.bridge.inputs import DEFAULTS, Attributes
from lab.providers.bridge.schema import COLLECTIONS, Attribute, Kind, snake
from lab.providers.protocol import UNKNOWN, Properties
from lab.providers.values import contains_unknown, equal

DELTA: Final = "__pulumi_raw_state_delta"


def outputs(
    attributes: Attributes, id_: Any, values: Properties, planned: Properties | None
) -> dict[str, Any]:
    """All attributes, absent ones as null.

    After an operation an empty collection is null unless one was planned, or it is of blocks, or computed; a refresh
    (`planned` None) keeps what it found.
    """
    result = {"id": id_} | _stored_object(attributes, values, planned)
    if not contains_unknown(result):
        result[DELTA] = {"obj": _object_delta(attributes, result)}
    return result


def _stored_object(attributes: Attributes, values: Properties, planned: Properties | None) -> dict[str, Any]:
    return {
        key: _stored(attribute, values.get(key), planned and planned.get(key), planned is not None)
        for key, attribute in attributes.items()
    }


def _stored(attribute: Attribute, value: Any, planned: Any, after_operation: bool) -> Any:
    if attribute.is_block and not attribute.single and value is None:
        return []
    if value is None or value is UNKNOWN or attribute.write_only:
        return None if attribute.write_only else value
    unplanned = not planned and not (attribute.is_block or attribute.computed or attribute.output_only)
    if after_operation and attribute.kind in COLLECTIONS and not value and unplanned:
        return None
    if attribute.single:
        plan = planned or ({} if after_operation else None)
        return _stored_object(attribute.elements, value, plan)
    if attribute.elements:
        plans = [*(planned or []), *[{}] * len(value)] if after_operation else [None] * len(value)
        items = [
            item if item is UNKNOWN else _stored_object(attribute.elements, item, plan)
            for item, plan in zip(value, plans, strict=False)
        ]
        return sorted(items, key=_set_order) if attribute.kind is Kind.SET else items
    if attribute.kind is Kind.SET:
        return sorted(value, key=str)
    return str(value) if attribute.number_as_text else value


def _set_order(item: Any) -> str:
    """Terraform keeps a set of objects in the order of their values, attribute by attribute."""
    if item is UNKNOWN:
        return ""
    return ";".join(
        f'"{value}"' if isinstance(value, str) else str(value) for _, value in sorted(item.items())
    )


def _object_delta(attributes: Attributes, values: Properties) -> dict[str, Any]:
    renamed = {
        key: attribute.terraform_name
        for key, attribute in attributes.items()
        if attribute.terraform_name and attribute.terraform_name != snake(key)
    }
    deltas = {
        key: delta
        for key, attribute in attributes.items()
        if (delta := _value_delta(attribute, values.get(key))) is not None
    }
    return ({"renamed": renamed} if renamed else {}) | ({"ps": deltas} if deltas else {})


def _value_delta(attribute: Attribute, value: Any) -> dict[str, Any] | None:
    if attribute.single and (value is not None or attribute.is_block):
        return {"plu": {"i": {"obj": _object_delta(attribute.elements, value)} if value else {}}}
    if value is None:
        return None
    if attribute.number_as_text:
        return {"num": {}}
    if attribute.kind not in COLLECTIONS:
        return None
    if attribute.kind is Kind.MAP:
        return {"map": {}}
    if not attribute.elements or not value:
        return {"arr": {}}
    elements = {str(n): {"obj": _object_delta(attribute.elements, item)} for n, item in enumerate(value)}
    return {"arr": {"el": elements}}


def refreshed_inputs(
    attributes: Attributes, old: Properties, found: Properties, keeps_empty: bool = False
) -> dict[str, Any]:
    """The program's inputs with what a refresh found; an input that drifted is no default any more.

    A list of defaults that is empty says that none of the inputs is one, `keeps_empty`; bridges of 2026 leave it out, and
    then any of them may be.
    """
    inputs: dict[str, Any] = {}
    defaults = set(old.get(DEFAULTS, ()))
    for key, value in old.items():
        if key not in attributes:
            continue
        inputs[key] = _refreshed_value(attributes[key], value, found.get(key), keeps_empty)
        if not equal(value, found.get(key)):
            defaults.discard(key)
    return inputs | ({DEFAULTS: sorted(defaults)} if defaults or keeps_empty else {})


def _refreshed_value(attribute: Attribute, old: Any, found: Any, keeps_empty: bool) -> Any:
    if attribute.single and isinstance(old, Mapping) and isinstance(found, Mapping):
        return refreshed_inputs(attribute.elements, old, found, keeps_empty)
    if not isinstance(old, list) or not isinstance(found, list):
        return found
    if not attribute.elements:
        return found[: len(old)]
    return [
        refreshed_inputs(attribute.elements, old_item, item, keeps_empty)
        for old_item, item in zip(old, found, strict=False)
    ]


def imported_inputs(attributes: Attributes, found: Properties) -> dict[str, Any]:
    """Inputs that would have made a resource that was found: what is neither computed nor at its default."""
    inputs: dict[str, Any] = {DEFAULTS: []}
    for key, attribute in attributes.items():
        value = found.get(key)
        default = attribute.default
        at_default = value in (None, default) if default is not None else attribute.is_zero(value)
        if not attribute.output_only and (attribute.required or not at_default):
            inputs[key] = value
    return inputs
