"""Which properties are secret, besides those that the program marks."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lab.engine import paths
from lab.engine.resource import Resource
from lab.engine.values import PropertyMap, Secret, Value, rewrap, secret


def mark_secret_properties(properties: PropertyMap, secrets: Iterable[str]) -> PropertyMap:
    """The properties with those marked, that a provider says are secret (paths such as `connection.password`)."""
    for text in secrets:
        properties = _mark(properties, paths.parse(text))
    return properties


def _mark(value: Value, path: paths.Path) -> Value:
    if isinstance(value, Secret):
        inner = _mark(value.value, path) if path else value.value
        return value if inner is value.value else Secret(inner)
    if value is None:
        return value
    if not path:
        return Secret(value)
    head, rest = path[0], path[1:]
    if isinstance(value, dict):
        keys = [key for key in value if head in ("*", key)]
        return value | {key: _mark(value[key], rest) for key in keys} if keys else value
    if isinstance(value, list):
        return [_mark(item, rest) if head in ("*", index) else item for index, item in enumerate(value)]
    return value


def mark_outputs(resource: Resource, warn: Callable[[str], None]) -> None:
    """Mark the outputs that the resource's options or its secret inputs make secret."""
    outputs = resource.outputs
    marked = {key for key in resource.additional_secret_outputs if key in outputs}
    if "id" in resource.additional_secret_outputs:
        warn("The 'id' property cannot be made secret. See pulumi/pulumi#2717 for more details.")
        marked.discard("id")
    marked |= {key for key in outputs if isinstance(resource.inputs.get(key), Secret)}
    marked = {key for key in marked if not isinstance(outputs[key], Secret)}
    if marked:
        resource.outputs = outputs | {key: secret(outputs[key]) for key in marked}


def outputs_of(outputs: PropertyMap, inputs: PropertyMap, secrets: Iterable[str]) -> PropertyMap:
    """A provider's answer with its secrets marked: its own, and inputs that come back as outputs."""
    return (
        rewrap(mark_secret_properties(outputs, secrets), inputs)
        if inputs
        else mark_secret_properties(outputs, secrets)
    )
