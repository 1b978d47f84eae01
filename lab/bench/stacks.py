"""Stacks on the real CLI whose plugins reach nothing, with a home and a backend of their own in a temporary folder."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lab.bench import nowhere
from lab.bench.measure import Measurement, measure
from lab.bench.programs import Program
from lab.pulumi.cli import Cli
from lab.pulumi.home import Home, launcher
from lab.pulumi.stack import AT_ONCE, PREVIEW_ONLY, Stack

ANSWERS: Final = "answers"


@dataclass(frozen=True)
class Bench:
    """A stack of a program; `folder` has its home, its state, and what agents answer."""

    stack: Stack
    program: Program
    folder: Path

    @classmethod
    def make(cls, cli: Cli, folder: Path, program: Program) -> Bench:
        """Put CLI, plugins and an empty stack in their places."""
        home = Home(folder / "home")
        home.ensure(cli)
        home.put_plugins("lab.bench.null")
        launcher(home.bin / "ssh", ["lab.bench.nowhere", str(folder / ANSWERS)])
        passphrase = folder / "passphrase"
        passphrase.write_text("bench\n")
        settings = folder / f"settings.{program.stack}.yaml"
        stack = Stack(program.folder, program.stack, home, settings, folder / "state", passphrase)
        stack.open()
        return cls(stack, program, folder)

    def preview(self) -> Measurement:
        return self._run("preview", (), PREVIEW_ONLY)

    def up(self) -> Measurement:
        """An update as everybody runs it; what the agents would answer afterwards is kept for the next."""
        measured = self._run("up", AT_ONCE, {})
        self.remember()
        return measured

    def fill(self) -> Measurement:
        """Make everything as fast as it goes, which is no way to run an update: nothing would be left of a killed one."""
        made = self._run("up", AT_ONCE, PREVIEW_ONLY)
        self.remember()
        return made

    def state_mb(self) -> float:
        return self.stack.state.stat().st_size / 1e6

    def run_text(self, verb: str, arguments: Sequence[str] = ()) -> str:
        """All that a run prints."""
        line = self.stack.command(verb, ["--suppress-outputs", "--non-interactive", *arguments])
        environment = {**os.environ, **self.environment()}
        done = subprocess.run(
            line, cwd=self.program.folder, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout + done.stderr

    def environment(self) -> dict[str, str]:
        """The program keeps the tunnel's socket in the folder."""
        return {**self.stack.environment(), "XDG_RUNTIME_DIR": str(self.folder)}

    def _run(self, verb: str, arguments: Sequence[str], more: dict[str, str]) -> Measurement:
        environment = {**self.environment(), **more}
        line = self.stack.command(verb, ["--suppress-outputs", "--non-interactive", *arguments])
        return measure(line, self.program.folder, environment, self.folder / f"{self.stack.name}-{verb}.log")

    def remember(self) -> None:
        """Let the agents answer from now on as the state has it."""
        outputs = _outputs(json.loads(self.stack.state.read_text()))
        if "registry" in outputs:
            nowhere.write_answers(self.folder / ANSWERS, outputs)


def _outputs(state: dict[str, Any]) -> dict[str, Any]:
    """The stack's outputs; secret ones as they are stored."""
    resources = state["checkpoint"]["latest"]["resources"]
    root: dict[str, Any] = next(item for item in resources if item["type"] == "pulumi:pulumi:Stack")
    outputs: dict[str, Any] = root.get("outputs", {})
    return outputs
