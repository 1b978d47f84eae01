"""Somebody who is signed in to Core CMS and clicks on, in a browser, while it is released."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab import browser, paths
from lab.bench.releases.apps import DOMAIN, PROJECT
from lab.bench.releases.stack import Stack
from lab.bench.releases.verdict import Goal
from lab.bench.releases.ways import BenchError
from lab.host import commands
from lab.host.paths import Folders
from lab.images import toolchains

BEGIN_SECONDS: Final = 120
END_SECONDS: Final = 120


@dataclass
class Clicks:
    """What the user met so far: rounds (list, change, save, public page), versions that answered him, what was wrong."""

    note: Path
    failed: str = ""
    rounds: int = 0
    versions: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()

    def look(self) -> int:
        """Read what the browser has noted until now; returns the rounds."""
        try:
            found = json.loads(self.note.read_text())
        except (FileNotFoundError, ValueError):
            return self.rounds
        self.rounds, self.versions, self.wrong = (
            found["clicks"],
            tuple(found["versions"]),
            tuple(found["wrong"]),
        )
        return self.rounds

    @property
    def goal(self) -> Goal:
        """That he noticed nothing of the releases."""
        said = (
            f"{self.rounds} rounds on {len(self.versions)} versions in turn, {len(self.wrong)} wrong answers"
        )
        if self.failed:
            said += f"; {self.failed}"
        name = "a signed-in user who clicks on meets no error, and stays signed in"
        return Goal(name, said, self.rounds > 0 and not self.wrong and not self.failed, hard=True)


@contextmanager
def clicking(stack: Stack) -> Iterator[Clicks]:
    """The user, as long as the block lasts; he has begun when it does. Raises BenchError and LabError."""
    browser.program()
    app = stack.app.app.sources
    folders = Folders.here()
    environment = {**os.environ, **toolchains.node(folders, stack.lab.progress)}
    environment |= {"npm_config_cache": str(folders.cache / "npm"), "E2E_URL": f"https://{DOMAIN}"}
    install = ["npm", "install", "--no-save", "--no-audit", "--no-fund"]
    commands.build(install, folders.logs / "apps.log", env=environment, cwd=app)
    with tempfile.TemporaryDirectory(prefix="codeb-clicks-") as folder:
        until = Path(folder) / "until"
        environment |= {
            "E2E_UNTIL": str(until),
            "E2E_INVITES": _invitation(stack),
            "E2E_RESOLVE": browser.rules(["*.lab.test"], stack.target.address),
        }
        found = Clicks(until.with_name("until.seen"))
        line = ["npx", "playwright", "test", "clicks", "--project", "desktop"]
        child = subprocess.Popen(
            line, cwd=app, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            _wait(child, found)
            yield found
        finally:
            until.touch()
            said = _ended(child)
            found.look()
            if child.returncode != 0:
                found.failed = " ".join(said.split())[-400:]


def _invitation(stack: Stack) -> str:
    words = ["exec", PROJECT, "--stack", paths.STACK, "--", "node", "invite.cjs", "--role", "admin"]
    argv = [str(paths.CODEB), *words, f"clicks-{int(time.time())}@example.com"]
    done = subprocess.run(argv, cwd=stack.folder, capture_output=True, text=True, check=False)
    links = [line.strip() for line in done.stdout.splitlines() if line.startswith("https://")]
    if done.returncode != 0 or not links:
        raise BenchError(f"nobody can be invited to {PROJECT}: {done.stderr.strip() or done.stdout.strip()}")
    return links[0]


def _wait(child: subprocess.Popen[str], clicks: Clicks) -> None:
    end = time.monotonic() + BEGIN_SECONDS
    while clicks.look() == 0:
        if child.poll() is not None or time.monotonic() > end:
            raise BenchError(f"the user in the browser doesn't begin: {_ended(child)[-2000:]}")
        time.sleep(0.5)


def _ended(child: subprocess.Popen[str]) -> str:
    try:
        return child.communicate(timeout=END_SECONDS)[0] or ""
    except subprocess.TimeoutExpired:
        child.kill()
        return child.communicate()[0] or ""
