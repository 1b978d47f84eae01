"""The dev stack as the benchmark drives it: the repository's program, with a manifest of its own beside the others."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from agent.host import paths as host_paths
from lab import paths
from lab.bench.releases.apps import DOMAIN, PROJECT, VERSIONS, Released
from lab.bench.releases.ways import BenchError, wait_until_serving
from lab.host import Lab
from lab.images.store import MONITORING
from lab.load import Target
from lab.load.streams import Moment
from lab.pulumi import dev
from lab.pulumi.stack import AT_ONCE

NAME = "ours"
HOST = "codeb1"
COLOURS = ("blue", "green")
# systemd's MESSAGE_ID of "Stopping …", the line before SIGTERM.
_STOPPING = "de5b426a63be47a7b6ac3eaac82e2f6f"


@dataclass
class Stack:
    """`folder` is a project folder like the repository's; other stacks and other projects are left alone."""

    folder: Path
    lab: Lab
    app: Released
    _resting: str = ""

    @classmethod
    def make(cls, folder: Path, lab: Lab, app: Released) -> Self:
        """Boot the host, push both images of the app, and give the folder what a project folder needs."""
        lab.ensure((HOST,), MONITORING)
        dev.prepare(lab, dev.stack())
        for number in range(len(VERSIONS)):
            app.tagged(number).push(lab)
        for name in paths.PROGRAM:
            (folder / name).symlink_to(paths.REPO / name)
        shutil.copytree(paths.REPO / "manifests", folder / "manifests")
        return cls(folder, lab, app)

    @property
    def name(self) -> str:
        """What tables call it."""
        return NAME

    @property
    def target(self) -> Target:
        """Where visitors find the app."""
        address = self.lab.info(HOST).address
        return Target(DOMAIN, address, paths.CA_CERTIFICATE, surface=self.app.surface)

    @contextmanager
    def up(self, number: int) -> Iterator[None]:
        """This release must serve already. Afterwards the app rests: its role has not enough connections for a peer, too.

        Raises BenchError.
        """
        if self._resting:
            self.systemctl("start", self._resting)
        serves = wait_until_serving(self.target)
        if serves["version"] != self.tag(number):
            raise BenchError(f"{self.tag(number)} should serve, and {serves['version']} does")
        yield
        self._resting = wait_until_serving(self.target)["colour"]
        for colour in COLOURS:
            self.systemctl("stop", colour)

    def release(self, number: int) -> float:
        """Change one variable and the image's tag, and run `up`: what a team does. Raises BenchError."""
        path = self.folder / "manifests" / f"{PROJECT}.yaml"
        path.write_text(yaml.safe_dump(self.app.manifest(number)))
        self._up(f"release {number}")
        return time.time()

    def tag(self, number: int) -> str:
        """The image's tag in a release, which is the version that the app then tells."""
        return self.app.tagged(number).tag

    def image(self, number: int) -> str:
        """What hosts pull in a release."""
        return self.app.tagged(number).image

    def environment(self) -> str:
        """The file on the host with the environment of the colour that serves. Raises BenchError."""
        return host_paths.environment(PROJECT, wait_until_serving(self.target)["colour"])

    def _up(self, what: str) -> None:
        stack = dev.stack(self.folder)
        stack.open()
        # In a session of its own: Ctrl-C is for us, a release that has begun is carried to its end.
        child = subprocess.Popen(
            stack.command("up", AT_ONCE),
            cwd=self.folder,
            env={**os.environ, **stack.environment()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        give_way(child.pid)
        try:
            said, _ = child.communicate()
        except KeyboardInterrupt:
            child.communicate()
            raise
        if child.returncode != 0:
            raise BenchError(f"{what} failed:\n{said[-4000:]}")

    def put_back(self) -> None:
        """Deploy the repository's own manifests again: the project goes, and its database. Raises BenchError."""
        if dev.stack().up() != 0:
            raise BenchError("the dev stack is not as it was; run `make lab`")

    def stops(self, since: float) -> list[Moment]:
        """When systemd began to stop the app's colours, by the host's journal."""
        units = [f"UNIT=codeb-{PROJECT}-{colour}.service" for colour in COLOURS]
        line = ["journalctl", "--output=json", "--no-pager", f"--since=@{since:.0f}", *units]
        done = self.lab.run(HOST, [*line, f"MESSAGE_ID={_STOPPING}"])
        if done.returncode != 0:
            raise BenchError(f"the host's journal cannot be read: {done.stderr.decode().strip()}")
        return [_moment(json.loads(text)) for text in done.stdout.decode().splitlines()]

    def systemctl(self, verb: str, colour: str) -> None:
        """Start, stop or kill a colour behind the platform's back. Raises BenchError."""
        done = self.lab.run(HOST, ["systemctl", verb, f"codeb-{PROJECT}-{colour}.service"])
        if done.returncode != 0:
            raise BenchError(f"systemctl {verb} {colour}: {done.stderr.decode().strip()}")


def give_way(session: int, *, idle: bool = True) -> None:
    """Let a session have what others leave of the processor: elsewhere the engine runs on a machine of its own.

    With `idle` its processes are scheduled as idle ones too.
    """
    autogroup = Path(f"/proc/{session}/autogroup")
    if not autogroup.exists():
        return
    autogroup.write_text("19")
    if idle:
        os.sched_setscheduler(session, os.SCHED_IDLE, os.sched_param(0))


def _moment(entry: dict[str, Any]) -> Moment:
    unit: str = entry["UNIT"]
    colour = unit.removesuffix(".service").rpartition("-")[2]
    return Moment(int(entry["__REALTIME_TIMESTAMP"]) / 1e6, colour)
