"""Resources and property values as JSON, in the form of Pulumi's checkpoint version 3."""

from __future__ import annotations

import json
from typing import Any, Final

from lab.engine.crypto import Crypter
from lab.engine.errors import EngineError, Unsupported
from lab.engine.provider import UNKNOWN
from lab.engine.resource import Resource
from lab.engine.values import (
    ASSET_SIGNATURE,
    RESOURCE_SIGNATURE,
    SECRET_SIGNATURE,
    SIGNATURE,
    UNKNOWN_TEXT,
    PropertyMap,
    ResourceRef,
    Secret,
    Value,
)

_NAMES: Final = {
    "delete": "delete",
    "id": "id",
    "parent": "parent",
    "protect": "protect",
    "taint": "taint",
    "external": "external",
    "dependencies": "dependencies",
    "initErrors": "init_errors",
    "provider": "provider",
    "propertyDependencies": "property_dependencies",
    "pendingReplacement": "pending_replacement",
    "additionalSecretOutputs": "additional_secret_outputs",
    "aliases": "aliases",
    "importID": "import_id",
    "retainOnDelete": "retain_on_delete",
    "deletedWith": "deleted_with",
    "replaceWith": "replace_with",
    "created": "created",
    "modified": "modified",
    "ignoreChanges": "ignore_changes",
    "replaceOnChanges": "replace_on_changes",
}
"""Fields of the checkpoint that are left out when empty, and the attributes that hold them."""

_CARRIED: Final = frozenset({"sourcePosition", "stackTrace", "hideDiff", "customTimeouts"})
_OWN: Final = frozenset({"urn", "type", "custom", "inputs", "outputs", "replacementTrigger"})
_REFUSED: Final = {
    "refreshBeforeUpdate": "resources that must be refreshed before each update",
    "viewOf": "views of resources",
    "resourceHooks": "resource hooks",
    "extensionRef": "extension parameterization",
    "snippetID": "snippets",
}


class Codec:
    """Converts with the secrets of one stack; a secret that has a ciphertext keeps it.

    With `forget_ciphertexts`, secrets are encrypted anew by whoever writes them.
    """

    def __init__(self, crypter: Crypter, *, forget_ciphertexts: bool = False) -> None:
        self._crypter, self._forget = crypter, forget_ciphertexts

    def resource_to_json(self, resource: Resource) -> dict[str, Any]:
        """The resource as the checkpoint holds it."""
        document: dict[str, Any] = {"urn": resource.urn, "custom": resource.custom, "type": resource.type}
        for name, attribute in _NAMES.items():
            if value := getattr(resource, attribute):
                document[name] = value
        for name, properties in (("inputs", resource.inputs), ("outputs", resource.outputs)):
            if properties:
                document[name] = {key: self.to_json(value) for key, value in properties.items()}
        if resource.replacement_trigger is not None:
            document["replacementTrigger"] = self.to_json(resource.replacement_trigger)
        return document | resource.extra

    def resource_from_json(self, document: dict[str, Any]) -> Resource:
        """The resource back.

        Raises:
            Unsupported: it uses a feature that this engine does not have.
        """
        for name in document.keys() - _NAMES.keys() - _OWN - _CARRIED:
            raise Unsupported(f"{_REFUSED.get(name, f'the field {name}')} in the state of {document['urn']}")
        resource = Resource(
            urn=document["urn"],
            type=document["type"],
            custom=document["custom"],
            inputs=self._properties(document.get("inputs")),
            outputs=self._properties(document.get("outputs")),
            replacement_trigger=self.from_json(document.get("replacementTrigger")),
            extra={name: document[name] for name in _CARRIED & document.keys()},
        )
        for name, attribute in _NAMES.items():
            if name in document:
                setattr(resource, attribute, document[name])
        return resource

    def _properties(self, document: dict[str, Any] | None) -> PropertyMap:
        return {key: self.from_json(value) for key, value in (document or {}).items()}

    def to_json(self, value: Value) -> Any:
        """A property value as JSON, secrets encrypted."""
        if isinstance(value, str | int | float) or value is None:
            return value
        if isinstance(value, dict):
            return {key: self.to_json(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.to_json(item) for item in value]
        if isinstance(value, Secret):
            return self._secret_to_json(value)
        return _special_to_json(value)

    def _secret_to_json(self, secret: Secret) -> dict[str, str]:
        if secret.ciphertext is None:
            secret.ciphertext = self._crypter.encrypt(_nested_to_json(secret.value))
        return {SIGNATURE: SECRET_SIGNATURE, "ciphertext": secret.ciphertext}

    def from_json(self, document: Any, within_secret: bool = False) -> Value:
        """The property value back, secrets decrypted."""
        if isinstance(document, str):
            return UNKNOWN if document == UNKNOWN_TEXT else document
        if isinstance(document, dict):
            if SIGNATURE in document:
                return self._special_from_json(document, within_secret)
            return {key: self.from_json(item, within_secret) for key, item in document.items()}
        if isinstance(document, list):
            return [self.from_json(item, within_secret) for item in document]
        return document

    def _special_from_json(self, document: dict[str, Any], within_secret: bool) -> Value:
        signature = document[SIGNATURE]
        if signature == RESOURCE_SIGNATURE:
            return ResourceRef(document["urn"], document.get("id"))
        if signature == ASSET_SIGNATURE:
            return document
        if signature != SECRET_SIGNATURE:
            raise Unsupported(f"values of kind {signature} in the state")
        ciphertext = document.get("ciphertext")
        if ciphertext is None:
            raise EngineError("the state holds a secret without a ciphertext; export it again with the CLI")
        if within_secret:
            return Secret(self.from_json(json.loads(ciphertext), within_secret=True))
        value = self.from_json(self._crypter.decrypt(ciphertext), within_secret=True)
        return Secret(value, None if self._forget else ciphertext)


def _nested_to_json(value: Value) -> Any:
    """What is inside a secret: encrypted as a whole, so secrets within are marked, but not encrypted again."""
    if isinstance(value, Secret):
        text = json.dumps(_nested_to_json(value.value), separators=(",", ":"))
        return {SIGNATURE: SECRET_SIGNATURE, "ciphertext": text}
    if isinstance(value, dict):
        return {key: _nested_to_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_nested_to_json(item) for item in value]
    if isinstance(value, str | int | float) or value is None:
        return value
    return _special_to_json(value)


def _special_to_json(value: Value) -> Any:
    if value is UNKNOWN:
        return UNKNOWN_TEXT
    if isinstance(value, ResourceRef):
        document = {SIGNATURE: RESOURCE_SIGNATURE, "urn": value.urn, "packageVersion": ""}
        return document if value.id is None else document | {"id": _special_or_text(value.id)}
    raise TypeError(f"not a property value: {type(value).__name__}")


def _special_or_text(value: Value) -> str:
    return UNKNOWN_TEXT if value is UNKNOWN else str(value)
