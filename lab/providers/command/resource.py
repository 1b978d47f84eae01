"""Package `command` 1.x: what its two Command resources share.

Facts from pulumi-command's `provider/pkg/provider` and pulumi-go-provider's `infer`: outputs repeat the
inputs and add `stdout` and `stderr`; any changed input is an update, `triggers` as a whole a replacement
(its elements are replaced through the option `replaceOnChanges`, which the SDK sends).
"""

from __future__ import annotations

import secrets
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from lab.providers.base import Resource
from lab.providers.protocol import UNKNOWN, CheckResult, DiffResult, Properties, State
from lab.providers.values import changed_paths, equal

OUTPUT_IN_ENVIRONMENT = {"stdout": "PULUMI_COMMAND_STDOUT", "stderr": "PULUMI_COMMAND_STDERR"}
_GO_ESCAPES = {"\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v"}


@dataclass(frozen=True)
class Captured:
    """What a command wrote, one trailing newline less."""

    stdout: str
    stderr: str

    @classmethod
    def of(cls, stdout: bytes, stderr: bytes) -> Captured:
        return cls(_text(stdout), _text(stderr))


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace").removesuffix("\n")


class CommandResource(Resource):
    """A resource that is a command to run at creation, at each change and at deletion."""

    fields: ClassVar[Mapping[str, type]]
    """Input names and their types."""

    required: tuple[str, ...] = ()

    @abstractmethod
    def run(self, command: str, inputs: Properties, previous: Properties) -> Captured:
        """Run to the end; `previous` holds the `stdout` and `stderr` of the run before.

        Raises:
            ProviderError: the command could not be run or did not exit with status 0.
        """

    def check(self, name: str, olds: Properties, news: Properties, random_seed: bytes) -> CheckResult:
        inputs = {key: news[key] for key in self.fields if news.get(key) is not None}
        failures = [(key, f"Missing required property '{key}'") for key in self.required if key not in inputs]
        for key, value in inputs.items():
            if value is not UNKNOWN and not isinstance(value, self.fields[key]):
                failures.append((key, f"'{key}' is of the wrong type: {type(value).__name__}"))
        return CheckResult(inputs, tuple(failures))

    def diff(self, old_inputs: Properties, old_outputs: Properties, news: Properties) -> DiffResult:
        paths = tuple(changed_paths(dict(old_inputs), dict(news)))
        return DiffResult(
            bool(paths), replaces=tuple(path for path in paths if path == "triggers"), diffs=paths
        )

    def preview(self, old_outputs: Properties | None, news: Properties) -> dict[str, Any]:
        if old_outputs is None or self._may_differ(old_outputs, news):
            return {**news, "stdout": UNKNOWN, "stderr": UNKNOWN}
        return {**news, **_captured(old_outputs)}

    def _may_differ(self, old_outputs: Properties, news: Properties) -> bool:
        """Whether the plugin calls the new output unknown: it does not when an input is merely new."""
        return any(
            news.get(key) is UNKNOWN or (key in old_outputs and not equal(old_outputs[key], news.get(key)))
            for key in self.fields
        )

    def create(self, name: str, news: Properties) -> State:
        return State(f"{name}{secrets.token_hex(4)}", self._outputs(news.get("create"), news, {}))

    def update(self, id_: str, old_inputs: Properties, old_outputs: Properties, news: Properties) -> State:
        command = news.get("update", news.get("create"))
        return State(id_, self._outputs(command, news, old_outputs))

    def delete(self, id_: str, inputs: Properties, outputs: Properties) -> None:
        if outputs.get("delete") is not None:
            self.run(outputs["delete"], outputs, outputs)

    def read(self, id_: str, inputs: Properties, outputs: Properties) -> State:
        return State(id_, dict(outputs), dict(inputs))

    def _outputs(self, command: str | None, inputs: Properties, previous: Properties) -> dict[str, Any]:
        if command is None:
            return {**inputs, **_captured(previous)}
        captured = self.run(command, inputs, previous)
        return {**inputs, "stdout": captured.stdout, "stderr": captured.stderr}


def _captured(outputs: Properties) -> dict[str, str]:
    return {"stdout": outputs.get("stdout", ""), "stderr": outputs.get("stderr", "")}


def environment(inputs: Properties, previous: Properties) -> tuple[dict[str, str], dict[str, str]]:
    """The variables the program asks for, and those that carry the previous output (unless switched off)."""
    carried = {}
    if inputs.get("addPreviousOutputInEnv") is not False:
        carried = {name: previous[key] for key, name in OUTPUT_IN_ENVIRONMENT.items() if previous.get(key)}
    return dict(inputs.get("environment") or {}), carried


def failure(reason: str, command: str, output: str) -> str:
    """The plugin's message for a failed command: what happened, the command line, and all that it wrote."""
    return f"{reason}: running {go_quote(command)}:\n{output}"


def go_quote(text: str) -> str:
    """A double-quoted string as Go's `%q` prints it."""
    return '"' + "".join(_go_escape(char) for char in text) + '"'


def _go_escape(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char in _GO_ESCAPES:
        return _GO_ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
