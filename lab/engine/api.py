"""The engine as a library.

    engine = Engine(project_dir, "dev", backend, passphrase, lab.providers.factory)
    result = engine.up()

Operations of one process come one after the other: the working directory, standard output and signal handlers are the
program's while it runs.
"""

from __future__ import annotations

import contextvars
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from lab.engine.checkpoint import StackFiles
from lab.engine.config import load_settings
from lab.engine.display.digest import JsonDisplay
from lab.engine.display.text import TextDisplay
from lab.engine.display.values import to_json
from lab.engine.errors import EngineError
from lab.engine.events import Display
from lab.engine.operation import Kind, Request, Result, perform
from lab.engine.project import load_project
from lab.engine.provider import ProviderFactory
from lab.engine.run import Options
from lab.engine.stackstate import StackState


@dataclass(frozen=True)
class Appearance:
    """How an operation is shown."""

    json: bool = False
    diff: bool = False
    stream: TextIO | None = None
    """Standard output unless given."""


class Engine:
    """Operations on one stack of a project, in a DIY backend (a folder)."""

    def __init__(
        self,
        project_dir: Path,
        stack: str,
        backend: Path,
        passphrase: str,
        providers: ProviderFactory,
        *,
        program: Path | None = None,
        appearance: Appearance | None = None,
    ) -> None:
        """`program` runs instead of the one that Pulumi.yaml names.

        Raises:
            EngineError: the folder holds no project that this engine can run, or the stack's name is no name.
        """
        if not stack or "/" in stack:
            raise EngineError(f"{stack!r} is not a stack's name")
        self._project = load_project(project_dir)
        self._stack, self._backend, self._passphrase = stack, backend.absolute(), passphrase
        self._providers, self._program = providers, program.resolve() if program else self._project.program
        self._appearance = appearance or Appearance()

    def preview(self, options: Options | None = None) -> Result:
        """What `up` would do; changes nothing."""
        return self._perform(Kind.UPDATE, options, preview=True)

    def up(self, options: Options | None = None) -> Result:
        """Make the stack what the program says."""
        return self._perform(Kind.UPDATE, options, preview=False)

    def destroy(self, options: Options | None = None, *, preview: bool = False) -> Result:
        """Delete everything in the stack."""
        return self._perform(Kind.DESTROY, options, preview=preview)

    def refresh(self, options: Options | None = None, *, preview: bool = False) -> Result:
        """Make the state what really exists."""
        return self._perform(Kind.REFRESH, options, preview=preview)

    def outputs(self, *, show_secrets: bool = False) -> dict[str, Any]:
        """The stack's outputs as JSON; secrets as `[secret]` unless asked for."""
        files = StackFiles(self._backend, self._project.name, self._stack)
        settings = load_settings(self._project, self._stack)
        state = StackState.open(files, self._passphrase, settings.salt)
        outputs = to_json(state.outputs(), show_secrets=show_secrets)
        return dict(outputs)

    def _perform(self, kind: Kind, options: Options | None, *, preview: bool) -> Result:
        request = Request(
            project=self._project,
            stack=self._stack,
            backend=self._backend,
            passphrase=self._passphrase,
            providers=self._providers,
            program=self._program,
            kind=kind,
            preview=preview,
            options=options or Options(),
            display=self._display(kind, preview=preview),
        )
        # The SDK's settings are context variables: in a context of its own, an operation leaves none behind.
        return contextvars.copy_context().run(perform, request)

    def _display(self, kind: Kind, *, preview: bool) -> Display:
        stream = self._appearance.stream or sys.stdout
        if self._appearance.json:
            return JsonDisplay(stream)
        doing = {Kind.UPDATE: "update", Kind.DESTROY: "destroy", Kind.REFRESH: "refresh"}[kind]
        verb = {"update": "Updating", "destroy": "Destroying", "refresh": "Refreshing"}[doing]
        title = f"Previewing {doing} ({self._stack})" if preview else f"{verb} ({self._stack})"
        return TextDisplay(stream, title, preview=preview, diff=self._appearance.diff)


def passphrase_from(environment: Mapping[str, str] = os.environ) -> str:
    """The passphrase, from where Pulumi looks for it.

    Raises:
        EngineError: it is not set.
    """
    if "PULUMI_CONFIG_PASSPHRASE" in environment:
        return environment["PULUMI_CONFIG_PASSPHRASE"]
    file = environment.get("PULUMI_CONFIG_PASSPHRASE_FILE")
    if not file:
        raise EngineError(
            "passphrase must be set with PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE environment variables"
        )
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise EngineError(f"unable to read PULUMI_CONFIG_PASSPHRASE_FILE: {error}") from error
