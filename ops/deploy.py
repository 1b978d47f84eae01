"""`deploy` of the MCP server: what a plan said, and nothing else, by somebody who may."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ops import plans
from ops.plans import Plan
from ops.preview import Progress, Seen, look
from ops.pulumi import state_folder
from ops.result import Result, failed
from ops.runs import Ended, Event, Run, Runner, Said, Step
from ops.tree import tree

SECONDS: Final = 3600
_STACK: Final = "pulumi:pulumi:Stack"
_PREVIEW_AGAIN: Final = "preview again, and ask again"

Note = Callable[[Plan, str], None]
"""Tells the servers' audit logs of a plan that is about to be deployed, and who approved it."""


@dataclass(frozen=True)
class Asked:
    """A deployment that is asked for. `confirmed` says which person said yes in the client, "" when that does not count."""

    plan: str
    stack: str
    folder: Path
    confirmed: str = ""


def refusal(asked: Asked) -> str:
    """Why this can't be deployed, whoever approves; "" when it can."""
    if not plans.is_plan_id(asked.plan):
        return "that is no plan id: take the one that preview gave"
    plan = plans.find(asked.plan)
    if plan is None:
        return f"no preview gave the plan {asked.plan}, or it is used up or a day old: preview, then deploy what that gives"
    if (plan.stack, plan.folder) != (asked.stack, str(asked.folder.resolve())):
        return f"the plan {asked.plan} is of stack {plan.stack} of another folder or stack: {_PREVIEW_AGAIN}"
    if tree(asked.folder, asked.stack) != plan.tree:
        return f"manifests, settings or program have changed since the plan {asked.plan} was made: {_PREVIEW_AGAIN}"
    return ""


def unapproved(asked: Asked) -> str:
    """What a person has to do first; "" when one has approved."""
    if asked.confirmed or plans.approved(asked.plan, asked.stack, str(asked.folder.resolve())):
        return ""
    return (
        f"not approved: a person runs `codeb approve {asked.plan}` in a terminal in the project's folder, within 15 minutes "
        "of the deployment"
    )


def deploy(asked: Asked, runner: Runner, run: Run, note: Note, progress: Progress = lambda _: None) -> Result:
    """Preview once more, and update if that is still the plan; the approval is used up when the update begins."""
    if problem := refusal(asked) or unapproved(asked):
        return failed(problem)
    plan = plans.find(asked.plan)
    progress("previewing again")
    again = look(asked.folder, asked.stack, runner, run, progress)
    if not isinstance(again, Plan):
        return Result({**again.document, "begun": False}, again.lines, again.problems)
    if run.ending:
        return failed("cancelled before it began: nothing was done, the approval stands")
    if plan is None or again.id != asked.plan:
        return failed(
            f"an update would do something else now than the plan {asked.plan} said: {_PREVIEW_AGAIN}"
        )
    approver = asked.confirmed or plans.use_approval(asked.plan, asked.stack, plan.folder)
    if not approver:
        return failed(unapproved(asked) or "its approval has just been used")
    if not plans.use(asked.plan):
        return failed("the plan has just been used up")
    note(plan, approver)
    result = update(asked, plan, approver, runner, run, progress)
    _remember(asked.folder, asked.stack, result.document)
    return result


def update(asked: Asked, plan: Plan, approver: str, runner: Runner, run: Run, progress: Progress) -> Result:
    """Update what a plan was made from, unless its files have changed or change as the update begins.

    Raises:
        PulumiError: the CLI can't begin.
    """
    seen, check = Seen(progress), _Unchanged(asked, plan, run)

    def watch(event: Event) -> None:
        check(event)
        seen(event)

    progress("updating")
    if tree(asked.folder, asked.stack) != plan.tree:
        return failed(f"the files have just changed: {_PREVIEW_AGAIN}")
    with run.within(SECONDS):
        ended = runner(asked.folder, asked.stack, "up", watch, run)
    if check.changed:
        seen.said.append(Said("error", "the files changed while the update began, which was ended early"))
        ended = Ended(False, ended.problem, ended.interrupted)
    if not ended.ok:
        return seen.failure(asked.stack, ended.problem, interrupted=ended.interrupted, locked=ended.locked)
    document = {
        "ok": True,
        "stack": asked.stack,
        "plan": plan.id,
        "approved_by": approver,
        "changes": seen.lines("info"),
        "warnings": seen.lines("warning"),
        "steps": len(seen.steps),
        "resources": sorted({step.resource for step in seen.steps}),
    }
    return Result(document, tuple(seen.lines("info")), tuple(seen.lines("warning")))


class _Unchanged:
    """Looks at the files once more when the program has read them: at the first step that changes something."""

    def __init__(self, asked: Asked, plan: Plan, run: Run) -> None:
        self._asked, self._plan, self._run = asked, plan, run
        self._looked, self.changed = False, False

    def __call__(self, event: Event) -> None:
        # the CLI's own words and the stack itself come before the program has read anything
        changes = isinstance(event, Step) and event.type != _STACK
        if self._looked or not changes:
            return
        self._looked = True
        if tree(self._asked.folder, self._asked.stack) != self._plan.tree:
            self.changed = True
            self._run.end()


def last(folder: Path, stack: str) -> Mapping[str, Any]:
    """How the last update from here ended, and when (`at`); empty when there was none."""
    try:
        found = json.loads(_last(folder, stack).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _remember(folder: Path, stack: str, document: Mapping[str, object]) -> None:
    path = _last(folder, stack)
    path.touch(mode=0o600)
    os.chmod(path, 0o600)
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    path.write_text(json.dumps({**document, "at": at}))


def _last(folder: Path, stack: str) -> Path:
    place = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    return state_folder() / f"last-{stack}-{place}.json"
