"""`examples/consumer` on the real CLI, as another team runs it: a copy of its folder, a stack of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml

from lab.paths import REPO
from lab.pulumi.home import Home

EXAMPLE: Final = REPO / "examples" / "consumer"
STACK: Final = "nightly"


class Consumer:
    """The stack `nightly` of the project `reporting`, in the backend of the stack that it reads."""

    def __init__(self, folder: Path, home: Home, environment: Mapping[str, str]) -> None:
        self.folder, self._home = folder, home
        self._environment = {**os.environ, **environment}
        shutil.copytree(EXAMPLE, folder)
        project = yaml.safe_load((folder / "Pulumi.yaml").read_text())
        project["runtime"] = "python"  # this process's, which has what requirements.txt says
        (folder / "Pulumi.yaml").write_text(yaml.safe_dump(project))

    @contextmanager
    def stack(self, platform: str, project: str) -> Iterator[None]:
        """The stack is there while the block runs, and nothing that it made afterwards."""
        self.done("stack", "init", STACK)
        try:
            self.done("config", "set", "platform", platform)
            self.done("config", "set", "project", project)
            yield
        finally:
            self.done("destroy", "--yes", "--skip-preview")
            self.done("stack", "rm", STACK, "--yes")

    def done(self, *arguments: str) -> str:
        """What a command of the CLI says that ends well."""
        done = self.pulumi(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def refused(self, *arguments: str) -> str:
        """What one says that doesn't, on one line."""
        done = self.pulumi(*arguments)
        assert done.returncode != 0, done.stdout
        return " ".join((done.stdout + done.stderr).split())

    def pulumi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._home.pulumi, *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def up(self) -> str:
        return self.done("up", "--yes", "--skip-preview")

    def steps(self) -> set[tuple[str, str]]:
        """Operation and name of everything that an update would change."""
        found = json.loads(self.done("preview", "--json"))["steps"]
        steps = {(step["op"], step["urn"].rpartition("::")[2]) for step in found}
        return {
            step for step in steps if step[0] not in ("same", "read") and not step[1].startswith("default")
        }

    def outputs(self, *, secrets: bool = False) -> dict[str, Any]:
        shown = self.done("stack", "output", "--json", *(["--show-secrets"] if secrets else []))
        found: dict[str, Any] = json.loads(shown)
        return found

    def files(self) -> dict[str, str]:
        """What it made, by path below its folder."""
        made = self.folder / "made"
        return {str(path.relative_to(made)): path.read_text() for path in made.rglob("*") if path.is_file()}

    def state(self) -> str:
        """All that the backend keeps of it."""
        return self.done("stack", "export")
