"""What the commands stand on: the workflow's run, Pulumi, GitHub, servers, the clock. Tests make one of their own."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx2

from ops import access, audit, ssh
from ops.audit import Act
from ops.ci import health, slack
from ops.ci.context import CiError, Workflow, read_workflow
from ops.ci.github import GitHub
from ops.ci.health import Visit
from ops.preview import Progress, runner
from ops.pulumi import PulumiError, outputs
from ops.runs import Run, Runner
from ops.words import clean

APPS_TOKEN: Final = "APPS_TOKEN"  # noqa: S105 - its name
PLATFORM_TOKEN: Final = "PLATFORM_TOKEN"  # noqa: S105 - its name


@dataclass(frozen=True)
class World:
    """`note` puts a line into the audit logs of a stack's servers, and returns warnings."""

    folder: Path
    workflow: Workflow
    environ: Mapping[str, str] = field(repr=False)
    runner: Callable[[], Runner]
    outputs: Callable[[str], Mapping[str, Any]]
    note: Callable[[str, Act], Sequence[str]]
    visit: Visit = health.visit
    transport: httpx2.BaseTransport | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], object] = time.sleep
    run: Run = field(default_factory=Run)
    progress: Progress = lambda _: None

    def github(self, repository: str = "", token: str = "") -> GitHub:
        """A client for a repository, this one by default, with a token, the workflow's by default. Raises CiError."""
        return GitHub(
            self.workflow, repository=repository, token=token, transport=self.transport, sleep=self.sleep
        )

    def apps(self, repository: str) -> GitHub | None:
        """A client for an app's repository; None without a token for it."""
        token = self.environ.get(APPS_TOKEN, "")
        return self.github(repository, token) if token and repository else None

    def tell(self, icon: str, lines: Sequence[str]) -> list[str]:
        """Send a message to Slack, where there is a webhook; a warning when it did not arrive."""
        url = self.environ.get(slack.VARIABLE, "")
        problem = slack.send(url, slack.message(icon, lines), self.transport) if url else ""
        return [f"warning: {problem}"] if problem else []

    @property
    def actor(self) -> str:
        """Who acts, for audit logs: whoever started the run."""
        return f"{clean(self.workflow.actor or 'nobody')[:100]} via github"


def real() -> World:
    """The world as it is. Raises CiError when this is no workflow's run."""
    folder = Path()
    return World(
        folder,
        read_workflow(),
        dict(os.environ),
        runner=_runner,
        outputs=lambda stack: _outputs(folder, stack),
        note=lambda stack, act: audit.note(
            act, lambda: access.app_servers(folder, stack, None, every=True), ssh.ask
        ),
        progress=lambda line: print(clean(line), file=sys.stderr, flush=True),
    )


def _runner() -> Runner:
    try:
        return runner()
    except PulumiError as error:
        raise CiError(str(error)) from None


def _outputs(folder: Path, stack: str) -> Mapping[str, Any]:
    try:
        return outputs(folder, stack)
    except PulumiError as error:
        raise CiError(str(error)) from None
