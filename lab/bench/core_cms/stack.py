"""The dev stack with all that is measured beside the repository's own projects."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from lab.bench.core_cms.apps import CACHED, LIST, SUBJECTS, Subject
from lab.bench.releases.apps import Released
from lab.bench.releases.stack import HOST, Stack
from lab.bench.releases.ways import BenchError, wait_until_serving
from lab.host import Lab
from lab.load import Target
from lab.load.tls import Connection

PATIENCE_SECONDS = 30


@dataclass
class Beside(Stack):
    """As of the benchmark of releases, with a project for each subject."""

    @classmethod
    def make(cls, folder: Path, lab: Lab, app: Released = CACHED.released) -> Self:
        """Boot the host and push all images. Raises LabError."""
        stack = super().make(folder, lab, app)
        for subject in SUBJECTS:
            subject.released.tagged(0).push(lab)
        return stack

    def deploy(self) -> None:
        """All of them by one update, and wait until each answers as it should. Raises BenchError."""
        for subject in SUBJECTS:
            path = self.folder / "manifests" / f"{subject.project}.yaml"
            path.write_text(yaml.safe_dump(subject.manifest()))
        self._up("the deployment of what is measured")
        for subject in SUBJECTS:
            wait_until_serving(self.of(subject))
            self.settled(subject)

    def of(self, subject: Subject) -> Target:
        """Where visitors find it."""
        return subject.target(self.lab.info(HOST).address)

    def container(self, subject: Subject) -> str:
        """The container that serves, which its service is called after. Raises BenchError."""
        return subject.container(wait_until_serving(self.of(subject))["colour"])

    def settled(self, subject: Subject) -> int:
        """Ask for the list until it comes from where it should; its bytes, unpacked. Raises BenchError."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := _asked(self.of(subject)))[0]["cached"] != subject.cached:
            if time.monotonic() > deadline:
                raise BenchError(f"{LIST} of {subject.name} says cached: {not subject.cached} and stays so")
        document, size = found
        if document["total"] == 0:
            raise BenchError(f"{LIST} of {subject.name} is empty: its release command added no content")
        return size

    def said(self, argv: Sequence[str], stdin: bytes | None = None) -> str:
        """What a command on the host prints. Raises BenchError."""
        done = self.lab.run(HOST, argv, stdin)
        if done.returncode != 0:
            raise BenchError(f"{' '.join(argv[:3])} … failed on {HOST}: {done.stderr.decode().strip()}")
        return done.stdout.decode()


def _asked(to: Target) -> tuple[dict[str, Any], int]:
    """The list, and how long its text is. Raises BenchError."""
    connection = Connection(to)
    try:
        connection.request("GET", LIST)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise BenchError(f"{to.url}{LIST} does not answer: {error}") from error
    finally:
        connection.close()
    if answer.status != 200:
        raise BenchError(f"{to.url}{LIST} answered {answer.status}")
    return json.loads(body), len(body)
