"""`codeb ci plan`: what an update would do, for people who approve it, and a name for it that holds on another machine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from codeb.fleet.values import mapping
from ops import plans
from ops.ci import asking, notices, report
from ops.ci.context import CiError, Workflow
from ops.ci.deploying import foresee
from ops.ci.payload import commit_of, pull_number
from ops.ci.planned import planned, steps_text
from ops.ci.report import Block, Part, code
from ops.ci.world import World
from ops.plans import Plan
from ops.request import request_text
from ops.result import Result
from ops.runs import Step
from ops.words import clean, count

_FORK: Final = (
    "This pull request comes from a fork, or from Dependabot: GitHub gives its runs no secrets, so nothing is previewed. "
    "A member previews it by pushing the branch to this repository."
)
_SHOWN_IN_SLACK: Final = 6


@dataclass(frozen=True)
class Asked:
    """A preview that is asked for. `source` is another stack whose pins are taken over, "" for none."""

    stack: str
    source: str = ""
    comment: bool = False
    slack: bool = False


def plan(asked: Asked, world: World) -> Result:
    """Preview, and tell it: step outputs, summary, comment, Slack. Raises CiError."""
    if without_secrets(world.workflow):
        _outputs(world.workflow, "", "", (), changes=False)
        world.workflow.summary(f"### Preview of {code(asked.stack)}\n\n{_FORK}")
        return Result({"ok": True, "stack": asked.stack, "previewed": False}, (_FORK,))
    request, notes = _request(asked, world)
    outputs = world.outputs(asked.stack)
    found = foresee(world, asked.stack, request)
    text = report.document(
        _told(found, asked.stack, world.workflow, notes)
        if isinstance(found, Plan)
        else _failed(found, asked.stack, world.workflow)
    )
    world.workflow.summary(text)
    warnings = _comment(asked, text, world) if asked.comment else []
    if not isinstance(found, Plan):
        return Result(found.document, found.lines, (*found.problems, *warnings))
    name = planned(found, asking.files(world.folder, asked.stack), request, outputs).id
    _outputs(world.workflow, name, request, found.steps, changes=bool(found.steps))
    if asked.slack and found.steps:
        warnings += world.tell(":raised_hand:", _wanted(found, world.workflow))
    document = {
        "ok": True,
        "stack": asked.stack,
        "previewed": True,
        "plan": name,
        "request": json.loads(request or request_text({}, {}, [])),
        "changes": list(found.changes),
        "cost": found.cost,
        "steps": len(found.steps),
        "notes": list(notes),
    }
    lines = (*map(clean, notes), *plans.summary(found), f"plan {name}")
    return Result(document, lines, tuple(warnings))


def without_secrets(workflow: Workflow) -> bool:
    """Whether this is the run of a pull request whose code is nobody's yet, and which has no secrets therefore."""
    if not workflow.event_name.startswith("pull_request"):
        return False
    head = mapping(mapping(workflow.event.get("pull_request")).get("head"))
    home = str(mapping(head.get("repo")).get("full_name", ""))
    return home.lower() != workflow.repository.lower() or workflow.actor == "dependabot[bot]"


def _request(asked: Asked, world: World) -> tuple[str, Sequence[str]]:
    given = asking.given(world.environ)
    if not asked.source:
        return given, ()
    if given:
        raise CiError("--from and CODEB_REQUEST both say what to ask for: take one")
    if asked.source == asked.stack:
        raise CiError("--from names the stack itself: name the one that is ahead, such as dev")
    _, manifests = asking.read_stack(world.folder, asked.stack)
    return asking.of_pins(world.outputs(asked.source), manifests, asked.source)


def _outputs(workflow: Workflow, name: str, request: str, steps: Sequence[Step], *, changes: bool) -> None:
    workflow.output("plan", name)
    workflow.output("request", request)
    workflow.output("planned", steps_text(steps))
    workflow.output("changes", "true" if changes else "false")


def _told(found: Plan, stack: str, workflow: Workflow, notes: Sequence[str]) -> list[Part]:
    parts: list[Part] = [
        f"### Preview of {code(stack)}: {count(len(found.steps), 'resource')} would change",
        f"**Monthly cost**: {code(found.cost) if found.cost else 'no change'}",
    ]
    if found.changes:
        parts.append(Block("**What users notice**", found.changes))
    if notes:
        parts.append(Block("**Left out**", notes))
    if found.warnings:
        parts.append(Block("**Warnings**", found.warnings))
    if found.steps:
        lines = [f"{step.op:<18} {step.resource}" for step in found.steps]
        parts.append(Block(f"{count(len(lines), 'resource')} by name", lines, folded=True))
    return [*parts, _foot(workflow)]


def _failed(found: Result, stack: str, workflow: Workflow) -> list[Part]:
    errors = found.document.get("errors")
    lines = [str(each) for each in errors] if isinstance(errors, list) else list(found.problems)
    return [f"### Preview of {code(stack)}: it fails", Block("**Errors**", lines), _foot(workflow)]


def _foot(workflow: Workflow) -> str:
    return f"[This run]({workflow.url}), commit {code(commit_of(workflow))}"


def _wanted(found: Plan, workflow: Workflow) -> list[str]:
    lines = [*found.changes[:_SHOWN_IN_SLACK], found.cost]
    left_out = len(found.changes) - _SHOWN_IN_SLACK
    more = [f"… {count(left_out, 'more line')}"] if left_out > 0 else []
    head = f"approval wanted: {found.stack}, {count(len(found.steps), 'resource')} would change"
    return [head, *lines, *more, workflow.url]


def _comment(asked: Asked, text: str, world: World) -> list[str]:
    """Put the comment; no reason to fail when it can't be put, as the summary has it all."""
    request = mapping(world.workflow.event.get("pull_request"))
    if not world.workflow.event_name.startswith("pull_request"):
        return ["warning: --comment: this run is not of a pull request, so there is nothing to comment on"]
    try:
        pull = pull_number(request.get("number"))
        notices.comment(world.github(), pull, notices.marker("plan", asked.stack), text)
    except CiError as error:
        return [f"warning: no comment: {error}"]
    return []
