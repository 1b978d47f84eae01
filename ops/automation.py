"""Runs of a stack by Pulumi's Automation API: the only module of `ops` that needs the SDK, which plain `codeb` lacks."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pulumi import automation
from pulumi.automation import events
from pulumi.automation._stack import StackInitMode
from pulumi.automation.errors import ConcurrentUpdateError, create_command_error

from ops.pulumi import PulumiError
from ops.runs import Ended, Event, Run, Said, Severity, Step, StepFailed, Verb, Watch

_COLOURS: Final = re.compile(r"<\{%.*?%\}>")
_QUIET: Final = ("same", "read", "read-replacement", "refresh", "discard", "discard-replaced")
_SEVERITIES: Final[Mapping[str, Severity]] = {
    "info": "info",
    "info#err": "info",
    "warning": "warning",
    "error": "error",
}
_OUTLIVES: Final = {"RUNNER_TRACKING_ID": ""}
"""A GitHub runner kills, at a job's end, what has the job's mark: an update that was told to end has to end its step."""
_PREVIEW_ONLY: Final = {"PULUMI_SKIP_CHECKPOINTS": "true"}


def run(folder: Path, stack: str, verb: Verb, watch: Watch, run: Run) -> Ended:
    """Preview or update the stack of the project in `folder`. Raises PulumiError when the CLI can't begin."""
    failures: list[str] = []

    def told(event: events.EngineEvent) -> None:
        run.listens()
        for one in _events(event):
            if isinstance(one, Said) and one.severity == "error":
                failures.append(one.text)
            watch(one)

    try:
        found = _Stack(
            stack, _workspace(folder, verb, run), StackInitMode.SELECT
        )  # select() makes a plain Stack
        if verb == "up":
            found.up(on_event=told, color="never", show_secrets=False)
        else:
            # the program opens the tunnel by which what is there is read
            refreshed = verb == "refreshed-preview" or None
            found.preview(on_event=told, color="never", refresh=refreshed, run_program=refreshed)
    except (FileNotFoundError, automation.InvalidVersionError) as error:
        raise PulumiError(f"the pulumi CLI can't be used: {error}") from None
    except automation.CommandError as error:
        locked = isinstance(error, ConcurrentUpdateError)
        return Ended(False, "" if failures else _words(str(error)), run.ending, locked)
    except RuntimeError as error:
        return Ended(False, str(error), run.ending)
    return Ended(True)


class _Workspace(automation.LocalWorkspace):
    """The project folder as it is: the stack that the user has selected stays selected."""

    def select_stack(self, stack_name: str) -> None:
        """Nothing: every command names its stack."""


class _Stack(automation.Stack):
    """After an update neither outputs nor history are read: secrets are in them, and events have told how it ended."""

    def outputs(self) -> dict[str, Any]:
        return {}

    def info(self, show_secrets: bool = True) -> automation.UpdateSummary:
        del show_secrets
        return automation.UpdateSummary("update", datetime.now(UTC), "", {}, {}, "succeeded")


class _Cli(automation.PulumiCommand):
    """The CLI in a session of its own, with files as its outputs.

    So it ends in order, whatever becomes of this process: killed with its caller, or writing to a reader that is gone,
    it would leave a lock, and steps that nobody knows the end of.
    """

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: Callable[[str], Any] | None = None,
        on_error: Callable[[str], Any] | None = None,
    ) -> automation.CommandResult:
        """Run it to its end. Raises automation.CommandError. The callbacks are for others: what matters comes as events."""
        del on_output, on_error
        line = [self.command, "--non-interactive", *args]
        environment = {**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true", **_OUTLIVES}
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            child = subprocess.Popen(
                line,
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                text=True,
                start_new_session=True,
            )
            with self._run.of(child):
                code = child.wait()
            out.seek(0)
            err.seek(0)
            ended = automation.CommandResult(out.read(), err.read(), code)
        if code:
            raise create_command_error(ended)
        return ended


def _workspace(folder: Path, verb: Verb, run: Run) -> _Workspace:
    return _Workspace(
        work_dir=str(folder.absolute()),
        env_vars={} if verb == "up" else _PREVIEW_ONLY,
        pulumi_command=_Cli(run),
    )


def _events(event: events.EngineEvent) -> list[Event]:
    if event.resource_pre_event:
        step = _step(event.resource_pre_event.metadata)
        return [] if step.op in _QUIET else [step]
    if event.res_op_failed_event:
        return [StepFailed(_step(event.res_op_failed_event.metadata))]
    said = event.diagnostic_event
    if said and said.severity in _SEVERITIES and not said.ephemeral:
        text = _COLOURS.sub("", said.message).strip()
        return [Said(_SEVERITIES[said.severity], text, _about(said.urn))] if text else []
    return []


def _step(metadata: events.StepEventMetadata) -> Step:
    return Step(_name(metadata.urn), metadata.op.value, metadata.type)


def _name(urn: str | None) -> str:
    return (urn or "").rpartition("::")[2]


def _about(urn: str | None) -> str:
    return "" if "pulumi:pulumi:Stack::" in (urn or "") else _name(urn)


def _words(text: str) -> str:
    """Of all that the CLI printed, what says why it failed."""
    lines = [line.strip().removeprefix("stderr:").strip() for line in text.splitlines()]
    errors = [line for line in lines if line.startswith("error:")]
    return " ".join((errors or [line for line in lines if line])[:3])
