"""Run the dev stack's program on one of two engines that share one state: the lab's own, or the Pulumi CLI."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from lab import paths

EngineName = Literal["lab", "pulumi"]

CLI_PROJECT = paths.LAB / "cli"
CLI_SETTINGS = CLI_PROJECT / f"Pulumi.{paths.STACK}.yaml"


class DeployError(Exception):
    """The engine can't be used; the message says why and what to do."""


@dataclass(frozen=True)
class Deployment:
    """Verbs of an engine on the stack `dev` of this clone. Every verb returns the engine's exit status."""

    engine: EngineName

    def preview(self, arguments: Sequence[str] = ()) -> int:
        return self._run("preview", arguments)

    def up(self, arguments: Sequence[str] = ()) -> int:
        return self._run(
            "up", ["--skip-preview", "--yes", *arguments] if self.engine == "pulumi" else arguments
        )

    def destroy(self, arguments: Sequence[str] = ()) -> int:
        return self._run("destroy", ["--run-program", *self._yes(), *arguments])

    def refresh(self, arguments: Sequence[str] = ()) -> int:
        return self._run("refresh", ["--run-program", *self._yes(), *arguments])

    def outputs(self, show_secrets: bool = False) -> dict[str, Any]:
        """The stack's outputs; secret ones as `[secret]` unless asked for."""
        flags = ["--show-secrets"] if show_secrets else []
        if self.engine == "pulumi":
            argv = [
                "pulumi",
                "-C",
                str(CLI_PROJECT),
                "stack",
                "output",
                "--json",
                "--stack",
                paths.STACK,
                *flags,
            ]
        else:
            argv = [*_lab_engine("outputs"), *flags]
        done = subprocess.run(argv, cwd=paths.REPO, env=_environment(), stdout=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise DeployError("the stack has no readable outputs yet; run `make lab` first")
        return cast(dict[str, Any], json.loads(done.stdout))

    def _yes(self) -> list[str]:
        return ["--yes"] if self.engine == "pulumi" else []

    def _run(self, verb: str, arguments: Sequence[str]) -> int:
        if self.engine == "pulumi":
            _select_stack()
            argv = ["pulumi", verb, "--stack", paths.STACK, "--config-file", str(CLI_SETTINGS), *arguments]
        else:
            argv = [*_lab_engine(verb), *arguments]
        return run_foreground(argv)


def deployment(engine: str) -> Deployment:
    """The engine by name.

    Raises:
        DeployError: the Pulumi CLI is asked for and is not on the PATH.
    """
    if engine == "pulumi" and shutil.which("pulumi") is None:
        raise DeployError("ENGINE=pulumi needs the pulumi CLI on the PATH; ENGINE=lab needs nothing")
    return Deployment(cast(EngineName, engine))


def run_foreground(argv: Sequence[str]) -> int:
    """Run on the caller's terminal. Ctrl-C reaches the child too; it is waited for, so that it can save its state."""
    child = subprocess.Popen(argv, cwd=paths.REPO, env=_environment())
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            continue


def _lab_engine(verb: str) -> list[str]:
    folders = ["--cwd", str(paths.REPO), "--stack", paths.STACK, "--backend", str(paths.BACKEND)]
    return [sys.executable, "-m", "lab.engine", verb, *folders]


def _environment() -> dict[str, str]:
    return {
        **os.environ,
        "PULUMI_BACKEND_URL": f"file://{paths.BACKEND}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(paths.PASSPHRASE),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _select_stack() -> None:
    """The CLI writes the state's salt beside a new stack's settings: into a copy under .lab, not the committed file."""
    paths.BACKEND.mkdir(parents=True, exist_ok=True)
    _copy_project()
    argv = ["pulumi", "-C", str(CLI_PROJECT), "stack", "select", "--create", paths.STACK]
    argv += ["--secrets-provider", "passphrase", "--non-interactive"]
    done = subprocess.run(argv, cwd=paths.REPO, env=_environment(), stdout=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise DeployError("the pulumi CLI could not open the lab's state; its words are above")


def _copy_project() -> None:
    CLI_PROJECT.mkdir(exist_ok=True)
    shutil.copy(paths.REPO / "Pulumi.yaml", CLI_PROJECT)
    text = (paths.REPO / CLI_SETTINGS.name).read_text()
    if CLI_SETTINGS.exists():
        lines = CLI_SETTINGS.read_text().splitlines()
        text += "".join(f"{line}\n" for line in lines if line.startswith("encryptionsalt:"))
    CLI_SETTINGS.write_text(text)
