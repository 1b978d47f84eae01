"""`diff`, and `preview` of the MCP server: what the edited manifests would do to users, and what it would cost.

The program says so itself while Pulumi previews; here its lines are collected and the whole gets a name, the plan id.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Final

from ops import plans, words
from ops.plans import Plan
from ops.pulumi import PulumiError
from ops.result import Result, failed
from ops.runs import Event, Run, Runner, Said, Step, StepFailed, Verb, ended_by_signals
from ops.tree import tree

SECONDS: Final = 600
_COST: Final = re.compile(r"[+-]?\$[0-9,.]+ a month\b.*")
_NOT_INSTALLED: Final = (
    "this needs Pulumi's Automation API, which plain codeb does not bring: pip install 'PATH-OF-THE-CLONE[diff]', or use "
    "the codeb of the program's own virtual environment"
)

Progress = Callable[[str], None]


def runner() -> Runner:
    """The real thing. Raises PulumiError when the SDK is not installed."""
    try:
        from ops.automation import run
    except ImportError as error:
        raise PulumiError(_NOT_INSTALLED) from error
    return run


def diff(folder: Path, stack: str) -> Result:
    """A preview by the real CLI; Ctrl-C ends it in order."""
    run = Run()
    with ended_by_signals(run):
        try:
            return preview(folder, stack, runner(), run)
        except PulumiError as error:
            return failed(error)


def preview(
    folder: Path, stack: str, runner: Runner, run: Run, progress: Progress = lambda _: None
) -> Result:
    """What an update would do; it is kept as a plan. Not ok when the preview failed."""
    found = look(folder, stack, runner, run, progress)
    if not isinstance(found, Plan):
        return found
    plans.keep(found)
    return _result(found)


def look(
    folder: Path, stack: str, runner: Runner, run: Run, progress: Progress, verb: Verb = "preview"
) -> Plan | Result:
    """What an update would do, which is not kept; or how the preview failed."""
    before = tree(folder, stack)
    seen = Seen(progress)
    with run.within(SECONDS):
        ended = runner(folder, stack, verb, seen, run)
    if not ended.ok:
        return seen.failure(stack, ended.problem, interrupted=ended.interrupted, locked=ended.locked)
    if tree(folder, stack) != before:
        return failed("the files changed while they were previewed: run it again")
    return seen.plan(folder, stack, before)


class Seen:
    """What a run has told so far."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.steps: list[Step] = []
        self.failures: list[Step] = []
        self.said: list[Said] = []

    def __call__(self, event: Event) -> None:
        if isinstance(event, Step):
            self.steps.append(event)
            self._progress(f"{event.op} {event.resource}")
        elif isinstance(event, StepFailed):
            self.failures.append(event.step)
        elif event not in self.said:
            self.said.append(event)

    def plan(self, folder: Path, stack: str, files: str) -> Plan:
        """The plan of a preview that has ended well."""
        lines, cost = list(self.lines("info")), self._cost()
        return Plan(
            stack,
            str(folder.resolve()),
            files,
            tuple(sorted(self.steps)),
            changes=tuple(line for line in lines if line != cost),
            warnings=tuple(self.lines("warning")),
            cost=cost,
        )

    def _cost(self) -> str:
        """What the program says of the costs, which is a message by itself: no line of what somebody else wrote."""
        own = (said.text for said in self.said if said.severity == "info" and not said.resource)
        return next((text for text in own if _COST.fullmatch(text)), "")

    def lines(self, severity: str) -> list[str]:
        """Messages of this severity, each line by itself, with the resource where it is not the stack."""
        return [
            words.clean(f"{said.resource}: {line}" if said.resource else line)
            for said in self.said
            if said.severity == severity
            for line in said.text.splitlines()
            if line.strip()
        ]

    def failure(self, stack: str, problem: str, *, interrupted: bool, locked: bool = False) -> Result:
        """How a run failed."""
        errors = self.lines("error") or [words.clean(problem or "the run failed without a word")]
        if interrupted:
            errors.insert(
                0, "ended early, as was asked for or as its time ran out: state written, no lock left"
            )
        document = {
            "ok": False,
            "stack": stack,
            "problem": errors[0],
            "errors": errors,
            "failed": [step.resource for step in self.failures],
            "interrupted": interrupted,
            "locked": locked,
            "changes": self.lines("info"),
            "warnings": self.lines("warning"),
        }
        return Result(document, tuple(self.lines("info")), tuple(f"error: {line}" for line in errors))


def _result(plan: Plan) -> Result:
    document = {
        "ok": True,
        "stack": plan.stack,
        "plan": plan.id,
        "changes": list(plan.changes),
        "warnings": list(plan.warnings),
        "cost": plan.cost,
        "steps": [asdict(step) for step in plan.steps],
    }
    steps = [f"  {step.op:<18} {step.resource}" for step in plan.steps]
    return Result(
        document,
        (*plan.changes, *([plan.cost] if plan.cost else []), *steps, f"plan {plan.id}"),
        tuple(f"warning: {line}" for line in plan.warnings),
    )
