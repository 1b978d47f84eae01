"""Rollback by the clock on the wall: from the command to the first answer of the old version."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field

from lab import paths
from lab.bench.releases.apps import PROJECT
from lab.bench.releases.stack import HOST, Stack
from lab.bench.releases.ways import BenchError, ask
from lab.load.tls import Connection

WAYS = ("codeb", "agent")
POLL_SECONDS = 0.01
LONGEST_SECONDS = 60


@dataclass(frozen=True)
class Rollback:
    """Seconds from the command's start to the first old-version answer through Caddy, and to the command's end."""

    way: str
    serving: float
    done: float


@dataclass
class Poll:
    """Asks the app who it is, again and again, and notes when a version first answers."""

    stack: Stack
    version: str
    first: float | None = None
    trouble: str = ""
    _end: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Until the version answers, or `end` says so."""
        try:
            with closing(Connection(self.stack.target)) as connection:
                while not self._end.is_set():
                    if ask(connection)["version"] == self.version:
                        self.first = time.time()
                        return
                    time.sleep(POLL_SECONDS)
        except (OSError, BenchError) as error:
            self.trouble = str(error)

    def end(self) -> None:
        """Stop asking."""
        self._end.set()


def measure(stack: Stack, way: str, old_version: str) -> Rollback:
    """Roll back while the standby lives. Raises BenchError when it fails or the old version never answers."""
    poll = Poll(stack, old_version)
    thread = threading.Thread(target=poll.run, daemon=True)
    thread.start()
    time.sleep(0.5)
    began = time.time()
    done = _command(stack, way)
    ended = time.time()
    thread.join(max(0.0, began + LONGEST_SECONDS - time.time()))
    poll.end()
    if done.returncode != 0:
        raise BenchError(f"rollback ({way}) failed:\n{done.stdout}{done.stderr}")
    if poll.first is None:
        raise BenchError(f"rollback ({way}): {old_version} never answered {poll.trouble}")
    return Rollback(way, poll.first - began, ended - began)


def _command(stack: Stack, way: str) -> subprocess.CompletedProcess[str]:
    if way == "codeb":
        line = [str(paths.CODEB), "rollback", PROJECT, "--stack", paths.STACK]
        return subprocess.run(line, cwd=paths.REPO, capture_output=True, text=True, check=False)
    lab, address = stack.lab, stack.lab.info(HOST).address
    options = ["-o", f"UserKnownHostsFile={lab.known_hosts_path()}", "-o", "StrictHostKeyChecking=yes"]
    line = ["ssh", "-i", str(lab.ssh_key_path()), *options, f"root@{address}", "codeb-agent rollback"]
    document = json.dumps({"version": 1, "project": PROJECT})
    return subprocess.run(line, input=document, capture_output=True, text=True, check=False)
