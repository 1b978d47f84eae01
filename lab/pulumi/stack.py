"""One stack under the CLI: its environment, its settings, its verbs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from lab.plugins import copies
from lab.plugins.journal import Journal
from lab.pulumi import killed
from lab.pulumi.errors import StackError
from lab.pulumi.home import Home

PROJECT: Final = "codeb"
AT_ONCE: Final = ("--yes", "--skip-preview")
PREVIEW_ONLY: Final = {"PULUMI_SKIP_CHECKPOINTS": "true"}
"""A file backend writes the whole state at each step, of previews too. An update must: a kill would lose what it made."""


@dataclass(frozen=True)
class Stack:
    """A stack of a project folder. Verbs run on the caller's terminal and return the CLI's exit status.

    `settings` is where a copy of the folder's `Pulumi.<stack>.yaml` goes, which the CLI reads and writes.
    """

    project: Path
    name: str
    home: Home
    settings: Path
    backend: Path
    passphrase: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    """What this stack's plugins and program find in their environment besides."""

    @property
    def state(self) -> Path:
        """The stack's state in a file backend (`backend/diy`), with a project's own folder."""
        return self.backend / ".pulumi" / "stacks" / PROJECT / f"{self.name}.json"

    def environment(self) -> dict[str, str]:
        """What plain `pulumi` needs in the project folder to work on this stack."""
        path = f"{self.home.bin}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        downloads = {} if not self.home.stand_ins else {"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true"}
        return {
            "PATH": path,
            "PULUMI_HOME": str(self.home.folder),
            "PULUMI_BACKEND_URL": f"file://{self.backend}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.passphrase),
            "PULUMI_OPTION_CONFIG_FILE": str(self.settings),
            "LAB_STACK": self.name,
            # The salt is in the state, too; a fresh copy of the settings has none.
            "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
            # Without the program nobody opens the tunnel that the providers go through.
            "PULUMI_RUN_PROGRAM": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            **downloads,
            **self.variables,
        }

    def open(self) -> None:
        """Make the stack if it is new, and bring the copy of its settings up to date.

        Raises:
            StackError: the CLI can't open the state; its words are above.
        """
        self.backend.mkdir(parents=True, exist_ok=True)
        for message in copies.refresh(self.project / f"Pulumi.{self.name}.yaml", self.settings):
            print(f"lab: {message}", file=sys.stderr, flush=True)
        if not self.state.exists():
            self._create()

    def select(self) -> None:
        """Make this stack the one that plain `pulumi` means in the project folder. Raises StackError."""
        self.open()
        self._select()

    def preview(self, arguments: Sequence[str] = ()) -> int:
        return self._run("preview", arguments, PREVIEW_ONLY)

    def up(self, arguments: Sequence[str] = ()) -> int:
        """Update; after a killed run, too."""
        self.clear()
        status = self._run("up", [*AT_ONCE, *arguments])
        if status == 0:
            Journal(self.home.journal).forget(f"urn:pulumi:{self.name}::{PROJECT}::")
        return status

    def clear(self) -> None:
        """Take away what a killed CLI left that the CLI alone would not (`killed`)."""
        for clear in (killed.unlock, killed.broken_sidecars):
            for message in clear(self.backend, PROJECT, self.name):
                print(message, file=sys.stderr, flush=True)
        if killed.pending_creates(self.state):
            document = json.loads(self.ask("stack", "export"))
            document["deployment"] = killed.without_creates(document["deployment"])
            self.ask("stack", "import", stdin=json.dumps(document))

    def destroy(self, arguments: Sequence[str] = ()) -> int:
        self.clear()
        return self._run("destroy", [*AT_ONCE, *arguments])

    def refresh(self, arguments: Sequence[str] = ()) -> int:
        self.clear()
        return self._run("refresh", [*AT_ONCE, *arguments])

    def outputs(self, show_secrets: bool = False) -> dict[str, Any]:
        """The stack's outputs; secret ones as `[secret]` unless asked for. Raises StackError when there are none."""
        found = self.ask("stack", "output", "--json", *(["--show-secrets"] if show_secrets else []))
        return cast(dict[str, Any], json.loads(found))

    def ask(self, *arguments: str, stdin: str | None = None, folder: Path | None = None) -> str:
        """The answer of a command of the CLI in `folder` (the project's). Raises StackError with its words when it fails."""
        if not self.home.pulumi.exists():
            raise StackError(f"nothing is deployed here yet: there is no stack {self.name}")
        done = subprocess.run(
            [self.home.pulumi, *arguments, "--stack", self.name],
            cwd=folder or self.project,
            env={**os.environ, **self.environment()},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise StackError(f"`pulumi {' '.join(arguments)}` failed: {done.stderr.strip()}")
        return done.stdout

    def command(self, verb: str, arguments: Sequence[str] = ()) -> list[str]:
        """The line that runs a verb on this stack, for `environment()`."""
        return [str(self.home.pulumi), verb, "--stack", self.name, *arguments]

    def _select(self) -> None:
        self.ask("stack", "select", "--non-interactive")

    def _create(self) -> None:
        """Elsewhere than in the project folder: the CLI writes the salt beside `Pulumi.yaml`, wherever the settings are."""
        with tempfile.TemporaryDirectory() as scratch:
            shutil.copy(self.project / "Pulumi.yaml", scratch)
            self.ask("stack", "select", "--create", "--non-interactive", folder=Path(scratch))

    def _run(self, verb: str, arguments: Sequence[str], more: Mapping[str, str] | None = None) -> int:
        self.open()
        child = subprocess.Popen(
            self.command(verb, arguments),
            cwd=self.project,
            env={**os.environ, **self.environment(), **(more or {})},
        )
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:  # it reached the CLI too, which ends in order
                continue
