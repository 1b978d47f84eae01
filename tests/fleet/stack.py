"""A stack on the Pulumi CLI against the simulated Vultr, and `codeb fleet` on it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.pulumi.home import Home
from lab.vultr.faults import Rule
from lab.vultr.simulator import Simulator
from ops import cli
from ops.vultr.client import Client

PROGRAM = Path(__file__).with_name("program.py")
NAME = "test"


@dataclass
class Ran:
    """How a command ended, and what it said on both outputs."""

    code: int
    out: str
    err: str


class FleetStack:
    """The stack `test` of a folder of its own; `environment` is what CLI, plugin and commands have."""

    def __init__(self, folder: Path, home: Home, vultr: Simulator) -> None:
        self.folder, self.vultr, self._home = folder / "work", vultr, home
        self.folder.mkdir()
        shutil.copy(PROGRAM, self.folder / "__main__.py")
        (self.folder / "Pulumi.yaml").write_text("name: codeb\nruntime: python\n")
        (folder / "backend").mkdir()
        self.environment = {
            "PATH": f"{home.bin}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "PULUMI_HOME": str(home.folder),
            "PULUMI_BACKEND_URL": f"file://{folder / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "fleet",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "CODEB_VULTR_PACE": "0.005",
            "XDG_STATE_HOME": str(folder / "kept"),
            **vultr.environment(),
        }
        self.pulumi("stack", "init", NAME)
        with self._inside():
            self.client = Client(vultr.key(), vultr.url)

    def pulumi(self, *arguments: str, more: dict[str, str] | None = None) -> Ran:
        done = subprocess.run(
            [self._home.pulumi, *arguments, "--non-interactive"],
            cwd=self.folder,
            env={**os.environ, **self.environment, **(more or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def up(self) -> Ran:
        return self.pulumi("up", "--yes", "--skip-preview")

    def kill_when(self, reached: Callable[[list[str]], bool]) -> None:
        """An update that is killed with its plugin and program (SIGKILL) as soon as the API was called so."""
        line = [self._home.pulumi, "up", "--yes", "--skip-preview", "--non-interactive"]
        quiet = subprocess.DEVNULL
        child = subprocess.Popen(
            line, cwd=self.folder, env={**os.environ, **self.environment}, stdin=quiet, stdout=quiet, stderr=quiet,
            start_new_session=True,
        )  # fmt: skip
        end = time.monotonic() + 60
        while not reached([f"{each.method} {each.path} {each.status}" for each in self.vultr.calls()]):
            assert time.monotonic() < end, "it never got there"
            time.sleep(0.02)
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        self.pulumi("cancel", "--yes")

    def changes(self) -> dict[str, int]:
        """What an update would do, without what stays the same."""
        found = json.loads(self.pulumi("preview", "--json").out)["changeSummary"]
        return {key: value for key, value in found.items() if key != "same"}

    def codeb(self, *arguments: str) -> Ran:
        """`codeb fleet …` in this stack's folder, in this process."""
        out, err = io.StringIO(), io.StringIO()
        with self._inside(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = cli.main(["fleet", *arguments, "--stack", NAME])
        return Ran(code, out.getvalue(), err.getvalue())

    @contextlib.contextmanager
    def _inside(self) -> Iterator[None]:
        """This process as one in the stack's folder and environment."""
        saved, place = dict(os.environ), Path.cwd()
        os.environ.update(self.environment)
        os.chdir(self.folder)
        try:
            yield
        finally:
            os.chdir(place)
            os.environ.clear()
            os.environ.update(saved)

    def findings(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.codeb("check", "--json").out)["findings"]
        return found

    def troubles(self) -> dict[str, list[str]]:
        """The kinds of what is wrong, by trouble."""
        troubles: dict[str, list[str]] = {}
        for each in self.findings():
            troubles.setdefault(each["trouble"], []).append(each["kind"])
        return {trouble: sorted(kinds) for trouble, kinds in troubles.items()}

    def ids(self) -> list[str]:
        return [each["id"] for each in self.findings()]

    def fault(self, kind: str, **facts: Any) -> None:
        self.vultr.faults.add(Rule(kind, **facts))

    def state(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.pulumi("stack", "export").out)["deployment"].get(
            "resources", []
        )
        return found

    def facts(self) -> list[tuple[str, str, str]]:
        """The state without what is encrypted anew each time it is written."""
        return [(each["urn"], str(each.get("id")), _plain(each.get("inputs"))) for each in self.state()]

    def id_of(self, name: str) -> str:
        """The id of a resource by its name in the program."""
        return next(
            str(each["id"]) for each in self.state() if each["urn"].endswith(f"::{name}") and "id" in each
        )

    def content(self) -> dict[str, dict[str, Any]]:
        """What the account has, by collection and id, without what is the simulator's own."""
        found = self.vultr.content()
        return {name: dict(items) for name, items in found.items() if isinstance(items, dict)}

    def settle(self, path: str, body: dict[str, Any]) -> None:
        """Make something by hand."""
        self.client.send("POST", path, body)


def _plain(inputs: Any) -> str:
    return re.sub(r'"ciphertext": "[^"]*"', "", json.dumps(inputs, sort_keys=True))
