"""One run of a workflow: begun at the stand-in for GitHub, run by act, ended there with its jobs and their logs."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lab.delivery.act import Act, Ended, Line, Run
from lab.delivery.github import Hub, Job, Step, runs
from lab.delivery.triggers import Workflow
from lab.host.progress import Progress

_FAILED: Final = re.compile(r"\s*❌\s+Failure - ")
_FORMS: Final = (
    (re.compile(r"⭐ Run Main (.*)", re.DOTALL), "##[group]Run {}\n##[endgroup]"),
    (re.compile(r"\s*❗\s+::error[^:]*::(.*)", re.DOTALL), "##[error]{}"),
    (re.compile(r"exit status (\d+)"), "##[error]Process completed with exit code {}."),
)
_SAID: Final = 25


@dataclass(frozen=True)
class Owned:
    """What a repository's owner has set: secrets and variables, and what its runners find in their environment."""

    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    variables: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Event:
    """Why workflows run: GitHub's name and document of it, and the commit that they are of."""

    repository: str
    name: str
    document: Mapping[str, Any] = field(repr=False)
    sha: str = ""
    branch: str = "main"
    ref: str = "refs/heads/main"


@dataclass(frozen=True)
class Done:
    """A run that has ended."""

    repository: str
    workflow: str
    id: int
    event: str
    ended: Ended = field(repr=False)

    @property
    def conclusion(self) -> str:
        """GitHub's word for it."""
        if not self.ended.well:
            return "failure"
        return "success" if "success" in self.ended.jobs.values() else "skipped"


def as_github_has_it(line: Line) -> str:
    """A line of act's log as GitHub's own log has it; "" for what is act's alone."""
    if line.output:
        return line.text
    for form, text in _FORMS:
        if match := form.fullmatch(line.text):
            return text.format(match[1])
    return ""


@dataclass
class _Told:
    """What a run says, by job and step, in order."""

    lines: dict[str, dict[str, list[tuple[float, str]]]] = field(default_factory=dict)
    failed: set[tuple[str, str]] = field(default_factory=set)

    def hear(self, line: Line) -> None:
        if not line.job:
            return
        step = line.step or "Set up job"
        heard = self.lines.setdefault(line.job, {}).setdefault(step, [])
        heard += [(time.time(), text) for text in as_github_has_it(line).split("\n") if text]
        if _FAILED.match(line.text):
            self.failed.add((line.job, step))

    def jobs(self, ended: Ended) -> list[Job]:
        return [self._job(name, conclusion) for name, conclusion in ended.jobs.items()]

    def _job(self, name: str, conclusion: str) -> Job:
        steps = [
            Step(step, "failure" if (name, step) in self.failed else "success", lines[0][0], lines)
            for step, lines in self.lines.get(name, {}).items()
            if lines
        ]
        return Job(name, conclusion, steps)


@dataclass(frozen=True)
class Runner:
    """Runs workflows, one after the other."""

    act: Act
    hub: Hub
    progress: Progress

    def run(self, workflow: Workflow, event: Event, owned: Owned) -> Done:
        """Run it to its end, and say how each job ended. Raises LabError when it can't begin."""
        number = runs.begin(
            self.hub,
            event.repository,
            workflow.file,
            name=workflow.name,
            event=event.name,
            sha=event.sha,
            branch=event.branch,
            environments=workflow.environments,
        )
        told, ended = _Told(), Ended(-1)
        token = self.hub.add_token(event.repository, *workflow.permissions, run=number)
        try:
            with self.progress.step(f"{event.repository}: {workflow.name} ({event.name})"):
                ended = self.act.run(self._wanted(workflow, event, owned, number, token), told.hear)
        finally:
            conclusion = "success" if ended.well else "failure"
            runs.end(self.hub, number, conclusion, told.jobs(ended))
            self.hub.forget_tokens(number)
        done = Done(event.repository, workflow.file, number, event.name, ended)
        self._say(done, told)
        return done

    def _wanted(self, workflow: Workflow, event: Event, owned: Owned, number: int, token: str) -> Run:
        return Run(
            event.repository,
            event.sha,
            workflow.file,
            event.name,
            event.document,
            ref=event.ref,
            run_id=number,
            token=token,
            secrets=owned.secrets,
            variables=owned.variables,
            environment=owned.environment,
        )

    def _say(self, done: Done, told: _Told) -> None:
        ran = [f"{job} {how}" for job, how in done.ended.jobs.items()]
        self.progress.say(f"lab: run {done.id}: {', '.join(ran) or done.conclusion}")
        if done.ended.well:
            return
        for job, step in sorted(told.failed):
            for _, text in told.lines[job][step][-_SAID:]:
                self.progress.say(f"lab:     {text}")
