"""The dev stack as the tests drive it: their own folder of manifests, the lab's one host and state."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import demo
import yaml
from killing import Update
from runs import EVENTS_OF_PREVIEWS, Run

from lab import paths
from lab.apps import PROBE
from lab.host import Lab
from lab.pulumi import dev
from lab.pulumi.stack import AT_ONCE
from lab.pulumi.stack import Stack as PulumiStack

HOST = "codeb1"
ADDRESS = "10.77.0.2"
IMAGE = PROBE.image
"""Of the projects that tests add; the fixture `stack` has pushed it."""


@dataclass(frozen=True)
class Stack:
    """`folder` is a project folder like the repository's, but with manifests of its own."""

    folder: Path
    lab: Lab

    @classmethod
    def make(cls, folder: Path) -> Stack:
        for name in paths.PROGRAM:
            (folder / name).symlink_to(paths.REPO / name)
        shutil.copytree(paths.REPO / "manifests", folder / "manifests")
        return cls(folder, Lab.here())

    def manifest(self, name: str) -> dict[str, Any]:
        """The manifest of a file name without `.yaml`, to be changed and written back."""
        found: dict[str, Any] = yaml.safe_load((self.folder / "manifests" / f"{name}.yaml").read_text())
        return found

    def write(self, name: str, manifest: Mapping[str, Any]) -> None:
        text = yaml.safe_dump(dict(manifest), allow_unicode=True)
        (self.folder / "manifests" / f"{name}.yaml").write_text(text)

    def remove(self, name: str) -> None:
        (self.folder / "manifests" / f"{name}.yaml").unlink()

    @contextmanager
    def with_project(self, name: str, manifest: Mapping[str, Any]) -> Iterator[None]:
        """The stack with one project more while the block runs. However it ends, the project is gone afterwards."""
        self.write(name, manifest)
        try:
            added = self.up()
            assert added.status == 0, added.text
            yield
        finally:
            self.remove(name)
            gone = self.up()
            assert gone.status == 0, gone.text

    @property
    def pulumi(self) -> PulumiStack:
        """The stack under the CLI."""
        return dev.stack(self.folder)

    def preview(self) -> Run:
        return self._run("preview", EVENTS_OF_PREVIEWS)

    def shown_preview(self, *arguments: str) -> str:
        """A preview as people see it."""
        return self.pulumi.ask("preview", *arguments)

    def up(self) -> Run:
        """An update as `make lab` does it: after a killed run too."""
        self.pulumi.clear()
        return self._run("up", {}, *AT_ONCE)

    def start_up(self) -> Update:
        """An update in the background, in a session of its own."""
        self.pulumi.open()
        events = self.folder / "events.json"
        with events.open("wb") as sink:
            child = subprocess.Popen(
                self.pulumi.command("up", [*AT_ONCE, "--json"]),
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return Update(child, events)

    def outputs(self, *, secrets: bool = False) -> dict[str, Any]:
        return self.pulumi.outputs(secrets)

    def configure(self, **values: object) -> None:
        """The stack's settings with further keys; none puts the repository's own back."""
        own = paths.REPO / "Pulumi.dev.yaml"
        file = self.folder / own.name
        file.unlink()
        if not values:
            file.symlink_to(own)
            return
        settings = yaml.safe_load(own.read_text())
        settings["config"] |= {f"codeb:{key}": value for key, value in values.items()}
        file.write_text(yaml.safe_dump(settings))

    def codeb(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`codeb …` on this stack; what stands behind `--` stays behind it."""
        at = arguments.index("--") if "--" in arguments else len(arguments)
        argv = [str(paths.CODEB), *arguments[:at], "--stack", paths.STACK, *arguments[at:]]
        return subprocess.run(argv, cwd=self.folder, capture_output=True, text=True, check=False)

    def entry(self, project: str) -> dict[str, Any]:
        found: dict[str, Any] = self.outputs()["registry"]["projects"][project]
        return found

    def on_host(self, *argv: str, stdin: str | None = None) -> subprocess.CompletedProcess[bytes]:
        return self.lab.run(HOST, argv, stdin.encode() if stdin is not None else None)

    def sql(self, statement: str, database: str = "postgres") -> str:
        """The answer of PostgreSQL's administrator, who needs the password from the host's file."""
        script = (
            'PGPASSWORD=$(cat /run/secrets/postgres-admin) exec psql -h 127.0.0.1 -U postgres -Atqc "$1" "$2"'
        )
        done = self.on_host("podman", "exec", "postgres", "sh", "-c", script, "sh", statement, database)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    def databases(self) -> list[str]:
        """Names of all databases there are."""
        return self.sql("select datname from pg_database").splitlines()

    def _run(self, verb: str, more: Mapping[str, str], *arguments: str) -> Run:
        self.pulumi.open()
        done = subprocess.run(
            self.pulumi.command(verb, ["--json", *arguments]),
            cwd=self.folder,
            env={**self._environment(), **more},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        return Run.of(done)

    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self.pulumi.environment()}


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def get(
    url: str, *, highest: ssl.TLSVersion | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """GET through the lab's Caddy, the certificate checked against the platform's CA. Raises OSError."""
    host, _, path = url.removeprefix("https://").partition("/")
    context = ssl.create_default_context(cafile=str(paths.CA_CERTIFICATE))
    if highest:
        context.maximum_version = highest
    with (
        socket.create_connection((ADDRESS, 443), 15) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        connection = http.client.HTTPConnection(host, timeout=15)
        connection.sock = secure
        connection.request("GET", f"/{path}", headers=dict(headers or {}))
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, answer.read())


@contextmanager
def served_all_the_time(*hosts: str) -> Iterator[None]:
    """Asks each host again and again while the block runs; every answer must be 200."""
    done, wrong = threading.Event(), []

    def ask(host: str) -> None:
        path = demo.ALIVE if host in demo.ROWS else "/api/version"
        while not done.is_set():
            try:
                status = str(get(f"https://{host}{path}").status)
            except OSError as error:
                status = repr(error)
            if status != "200":
                wrong.append(f"{host}: {status}")
            time.sleep(0.1)

    threads = [threading.Thread(target=ask, args=(host,)) for host in hosts]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert not wrong, wrong[:5]


def new_project(name: str, **variables: str) -> dict[str, Any]:
    """A manifest of `examples/bench-app` with a quick health gate."""
    return {
        "project": {"id": name},
        "environment": {
            "domain": f"{name}.lab.test",
            "image": IMAGE,
            "variables": {"DEMO_TITLE": name, **variables},
        },
        "monitoring": {"health": {"interval": "500ms", "max_response": "2s", "start_timeout": "90s"}},
    }
