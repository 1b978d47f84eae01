"""A lab host of the agent's own: how it is set up, reached and disturbed."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.program.build import zipapp
from lab.host import Lab

HERE = Path(__file__).parent
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
NAME = f"codeb{7 + WORKER}"


@dataclass(frozen=True)
class Answer:
    """How a run of the agent ended."""

    code: int
    document: dict[str, Any]
    err: str
    seconds: float


@dataclass(frozen=True)
class AgentHost:
    """The lab host, with the agent on it."""

    lab: Lab

    def sh(self, *argv: str, stdin: str = "", check: bool = True) -> str:
        done = self.lab.run(NAME, argv, stdin.encode())
        assert not check or done.returncode == 0, f"{argv}: {done.stderr.decode()}"
        return done.stdout.decode()

    def agent(self, verb: str, document: object = None) -> Answer:
        start = time.monotonic()
        done = self.lab.run(NAME, ["codeb-agent", verb], json.dumps(document or {}).encode())
        seconds = time.monotonic() - start
        return Answer(done.returncode, json.loads(done.stdout or b"{}"), done.stderr.decode(), seconds)

    def kill_at(self, phase: str, verb: str, document: object) -> str:
        """Run the agent, kill -9 it when it reaches a phase; its exit status, 137 when the kill came in time."""
        self.put("/run/kill_at.sh", (HERE / "kill_at.sh").read_text(), "755")
        self.put("/run/document.json", json.dumps(document))
        return self.sh("/run/kill_at.sh", phase, verb, "/run/document.json").strip()

    def kill_after(self, seconds: float, verb: str, document: object) -> None:
        """Run the agent, kill -9 it after some time if it still runs then."""
        self.put("/run/document.json", json.dumps(document))
        line = f"timeout -s KILL {seconds:.2f} codeb-agent {verb} </run/document.json"
        self.sh("sh", "-c", line, check=False)

    def await_phase(self, project: str, phase: str, timeout: float = 30) -> None:
        """Wait until the agent has reached a phase after this call."""
        since = self.sh("date", "+%s.%N").strip()
        deadline = time.monotonic() + timeout
        words = ["journalctl", "-q", "-t", "codeb-agent", f"--since=@{since}", "-o", "cat"]
        while f"{project}: {phase}" not in self.sh(*words).splitlines():
            assert time.monotonic() < deadline, f"{phase} was not reached"
            time.sleep(0.05)

    @contextmanager
    def session(self, command: str) -> Iterator[subprocess.Popen[bytes]]:
        """A command over SSH, as operators' programs run it."""
        known, key = self.lab.known_hosts_path(), self.lab.ssh_key_path()
        address = self.lab.host(NAME).address
        argv = ["ssh", "-i", str(key), "-o", f"UserKnownHostsFile={known}", "-o", "BatchMode=yes"]
        with subprocess.Popen(
            [*argv, f"root@{address}", command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def await_active(self, unit: str, state: str, timeout: float = 60) -> None:
        """Wait until systemd says this of a unit."""
        deadline = time.monotonic() + timeout
        while (
            said := self.sh("systemctl", "show", "--value", "--property=ActiveState", unit).strip()
        ) != state:
            assert time.monotonic() < deadline, f"{unit} is {said}"
            time.sleep(0.2)

    def put(self, path: str, text: str, mode: str = "644") -> None:
        self.sh("install", "-D", "-m", mode, "/dev/stdin", path, stdin=text)

    def get(self, project: str) -> str:
        """What users of the project get, through Caddy: the version, or the error."""
        domain = f"{project}.lab.test"
        return self.sh(
            *("curl", "-sS", "--max-time", "5", "--cacert", "/etc/codeb/ca.crt"),
            *("--resolve", f"{domain}:443:127.0.0.1", f"https://{domain}/api/health"),
            check=False,
        )

    def version(self, project: str) -> str:
        text = self.get(project)
        try:
            return str(json.loads(text)["version"])
        except (ValueError, KeyError):
            return f"no version: {text}"


def install(host: AgentHost) -> None:
    """The agent as the program installs it."""
    host.sh("mkdir", "-p", "/usr/local/lib/codeb")
    done = host.lab.run(
        NAME, ["install", "-m", "755", "/dev/stdin", "/usr/local/lib/codeb/agent.pyz"], zipapp()
    )
    assert done.returncode == 0, done.stderr
    host.sh("/usr/local/lib/codeb/agent.pyz", "precompile")
    host.sh("ln", "-sfn", "/usr/local/lib/codeb/agent.pyz", "/usr/local/bin/codeb-agent")


def build_image(host: AgentHost, version: str, mode: str = "good", repository: str = "agent/app") -> str:
    """A local image of the tiny app, of its own for each repository."""
    name = f"localhost/{repository}:{version}"
    host.put("/root/app/server.cjs", (HERE / "server.cjs").read_text())
    lines = [
        "FROM localhost/lab/node:22",
        "COPY server.cjs /server.cjs",
        f"ENV MODE={mode} VERSION={version}",
        f"LABEL repository={repository}",
        'ENTRYPOINT ["node", "/server.cjs"]',
    ]
    host.put("/root/app/Containerfile", "\n".join(lines) + "\n")
    host.sh("podman", "build", "--quiet", "--pull=never", "--network=none", "-t", name, "/root/app")
    return name
