"""The JSON digest of `pulumi preview --json`, also used for the other operations."""

from __future__ import annotations

import json
from typing import Any, Final, TextIO

from lab.engine import steps as ops
from lab.engine import urn as urns
from lab.engine.diffing import top_level
from lab.engine.display.values import to_json
from lab.engine.events import Summary
from lab.engine.resource import Resource
from lab.engine.steps import Step

_STATE: Final = {
    "id": "id",
    "parent": "parent",
    "protect": "protect",
    "external": "external",
    "dependencies": "dependencies",
    "provider": "provider",
    "propertyDependencies": "property_dependencies",
    "additionalSecretOutputs": "additional_secret_outputs",
    "retainOnDelete": "retain_on_delete",
    "deletedWith": "deleted_with",
    "ignoreChanges": "ignore_changes",
    "replaceOnChanges": "replace_on_changes",
}


class JsonDisplay:
    """Collects everything, and writes one document at the end."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._steps: list[dict[str, Any]] = []
        self._diagnostics: list[dict[str, str]] = []

    def started(self, step: Step) -> None:
        """Steps are listed in the order in which they begin."""
        if _shown(step):
            self._steps.append(_document(step, step.op))

    def finished(self, step: Step, op: str) -> None:
        """What a refresh turned out to be takes the place of the refresh."""
        if step.op == ops.REFRESH and op != ops.SAME:
            for index, document in enumerate(self._steps):
                if document["urn"] == step.urn:
                    self._steps[index] = _document(step, op)

    def failed(self, step: Step) -> None:
        """The reason is among the diagnostics."""

    def diagnostic(self, severity: str, urn: str, message: str) -> None:
        """Messages, in order."""
        document = {"urn": urn} if urn else {}
        text = f"{severity}: {message}\n"
        self._diagnostics.append(document | {"message": text, "severity": severity})

    def program_output(self, line: str) -> None:
        """What the program prints is a message, too."""
        self._diagnostics.append({"message": line, "severity": "info"})

    def summary(self, summary: Summary) -> None:
        """Write the document."""
        document: dict[str, Any] = {}
        if self._steps:
            document["steps"] = self._steps
        if self._diagnostics:
            document["diagnostics"] = self._diagnostics
        document["duration"] = round(summary.seconds * 1_000_000_000)
        if summary.changes:
            document["changeSummary"] = summary.changes
        if not summary.preview:
            document["outputs"] = to_json(summary.outputs)
            document["result"] = "failed" if summary.failed else "succeeded"
        self._stream.write(json.dumps(document, indent=4, ensure_ascii=False) + "\n")
        self._stream.flush()


def _shown(step: Step) -> bool:
    if step.op == ops.SAME:
        changed = step.old is not None and step.new is not None and step.old.protect != step.new.protect
        return changed or urns.is_root_stack(step.urn)
    return step.logical or step.op == ops.REFRESH


def _document(step: Step, op: str) -> dict[str, Any]:
    document: dict[str, Any] = {"op": op, "urn": step.urn}
    if step.res.provider:
        document["provider"] = step.res.provider
    if step.old is not None:
        document["oldState"] = _state(step.old)
    if step.new is not None:
        document["newState"] = _state(step.new)
    if step.changes:
        document["diffReasons"] = list(dict.fromkeys(map(top_level, step.changes)))
        document["detailedDiff"] = {
            path: {"kind": _kind(step, path), "inputDiff": False} for path in step.changes
        }
    reasons = [path for path in step.reasons if path == top_level(path)]
    if reasons:
        document["replaceReasons"] = reasons
    return document


def _kind(step: Step, path: str) -> str:
    key = top_level(path)
    old = step.old.inputs if step.old is not None else {}
    new = step.new.inputs if step.new is not None else {}
    kind = "add" if key not in old else "delete" if key not in new else "update"
    return f"{kind}-replace" if path in step.reasons else kind


def _state(resource: Resource) -> dict[str, Any]:
    document: dict[str, Any] = {"urn": resource.urn, "custom": resource.custom, "type": resource.type}
    for name, attribute in _STATE.items():
        if value := getattr(resource, attribute):
            document[name] = value
    for name, properties in (("inputs", resource.inputs), ("outputs", resource.outputs)):
        if properties:
            document[name] = to_json(properties)
    return document
