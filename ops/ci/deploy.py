"""`codeb ci deploy`: a release that an app asks for, or what somebody has approved; with proof that it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from codeb.model import Manifests
from ops.ci import approval, asking, payload
from ops.ci.context import CiError
from ops.ci.deploying import Outcome, Work, bring_about, foresee
from ops.ci.planned import VARIABLE, differences, planned, read_id
from ops.ci.report import Block, code, document
from ops.ci.world import World
from ops.plans import Plan
from ops.result import Result, failed
from ops.words import count

_SHOWN_IN_SLACK: Final = 6


@dataclass(frozen=True)
class Asked:
    """A deployment that is asked for: `plan` as `codeb ci plan` named it, `environment` whose reviewers approve; "" for
    any."""

    stack: str
    plan: str = ""
    environment: str = ""


@dataclass
class _Progress:
    """What a deployment is at, for whoever is told that it failed."""

    phase: str = "request"
    by: str = ""
    source: payload.Source = field(default_factory=payload.Source)


def deploy(asked: Asked, world: World) -> Result:
    """Update the stack if that is what was asked for and approved; Slack and the run's page are told how it ended."""
    at = _Progress(by=world.actor)
    try:
        outcome = _deploy(asked, world, at)
    except CiError as error:
        outcome = Outcome(at.phase, failed(error))
    warnings = _tell(asked, outcome, at, world)
    result = outcome.result
    told = {**result.document, "ok": outcome.ok, "stack": asked.stack, "phase": outcome.phase, "by": at.by}
    return Result(told, result.lines, (*result.problems, *warnings))


def _deploy(asked: Asked, world: World, at: _Progress) -> Outcome:
    settings, manifests = asking.read_stack(world.folder, asked.stack)
    request = _request(world, manifests, at)
    if asked.environment:
        at.phase = "approval"
        environment = approval.environment_name(asked.environment)
        who = approval.approver(world.github(), world.workflow, environment)
        at.by = f"{who} via github, environment {environment}"
    plan: Plan | None = None
    if asked.plan:
        at.phase = "plan"
        found = _as_planned(asked, request, world)
        if isinstance(found, Outcome):
            return found
        plan = found
    at.phase = "update"
    work = Work(
        asked.stack,
        request,
        at.by,
        f"run {world.workflow.run_id} of {world.workflow.repository}, commit {payload.commit_of(world.workflow)}"
        f"{', plan ' + asked.plan if asked.plan else ''}",
        settings,
        manifests,
        frozenset(asking.images_of(request)),
        plan,
    )
    return bring_about(work, world)


def _request(world: World, manifests: Manifests, at: _Progress) -> str:
    given, release = asking.given(world.environ), payload.read_release(world.workflow)
    if release is None:
        return given
    if given:
        raise CiError("the event and CODEB_REQUEST both ask for something: take one")
    at.source = release.source
    return asking.of_release(release, manifests)


def _as_planned(asked: Asked, request: str, world: World) -> Plan | Outcome:
    """What an update would do now, if it is what the plan said; else how that differs."""
    wanted = read_id(asked.plan)
    found = foresee(world, asked.stack, request)
    if not isinstance(found, Plan):
        return Outcome("preview", found)
    now = planned(found, asking.files(world.folder, asked.stack), request, world.outputs(asked.stack))
    different = differences(wanted, now, found.steps, world.environ.get(VARIABLE, ""))
    if not different:
        return found
    why = f"an update would not do what was approved as plan {asked.plan}: nothing was done. Plan and approve again"
    result = {"ok": False, "problem": why, "differences": different}
    return Outcome("plan", Result(result, (), (f"error: {why}", *different)))


def _tell(asked: Asked, outcome: Outcome, at: _Progress, world: World) -> list[str]:
    """The run's page always, Slack of what changed or failed: a run that changes nothing tells nobody."""
    steps = outcome.result.document.get("steps", 0)
    number = steps if isinstance(steps, int) else 0
    problems = [each.removeprefix("error: ") for each in outcome.result.problems]
    if outcome.ok:
        head = f"deployed to {asked.stack}: {count(number, 'resource')} changed, by {at.by}"
        lines, icon = list(outcome.result.lines), ":white_check_mark:"
    else:
        head, icon = f"not deployed to {asked.stack}: failed in {outcome.phase}, by {at.by}", ":x:"
        if outcome.phase == "health":
            head = f"deployed to {asked.stack}, but it does not answer as it should: failed in health, by {at.by}"
        lines = problems
    origin = [f"asked for by {at.source.repository}: {at.source.run_url}"] if at.source.repository else []
    world.workflow.summary(
        document(
            [
                f"### Deployment to {code(asked.stack)}",
                Block(code(head), [*origin, *lines] or ["nothing to do"]),
            ]
        )
    )
    if outcome.ok and not number:
        return []
    left_out = len(lines) - _SHOWN_IN_SLACK
    more = [f"… {count(left_out, 'more line')}"] if left_out > 0 else []
    return world.tell(icon, [head, *lines[:_SHOWN_IN_SLACK], *more, *origin, world.workflow.url])
