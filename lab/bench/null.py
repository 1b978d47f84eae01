"""Plugins that reach nothing, for updates of more projects than there are hosts: `lab.bench.null PACKAGE VERSION JOURNAL`.

Checks, differences and previews are those of the lab's own plugins. Whatever would touch a server is answered at once, with
outputs as long as real ones: so an update costs what Pulumi, the program and the protocol take, and nothing of the hosts.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from lab.plugins.journal import Journal
from lab.providers import factory
from lab.providers.protocol import (
    UNKNOWN,
    CheckResult,
    DiffResult,
    Properties,
    Provider,
    ProviderError,
    State,
)

AT: Final = "2026-01-01T00:00:00Z"
BROKEN: Final = "@sha256:" + "f" * 64
"""The end of an image that does not start."""
REFUSES: Final = "CODEB_NULL_REFUSES"
"""Variable with what a command has in it whose deletion fails."""
FAILS: Final = "CODEB_NULL_FAILS"
"""Variable with the end of the name of a command that fails whenever it is created or updated."""
LOG: Final = "CODEB_NULL_LOG"
"""Variable with a file that gets a line of JSON for each command: when, what was done, its name, its first line."""
_VERB: Final = re.compile(r"codeb-agent (release|apply|version)\b")


class Null:
    """A provider of `lab.providers` without what it reaches."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self.package = provider.package

    def check_config(self, inputs: Properties) -> CheckResult:
        return self._provider.check_config(inputs)

    def configure(self, inputs: Properties) -> None:
        self._provider.configure(inputs)

    def check(
        self, type_: str, urn: str, olds: Properties, news: Properties, random_seed: bytes
    ) -> CheckResult:
        return self._provider.check(type_, urn, olds, news, random_seed)

    def diff(
        self,
        type_: str,
        urn: str,
        id_: str,
        old_inputs: Properties,
        old_outputs: Properties,
        news: Properties,
    ) -> DiffResult:
        return self._provider.diff(type_, urn, id_, old_inputs, old_outputs, news)

    def secret_properties(self, type_: str) -> tuple[str, ...]:
        return self._provider.secret_properties(type_)

    def preview(
        self, type_: str, urn: str, old_outputs: Properties | None, news: Properties
    ) -> dict[str, Any]:
        return self._provider.preview(type_, urn, old_outputs, news)

    def create(self, type_: str, urn: str, news: Properties) -> State:
        """What the preview promises, and something for what it does not know."""
        _ran(type_, urn, "create", news)
        return State(_made_up(urn), _filled(self.preview(type_, urn, None, news), urn, news))

    def resume(self, type_: str, urn: str, news: Properties) -> State:
        return self.create(type_, urn, news)

    def update(
        self,
        type_: str,
        urn: str,
        id_: str,
        old_inputs: Properties,
        old_outputs: Properties,
        news: Properties,
    ) -> State:
        _ran(type_, urn, "update", news)
        return State(id_, _filled(self.preview(type_, urn, old_outputs, news), urn, news))

    def delete(self, type_: str, urn: str, id_: str, inputs: Properties, outputs: Properties) -> None:
        """Gone, unless it is to be refused."""
        refused = os.environ.get(REFUSES, "")
        if refused and refused in str(inputs.get("delete", "")):
            raise ProviderError(f"{refused} is refused")
        _noted(type_, urn, "delete", inputs)

    def read(self, type_: str, urn: str, id_: str, inputs: Properties, outputs: Properties) -> State:
        return State(id_, dict(outputs), dict(inputs))

    def cancel(self) -> None:
        """Nothing runs."""

    def close(self) -> None:
        """Nothing is open."""


def _ran(type_: str, urn: str, operation: str, inputs: Properties) -> None:
    """Note a command; raises ProviderError when it is to fail."""
    failing = os.environ.get(FAILS, "")
    if failing and urn.endswith(failing):
        raise ProviderError(f"{failing} fails")
    _noted(type_, urn, operation, inputs)


def _noted(type_: str, urn: str, operation: str, inputs: Properties) -> None:
    path = os.environ.get(LOG, "")
    if not path or not type_.startswith("command:"):
        return
    text = str(inputs.get("delete" if operation == "delete" else "create", ""))
    line = {
        "at": time.time(),
        "did": operation,
        "name": urn.rpartition("::")[2],
        "line": text.partition("\n")[0],
    }
    with Path(path).open("a") as file:
        file.write(json.dumps(line) + "\n")


def _filled(outputs: Mapping[str, Any], urn: str, inputs: Properties) -> dict[str, Any]:
    said = {"stdout": agent_answer(inputs), "stderr": ""}
    return {
        key: said.get(key, _made_up(f"{urn}.{key}")) if value is UNKNOWN else value
        for key, value in outputs.items()
    }


def _made_up(purpose: str) -> str:
    """A text as long as MinIO's secret keys."""
    return hashlib.sha256(purpose.encode()).hexdigest()[:40]


def agent_answer(inputs: Properties) -> str:
    """What the agent would print for a command of ours; nothing for other commands."""
    verb = _VERB.search(str(inputs.get("create", "")))
    if verb is None:
        return ""
    if verb[1] == "release":
        if str(json.loads(inputs["stdin"])["image"]).endswith(BROKEN):
            raise ProviderError("failed in phase: health: no answer")
        return json.dumps(released(json.loads(inputs["stdin"])))
    if verb[1] == "apply":
        return json.dumps({"ok": True, "changed": [], "restarted": [], "versions": {"podman": "5.4.2"}})
    return json.dumps({"ok": True, "version": 1})


def released(document: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a `release` document: the first release of its project, healthy at once."""
    digest = "sha256:" + hashlib.sha256(str(document["image"]).encode()).hexdigest()
    release = {"id": "r1", "image": document["image"], "digest": digest}
    return {
        "ok": True,
        "project": document["project"],
        "active": "blue",
        "image": document["image"],
        "digest": digest,
        "container_id": hashlib.sha256(str(document["project"]).encode()).hexdigest(),
        "health": {"status": "healthy", "last_check": AT},
        "created_at": AT,
        "released_at": AT,
        "changed": True,
        "release": {**release, "at": AT, "by": "bench@bench", "why": "released"},
        "warnings": [],
    }


def main(argv: Sequence[str]) -> NoReturn:
    """Serve a package that reaches nothing, until the CLI ends."""
    from lab.plugins.resource import Plugin, serve_plugin  # beside which nobody can import the SDK

    package, version, journal = argv[:3]
    serve_plugin(Plugin(Null(factory(package, version)), version, Journal(Path(journal))))
