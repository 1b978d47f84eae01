"""The Pulumi CLI on one stack: its state, its settings' secrets, and runs that people watch."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

_SECONDS: Final = 300
_OUTPUT_SECONDS: Final = 60
_IMPORT: Final = ("--yes", "--skip-preview", "--generate-code=false", "--protect=false")


class PulumiError(Exception):
    """The CLI is not there or did not do it; the message has its words."""


class Stack(Protocol):
    """A stack as the fleet's commands use it; `CliStack`, or what stands in for it in tests."""

    @property
    def name(self) -> str:
        """Its short name."""

    def export(self) -> dict[str, Any]:
        """The state, secrets encrypted. Raises PulumiError."""

    def restore(self, document: Mapping[str, Any]) -> None:
        """Put this state in the place of the stack's. Raises PulumiError."""

    def config(self, key: str) -> str:
        """The value of `codeb:<key>`, decrypted; "" when it has none."""

    def preview(self) -> dict[str, Any]:
        """What an update would do, as `pulumi preview --json` says it. Raises PulumiError."""

    def adopt(self, document: Mapping[str, Any]) -> None:
        """Import the resources of a `pulumi import` file. Raises PulumiError."""

    def unprotect(self, urn: str) -> None:
        """Let a resource be deleted or replaced until the next update protects it. Raises PulumiError."""

    def run(self, verb: str, arguments: Sequence[str], more: Mapping[str, str] | None = None) -> int:
        """Run a verb before everybody's eyes, with `more` in its environment; the exit status. Raises PulumiError."""


@dataclass(frozen=True)
class CliStack:
    """The stack `name` of the project in `folder`, by the `pulumi` on the PATH.

    `aside`: what a verb says goes to standard error, as standard output is somebody's JSON.
    """

    folder: Path
    name: str
    aside: bool = False

    def export(self) -> dict[str, Any]:
        return _document(self._ask("stack", "export"), "stack export")

    def restore(self, document: Mapping[str, Any]) -> None:
        self._ask("stack", "import", text=json.dumps(document))

    def config(self, key: str) -> str:
        try:
            return self._ask("config", "get", f"codeb:{key}").strip("\r\n")
        except PulumiError:
            return ""

    def preview(self) -> dict[str, Any]:
        return _document(
            self._ask("preview", "--json", environment={"PULUMI_SKIP_CHECKPOINTS": "true"}), "preview"
        )

    def adopt(self, document: Mapping[str, Any]) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "import.json"
            path.write_text(json.dumps(document))
            self._ask("import", "--file", str(path), *_IMPORT)

    def unprotect(self, urn: str) -> None:
        self._ask("state", "unprotect", urn, "--yes")

    def forget(self, urn: str) -> None:
        """Take a resource, with all that depends on it, out of the state. Raises PulumiError."""
        self._ask("state", "delete", urn, "--target-dependents", "--yes")

    def run(self, verb: str, arguments: Sequence[str], more: Mapping[str, str] | None = None) -> int:
        line = [_cli(), verb, "--stack", self.name, *arguments]
        said = sys.stderr if self.aside else None
        with subprocess.Popen(
            line, cwd=self.folder, env={**os.environ, **(more or {})}, stdout=said
        ) as child:
            while True:
                try:
                    return child.wait()
                except KeyboardInterrupt:  # it reached the CLI too, which ends in order
                    continue

    def _ask(
        self, *arguments: str, text: str | None = None, environment: Mapping[str, str] | None = None
    ) -> str:
        return ask(self.folder, self.name, *arguments, text=text, environment=environment)


def ask(
    folder: Path,
    stack: str,
    *arguments: str,
    text: str | None = None,
    environment: Mapping[str, str] | None = None,
    seconds: int = _SECONDS,
) -> str:
    """What the CLI prints. Raises PulumiError with its words when it fails."""
    words = f"`pulumi {' '.join(arguments)} --stack {stack}`"
    try:
        done = subprocess.run(
            [_cli(), *arguments, "--stack", stack, "--non-interactive"],
            cwd=folder,
            env={**os.environ, **(environment or {})},
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PulumiError(f"{words} did not end within {seconds} s") from None
    if done.returncode != 0:
        raise PulumiError(f"{words} failed and said: {_said(done.stderr, done.stdout)}")
    return done.stdout


def outputs(folder: Path, stack: str) -> Mapping[str, Any]:
    """The stack's outputs, secret ones as `[secret]`; empty for a stack that has none. Raises PulumiError."""
    return _document(ask(folder, stack, "stack", "output", "--json", seconds=_OUTPUT_SECONDS), "stack output")


def _said(stderr: str, stdout: str) -> str:
    """Why the CLI failed: it says so on one output or the other, among much else."""
    lines = [line.strip() for line in (*stderr.splitlines(), *stdout.splitlines()) if line.strip()]
    errors = list(dict.fromkeys(line for line in lines if line.startswith("error:")))
    said = [line.strip() for line in stderr.splitlines() if line.strip()]
    return " ".join((errors or said or ["nothing"])[:3])


def keep(document: Mapping[str, Any], stack: str) -> Path:
    """A copy of the state as a file of mode 0600, before something changes it; its secrets are encrypted as in the state."""
    folder = state_folder()
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    handle, name = tempfile.mkstemp(prefix=f"{stack}-{moment}-", suffix=".json", dir=folder)
    with os.fdopen(handle, "w") as file:
        json.dump(document, file)
    return Path(name)


def state_folder() -> Path:
    """Where the command keeps what is this user's alone."""
    folder = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "codeb"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _cli() -> str:
    found = shutil.which("pulumi")
    if found is None:
        raise PulumiError("the pulumi CLI is not on the PATH: it knows the stack's state")
    return found


def _document(text: str, what: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise PulumiError(f"`pulumi {what}` printed no document")
    return found
