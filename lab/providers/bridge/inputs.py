"""A program's inputs as the bridge checks them: conversions, defaults, and what is wrong, in its words."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from typing import Any, Final

from lab.providers.bridge.schema import Attribute, snake
from lab.providers.protocol import UNKNOWN, CheckResult, Properties

DEFAULTS: Final = "__defaults"
Attributes = Mapping[str, Attribute]
_NAME_SUFFIX_LENGTH: Final = 7


def check(
    attributes: Attributes, name: str, olds: Properties, news: Properties, random_seed: bytes
) -> CheckResult:
    """Inputs with defaults applied (and listed in `__defaults`), and what is wrong with them.

    The failures carry no property path: as in the bridge their text says where to look.
    """
    known = {key for key, attribute in attributes.items() if not attribute.output_only}
    failures = [
        _failure("Invalid or unknown key", name, key) for key in news if key not in known and key != DEFAULTS
    ]
    inputs: dict[str, Any] = {}
    for key in known:
        if news.get(key) is not None:
            try:
                inputs[key] = _marked(attributes[key], attributes[key].coerce(news[key]))
            except ValueError as error:
                failures.append(_failure(f"{snake(key)}: {error}", name, key))
    defaults = _defaults(attributes, name, olds, inputs, random_seed)
    for key in attributes:
        wrong = _wrong(attributes, key, inputs) if key in inputs else _missing(attributes, key, defaults)
        failures += [_failure(reason, name, key) for reason in wrong]
        place, terraform = f"{name}.{key}", _terraform(attributes, key)
        failures += _failures_within(attributes[key], inputs.get(key), terraform, place)
    return CheckResult({**inputs, **defaults, DEFAULTS: sorted(defaults)}, tuple(failures))


def _failure(reason: str, name: str, key: str) -> tuple[str, str]:
    return "", f"{reason}. Examine values at '{name}.{key}'."


def _missing(attributes: Attributes, key: str, defaults: Properties) -> Iterator[str]:
    if attributes[key].required and key not in defaults:
        yield (
            f'Missing required argument. The argument "{_terraform(attributes, key)}" is required, '
            "but no definition was found."
        )


def _failures_within(
    attribute: Attribute, value: Any, terraform: str, place: str
) -> Iterator[tuple[str, str]]:
    """What is wrong in the objects of a list, a set, or in the one object there is."""
    items = [value] if attribute.single else value
    if not attribute.elements or not isinstance(items, list):
        return
    for number, item in enumerate(items):
        if not isinstance(item, Mapping):
            continue
        where = place if attribute.single else f"{place}[{number}]"
        for key in attribute.elements:
            wrong = (
                _missing(attribute.elements, key, {})
                if item.get(key) is None
                else _wrong(attribute.elements, key, item, f"{terraform}.{number}.")
            )
            yield from (_failure(reason, where, key) for reason in wrong)


def _wrong(attributes: Attributes, key: str, inputs: Properties, within: str = "") -> Iterator[str]:
    attribute, value, name = attributes[key], inputs[key], within + _terraform(attributes, key)
    if value is not UNKNOWN and attribute.choices and value not in attribute.choices:
        options = " ".join(f'"{choice}"' for choice in attribute.choices)
        yield f"expected {name} to be one of [{options}], got {value}"
    if value is not UNKNOWN and (reason := _out_of_range(attribute, name, value)):
        yield reason
    if attribute.valid is not None and value is not UNKNOWN and (reason := attribute.valid(value)):
        yield reason
    clash = next((other for other in attribute.conflicts if other in inputs), None)
    if clash:
        yield f'Conflicting configuration arguments. "{name}": conflicts with {_terraform(attributes, clash)}'
    if attribute.together and any(other not in inputs for other in attribute.together):
        names = ",".join(sorted(_terraform(attributes, other) for other in (key, *attribute.together)))
        yield f'Missing required argument. "{name}": all of `{names}` must be specified'


def _out_of_range(attribute: Attribute, name: str, value: Any) -> str:
    least, most = attribute.minimum, attribute.maximum
    if most is not None and not (least or 0) <= value <= most:
        return f"expected {name} to be in the range ({least or 0} - {most}), got {value}"
    if least is not None and value < least:
        return f"expected {name} to be at least ({least}), got {value}"
    return ""


def _terraform(attributes: Attributes, key: str) -> str:
    return attributes[key].terraform_name or snake(key)


def _defaults(
    attributes: Attributes, name: str, olds: Properties, inputs: Properties, seed: bytes
) -> dict[str, Any]:
    """Defaults of inputs that were not given: as before if it was a default before, else the schema's."""
    replayed = {key for key in olds.get(DEFAULTS, olds) if olds.get(key) is not None}
    defaults: dict[str, Any] = {}
    for key, attribute in attributes.items():
        if key in inputs or any(other in inputs for other in attribute.conflicts):
            continue
        if key in replayed and (attribute.auto_name or attribute.default is not None):
            defaults[key] = olds[key]
        elif attribute.auto_name:
            defaults[key] = _automatic_name(name, seed)
        elif attribute.default:
            defaults[key] = attribute.default
    return defaults


def _marked(attribute: Attribute, value: Any) -> Any:
    """Objects, alone or in a list, carry their own defaults and a `__defaults` of their own."""
    if attribute.single and isinstance(value, Mapping):
        return _marked_object(attribute, value)
    if not attribute.elements or not isinstance(value, list):
        return value
    return [_marked_object(attribute, item) if isinstance(item, Mapping) else item for item in value]


def _marked_object(attribute: Attribute, item: Mapping[str, Any]) -> dict[str, Any]:
    given = {
        key: _marked(element, element.coerce(item[key]))
        for key, element in attribute.elements.items()
        if item.get(key) is not None
    }
    defaults = {
        key: element.default
        for key, element in attribute.elements.items()
        if key not in given and element.default
    }
    return {**given, **defaults, DEFAULTS: sorted(defaults)}


def _automatic_name(name: str, seed: bytes) -> str:
    """The resource's name and seven hexadecimal digits; the same for the same seed."""
    digits = hashlib.sha256(seed).hexdigest() if seed else secrets.token_hex()
    return f"{name}-{digits[:_NAME_SUFFIX_LENGTH]}"
