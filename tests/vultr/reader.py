"""Somebody who follows the deployment guide, with a clone, a home and an account at the simulated Vultr."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from lab.bench import nowhere
from lab.bench.fleets import PACE
from lab.bench.programs import LINKS
from lab.bench.stacks import ANSWERS
from lab.paths import REPO
from lab.pulumi.cli import Cli
from lab.pulumi.home import Home, launcher
from lab.vultr.simulator import Simulator

_FOREIGN: Final = ("PULUMI_", "VULTR_", "CODEB_VULTR_")
_ASKS_BACK: Final = re.compile(r"codeb fleet (remove|adopt|forget|attach|replace)\b")
_DEPLOYS: Final = ("pulumi up", "codeb fleet replace")


@dataclass
class Reader:
    """`ids` are what the next ID of a command stands for, in order."""

    folder: Path
    vultr: Simulator
    account: str
    home: Home
    ids: list[str] = field(default_factory=list)

    @classmethod
    def make(cls, cli: Cli, folder: Path, vultr: Simulator, account: str) -> Reader:
        """With everything that the guide takes for granted, and nothing deployed."""
        reader = cls(folder, vultr, account, Home(folder / "pulumi"))
        reader.clone.mkdir(parents=True)
        for name in LINKS:
            (reader.clone / name).symlink_to(REPO / name)
        shutil.copy(REPO / "Pulumi.prod.yaml", reader.clone)
        project = yaml.safe_load((REPO / "Pulumi.yaml").read_text())
        project["runtime"] = "python"  # this process's, which has the program's packages
        (reader.clone / "Pulumi.yaml").write_text(yaml.safe_dump(project))
        reader.home.ensure(cli)
        reader.home.put_plugins("lab.bench.null")
        reader.home.put_plugins("lab.plugins.resource", ("vultr",))
        launcher(reader.home.bin / "ssh", ["lab.bench.nowhere", str(folder / ANSWERS)])
        (folder / ".ssh").mkdir(mode=0o700)
        (folder / "state").mkdir()
        status, words = reader.shell("ssh-keygen -q -t ed25519 -N '' -C ann -f ~/.ssh/ann")
        assert status == 0, words
        return reader

    @property
    def clone(self) -> Path:
        return self.folder / "clone"

    def do(self, command: str) -> tuple[int, str]:
        """A command of the guide; its exit status and all that it prints."""
        line = re.sub(r"\bID\b", lambda _: self.ids.pop(0), command)
        if _ASKS_BACK.match(line):
            line = f"{line} --yes"
        asked = f"{self.vultr.key(self.account)}\n" if line.endswith("codeb:vultrApiKey") else ""
        done = self.shell(line, asked)
        if line.startswith(_DEPLOYS):
            self.remember()
        return done

    def shell(self, line: str, asked: str = "") -> tuple[int, str]:
        """A line in the clone, with an answer to what it asks; its exit status and all that it prints."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", line],
            cwd=self.clone,
            env=self._environment(),
            input=asked,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def outputs(self) -> dict[str, Any]:
        """The stack's."""
        status, words = self.shell("pulumi stack output --json")
        assert status == 0, words
        found: dict[str, Any] = json.loads(words)
        return found

    def remember(self) -> None:
        """Let the agents answer from now on as the stack has it."""
        nowhere.write_answers(self.folder / ANSWERS, self.outputs())

    def content(self, kind: str) -> dict[str, Any]:
        """What the account has of this kind, by id."""
        found: dict[str, Any] = self.vultr.content(self.account)[kind]
        return found

    def _environment(self) -> dict[str, str]:
        """A shell's, with nothing of the lab's own stacks. The reader's yes to Pulumi is PULUMI_OPTION_YES."""
        there = {key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)}
        path = (str(self.home.bin), str(Path(sys.executable).parent), there.get("PATH", os.defpath))
        return there | {
            "PATH": os.pathsep.join(path),
            "HOME": str(self.folder),
            "XDG_RUNTIME_DIR": str(self.folder),
            "PULUMI_HOME": str(self.home.folder),
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "guide",
            "PULUMI_OPTION_YES": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "CODEB_VULTR_API": self.vultr.url,
            "CODEB_VULTR_PACE": PACE,
            "SSL_CERT_FILE": str(self.vultr.ca),
        }
