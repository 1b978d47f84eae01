"""The workflow run that a command is part of, as GitHub tells it: by environment variables and files.

Sources: docs.github.com, "Variables reference" and "Workflow commands for GitHub Actions". Nothing of an event is ever a
part of a shell line: commands read it from the event's file.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

_REPOSITORY: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
_OUTPUT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}")
_LARGEST_EVENT: Final = 8 << 20


class CiError(Exception):
    """What a command can't do, with the remedy; never with a secret."""


@dataclass(frozen=True)
class Workflow:
    """A run of a workflow. `token` is what it calls GitHub with; it shows nowhere."""

    repository: str
    run_id: int
    run_attempt: int
    sha: str
    event_name: str
    event: Mapping[str, Any] = field(repr=False)
    token: str = field(repr=False)
    workflow: str = ""
    job: str = ""
    actor: str = ""
    api_url: str = "https://api.github.com"
    server_url: str = "https://github.com"
    output_file: Path | None = None
    summary_file: Path | None = None

    @property
    def url(self) -> str:
        """The page of this run."""
        return f"{self.server_url}/{self.repository}/actions/runs/{self.run_id}"

    def output(self, name: str, value: str) -> None:
        """Give a step's output to the steps and jobs after it; outside of a workflow nobody takes it."""
        if not _OUTPUT.fullmatch(name):
            raise ValueError(f"{name!r} is no name of an output")
        if self.output_file is not None:
            mark = f"codeb-{secrets.token_hex(16)}"
            try:
                _append(self.output_file, f"{name}<<{mark}\n{value}\n{mark}\n")
            except OSError as error:
                raise CiError(
                    f"GITHUB_OUTPUT: {self.output_file} can't be written: {error.strerror}"
                ) from None

    def summary(self, markdown: str) -> None:
        """Add to the run's page; a page that can't be written undoes nothing."""
        if self.summary_file is not None:
            with suppress(OSError):
                _append(self.summary_file, f"{markdown.rstrip()}\n\n")


def read_workflow(environ: Mapping[str, str] = os.environ) -> Workflow:
    """The run that this is a part of.

    Raises:
        CiError: a variable that GitHub sets is missing or isn't what it should be.
    """
    repository = environ.get("GITHUB_REPOSITORY", "")
    if not _REPOSITORY.fullmatch(repository):
        raise CiError(
            "GITHUB_REPOSITORY is not OWNER/NAME: `codeb ci` runs in a GitHub workflow, or with its variables set by hand"
        )
    return Workflow(
        repository=repository,
        run_id=_number(environ, "GITHUB_RUN_ID"),
        run_attempt=_number(environ, "GITHUB_RUN_ATTEMPT"),
        sha=environ.get("GITHUB_SHA", ""),
        event_name=environ.get("GITHUB_EVENT_NAME", ""),
        event=_event(environ.get("GITHUB_EVENT_PATH", "")),
        token=environ.get("GITHUB_TOKEN", ""),
        workflow=environ.get("GITHUB_WORKFLOW", ""),
        job=environ.get("GITHUB_JOB", ""),
        actor=environ.get("GITHUB_ACTOR", ""),
        api_url=environ.get("GITHUB_API_URL") or Workflow.api_url,
        server_url=environ.get("GITHUB_SERVER_URL") or Workflow.server_url,
        output_file=_file(environ, "GITHUB_OUTPUT"),
        summary_file=_file(environ, "GITHUB_STEP_SUMMARY"),
    )


def _number(environ: Mapping[str, str], name: str) -> int:
    text = environ.get(name) or "0"
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise CiError(f"{name} is not a number")
    return int(text)


def _file(environ: Mapping[str, str], name: str) -> Path | None:
    return Path(environ[name]) if environ.get(name) else None


def _event(path: str) -> Mapping[str, Any]:
    if not path:
        return {}
    file = Path(path)
    try:
        if file.stat().st_size > _LARGEST_EVENT:
            raise CiError(f"GITHUB_EVENT_PATH: {path} is larger than {_LARGEST_EVENT >> 20} MiB")
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CiError(f"GITHUB_EVENT_PATH: {path} can't be read as JSON: {type(error).__name__}") from None
    return found if isinstance(found, dict) else {}


def _append(file: Path, text: str) -> None:
    with file.open("a", encoding="utf-8") as stream:
        stream.write(text)
