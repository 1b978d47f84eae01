"""What the program asks for: a registration request, checked and with what it inherits from its parent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from lab.engine import urn as urns
from lab.engine import wire
from lab.engine.errors import EngineError, Unsupported
from lab.engine.resource import Resource
from lab.engine.values import PropertyMap, Value


@dataclass(frozen=True, slots=True)
class Alias:
    """A name that a resource may have had: a whole URN, or parts of one that differ from today's."""

    urn: str = ""
    name: str = ""
    type: str = ""
    stack: str = ""
    project: str = ""
    parent: str = ""
    no_parent: bool = False


@dataclass(slots=True, eq=False)
class Goal:
    """The desired state of one resource."""

    type: str
    name: str
    custom: bool
    properties: PropertyMap
    parent: str = ""
    provider: str = ""
    version: str = ""
    plugin_url: str = ""
    providers: dict[str, str] = field(default_factory=dict)
    dependencies: list[str] = field(default_factory=list)
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    protect: bool | None = None
    retain_on_delete: bool | None = None
    delete_before_replace: bool | None = None
    deleted_with: str = ""
    replace_with: list[str] = field(default_factory=list)
    ignore_changes: list[str] = field(default_factory=list)
    replace_on_changes: list[str] = field(default_factory=list)
    replacement_trigger: Value = None
    additional_secret_outputs: list[str] = field(default_factory=list)
    aliases: list[Alias] = field(default_factory=list)


_REFUSED: Final = {
    "remote": "remote components (packages that construct components)",
    "importId": "the resource option `import_`",
    "transforms": "resource transforms",
    "state_migrations": "state migrations",
    "packageRef": "parameterized packages",
    "hideDiffs": "the resource option `hide_diffs`",
    "envVarMappings": "the resource option `env_var_mappings`",
}


def from_request(request: Any) -> Goal:
    """The goal that a `RegisterResourceRequest` states.

    Raises:
        Unsupported: the request uses an option that this engine does not have.
        EngineError: it names something that is no URN.
    """
    _refuse(request)
    properties = wire.from_struct(request.object)
    dependencies = list(dict.fromkeys(request.dependencies))
    goal = Goal(
        type=request.type,
        name=request.name,
        custom=request.custom,
        properties=properties,
        parent=request.parent,
        provider=request.provider,
        version=request.version,
        plugin_url=request.pluginDownloadURL,
        providers=dict(request.providers),
        dependencies=dependencies,
        property_dependencies=_property_dependencies(request, properties, dependencies),
        protect=request.protect if request.HasField("protect") else None,
        retain_on_delete=request.retainOnDelete if request.HasField("retainOnDelete") else None,
        delete_before_replace=request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None,
        deleted_with=request.deletedWith,
        replace_with=list(request.replace_with),
        ignore_changes=list(request.ignoreChanges),
        replace_on_changes=list(request.replaceOnChanges),
        replacement_trigger=_trigger(request),
        additional_secret_outputs=list(request.additionalSecretOutputs),
        aliases=[*(Alias(urn=urn) for urn in request.aliasURNs), *map(_alias, request.aliases)],
    )
    _check_urns(goal)
    return goal


def _refuse(request: Any) -> None:
    where = f"({request.type} {request.name})"
    for name, feature in _REFUSED.items():
        if getattr(request, name):
            raise Unsupported(f"{feature} {where}")
    timeouts = request.customTimeouts
    if any((timeouts.create, timeouts.update, timeouts.delete, timeouts.read)):
        raise Unsupported(f"the resource option `custom_timeouts` {where}")
    if request.HasField("hooks") and request.hooks.ByteSize():
        raise Unsupported(f"resource hooks {where}")


def _property_dependencies(
    request: Any, properties: PropertyMap, dependencies: list[str]
) -> dict[str, list[str]]:
    if not request.propertyDependencies:
        return {key: dependencies for key in properties}
    stated = {key: list(dict.fromkeys(item.urns)) for key, item in request.propertyDependencies.items()}
    return stated | {key: [] for key in properties if key not in stated}


def _trigger(request: Any) -> Value:
    return wire.from_value(request.replacement_trigger) if request.HasField("replacement_trigger") else None


def _alias(message: Any) -> Alias:
    if message.WhichOneof("alias") != "spec":
        return Alias(urn=message.urn)
    spec = message.spec
    return Alias("", spec.name, spec.type, spec.stack, spec.project, spec.parentUrn, spec.noParent)


def _check_urns(goal: Goal) -> None:
    for urn in _stated_urns(goal):
        if urn and not urns.is_valid(urn):
            raise EngineError(f"{goal.type} {goal.name}: {urn!r} is not a URN")


def _stated_urns(goal: Goal) -> Iterator[str]:
    yield goal.parent
    yield goal.deleted_with
    yield from goal.dependencies
    yield from goal.replace_with
    for alias in goal.aliases:
        yield alias.urn
        yield alias.parent


def desired(goal: Goal, urn: str, old: Resource | None, alias: str) -> Resource:
    """The state that a goal asks for, as far as it is known before any step."""
    return Resource(
        urn=urn,
        type=goal.type,
        custom=goal.custom,
        inputs=goal.properties,
        parent=goal.parent,
        provider=goal.provider if goal.custom else "",
        dependencies=goal.dependencies,
        property_dependencies=goal.property_dependencies,
        protect=bool(goal.protect),
        retain_on_delete=bool(goal.retain_on_delete),
        deleted_with=goal.deleted_with,
        replace_with=goal.replace_with,
        additional_secret_outputs=goal.additional_secret_outputs,
        aliases=[alias] if alias else [],
        ignore_changes=goal.ignore_changes,
        replace_on_changes=goal.replace_on_changes,
        replacement_trigger=goal.replacement_trigger,
        created=old.created if old is not None else "",
        modified=old.modified if old is not None else "",
    )


class Inheritance:
    """What resources take over from their parents: options and providers. Safe to call from many threads."""

    def __init__(self) -> None:
        self._goals: dict[str, Goal] = {}
        self._component_providers: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()

    def inherit(self, goal: Goal) -> None:
        """Fill in what the request leaves open."""
        with self._lock:
            parent = self._goals.get(goal.parent)
            if parent is not None:
                _inherit_options(goal, parent)
            from_parent = self._component_providers.get(goal.parent, {})
        if goal.custom:
            package = urns.package_of(goal.type)
            goal.provider = goal.provider or goal.providers.get(package, "") or from_parent.get(package, "")
        else:
            goal.providers = from_parent | goal.providers

    def settled(self, urn: str, goal: Goal) -> None:
        """The resource is registered: children may inherit from it."""
        with self._lock:
            self._goals[urn] = goal
            if not goal.custom:
                self._component_providers[urn] = goal.providers

    def provider_for(self, reference: str, parent: str, package: str) -> str:
        """The provider that a function call uses: its own, or that of its parent."""
        with self._lock:
            return reference or self._component_providers.get(parent, {}).get(package, "")


def _inherit_options(goal: Goal, parent: Goal) -> None:
    goal.deleted_with = goal.deleted_with or parent.deleted_with
    if goal.protect is None:
        goal.protect = parent.protect
    if goal.retain_on_delete is None:
        goal.retain_on_delete = parent.retain_on_delete
    if not goal.provider and parent.provider:
        provided = urns.package_of(urns.type_of(urns.provider_urn(parent.provider)))
        if not goal.custom or provided == urns.package_of(goal.type):
            goal.provider = parent.provider
