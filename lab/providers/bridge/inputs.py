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
    return CheckResult({**inputs, **defaults, DEFAULTS: sorted(defaults)}, tuple(failures))


def _failure(reason: str, name: str, key: str) -> tuple[str, str]:
    return "", f"{reason}. Examine values at '{name}.{key}'."


def _missing(attributes: Attributes, key: str, defaults: Properties) -> Iterator[str]:
    if attributes[key].required and key not in defaults:
        yield (
            f'Missing required argument. The argument "{_terraform(attributes, key)}" is required, '
            "but no definition was found."
        )


def _wrong(attributes: Attributes, key: str, inputs: Properties) -> Iterator[str]:
    attribute, value, name = attributes[key], inputs[key], _terraform(attributes, key)
    if value is not UNKNOWN and attribute.choices and value not in attribute.choices:
        options = " ".join(f'"{choice}"' for choice in attribute.choices)
        yield f"expected {name} to be one of [{options}], got {value}"
    if value is not UNKNOWN and attribute.minimum is not None and value < attribute.minimum:
        yield f"expected {name} to be at least ({attribute.minimum}), got {value}"
    if attribute.valid is not None and value is not UNKNOWN and (reason := attribute.valid(value)):
        yield reason
    clash = next((other for other in attribute.conflicts if other in inputs), None)
    if clash:
        yield f'Conflicting configuration arguments. "{name}": conflicts with {_terraform(attributes, clash)}'
    if attribute.together and any(other not in inputs for other in attribute.together):
        names = ",".join(sorted(_terraform(attributes, other) for other in (key, *attribute.together)))
        yield f'Missing required argument. "{name}": all of `{names}` must be specified'


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
    """Objects in a list carry their own defaults and a `__defaults` of their own."""
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
