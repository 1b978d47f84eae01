"""`preview`, `deploy`, `rollback`: long work, and who may."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ops import deploy as deploys
from ops import plans, rollback
from ops.approve import rollback_of
from ops.audit import Act
from ops.audit import note as note_act
from ops.deploy import Asked
from ops.mcp import hosts
from ops.mcp.answers import ChangedResource, Deployed, Previewed, RolledBack
from ops.mcp.untrusted import plain, refused, untrusted
from ops.mcp.world import World
from ops.plans import Plan
from ops.preview import preview
from ops.pulumi import PulumiError
from ops.result import Result
from ops.rollback import Wanted
from ops.runs import Run, Runner

_MOST_STEPS: Final = 200
_LONGEST_ASKED: Final = 300
NOT_ALLOWED: Final = "this server only looks: a person starts it with --allow-deploy"
_AGAIN: Final = "the preview before it went wrong, so nothing was done; the approval stands: `said` has why"

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Caller:
    """Who asks: for audit logs, and whether a person has just said yes in the client."""

    by: str
    confirmed: bool = False


def runner(world: World) -> Runner:
    """The Automation API. Raises ToolError."""
    try:
        return world.runner()
    except PulumiError as error:
        raise refused("Pulumi can't be run", error) from None


def look_ahead(world: World, stack: str, run: Run, progress: Progress) -> Previewed:
    """A preview; what it gives is kept as a plan."""
    world.refuse_strays(stack)
    result = _running(lambda: preview(world.folder, stack, runner(world), run, progress))
    document = result.document
    steps = [each for each in _list(document.get("steps")) if isinstance(each, Mapping)]
    plan_id = str(document.get("plan", ""))
    return Previewed(
        ok=result.ok,
        stack=stack,
        plan_id=plan_id,
        cost=str(document.get("cost", "")),
        steps=[
            ChangedResource(resource=plain(each["resource"]), op=plain(each["op"]))
            for each in steps[:_MOST_STEPS]
        ],
        steps_left_out=max(0, len(steps) - _MOST_STEPS),
        needs_approval=how_to_approve(world, stack, plan_id) if result.ok else "",
        said=untrusted(_said(document)),
    )


def how_to_approve(world: World, stack: str, plan_id: str) -> str:
    """What a person has to do before the plan can be deployed."""
    if not world.allow_deploy:
        return NOT_ALLOWED
    by_hand = f"a person runs `codeb approve {plan_id}` in a terminal in the project's folder"
    return f"a person says yes when deploy asks, or {by_hand}" if world.is_development(stack) else by_hand


def unready(world: World, stack: str, plan_id: str) -> str:
    """Why this plan can't be deployed, whoever approves."""
    return deploys.refusal(Asked(plan_id, stack, world.folder))


def approved(world: World, stack: str, subject: str) -> bool:
    """Whether a person has approved it at a terminal."""
    return plans.approved(subject, stack, str(world.folder.resolve()))


def question(plan_id: str) -> str:
    """What a person is asked in the client. The plan's words are the program's: hosts and manifests name things in them."""
    plan = plans.find(plan_id)
    lines = [line[:_LONGEST_ASKED] for line in plans.summary(plan)[:20]] if plan else []
    return "\n".join((f"Deploy plan {plan_id}{f' to {plan.stack}' if plan else ''}?", *lines))


def deploy(world: World, stack: str, plan_id: str, caller: Caller, run: Run, progress: Progress) -> Deployed:
    """The plan, if a person has approved it and it is still what an update would do."""
    confirmed = caller.by if caller.confirmed and world.is_development(stack) else ""
    asked = Asked(plan_id, stack, world.folder, confirmed)
    unnoted: list[str] = []

    def note(plan: Plan, approver: str) -> None:
        act = Act("deploy", f"plan {plan.id}, approved by {approver}", caller.by)
        unnoted.extend(note_act(act, lambda: world.servers(stack, True), world.ask))

    result = _running(lambda: deploys.deploy(asked, runner(world), run, note, progress))
    document = result.document
    begun = bool(document.get("begun", "errors" in document or result.ok))
    return Deployed(
        ok=result.ok,
        stack=stack,
        refused="" if begun else _AGAIN if "errors" in document else str(document.get("problem", "")),
        failed=[plain(name) for name in _list(document.get("failed"))],
        steps=int(str(document.get("steps", 0))) if result.ok else 0,
        said=untrusted([*_said(document), *unnoted]),
    )


def roll_back(world: World, stack: str, project: str, *, forward: bool, caller: Caller) -> RolledBack:
    """The previous release, on every server that has the project; production needs a person's approval."""
    subject, folder = rollback_of(project), str(world.folder.resolve())
    servers = hosts.servers(world, stack)
    if not world.is_development(stack) and not plans.use_approval(subject, stack, folder):
        why = f"not approved: a person runs `codeb approve --rollback {project} --stack {stack}` in a terminal here"
        return RolledBack(ok=False, stack=stack, refused=why, said=untrusted([]))
    wanted = Wanted(project, stack, caller.by, forward)
    result = rollback.rollback(wanted, servers, world.act)
    found = [each for each in _list(result.document.get("servers")) if isinstance(each, Mapping)]
    return RolledBack(
        ok=result.ok,
        stack=stack,
        moved=[plain(each["server"]) for each in found if each["changed"]],
        stayed=[plain(each["server"]) for each in found if each["ok"] and not each["changed"]],
        not_done=[plain(each["server"]) for each in found if not each["ok"]],
        said=untrusted([*result.lines, *result.problems]),
    )


def _running(work: Callable[[], Result]) -> Result:
    try:
        return work()
    except PulumiError as error:
        raise refused("Pulumi can't be run", error) from None


def _said(document: Mapping[str, Any]) -> list[str]:
    """All words of a run: what changes for users, warnings, errors."""
    return [
        *map(str, _list(document.get("changes"))),
        *(f"warning: {line}" for line in _list(document.get("warnings"))),
        *(f"error: {line}" for line in _list(document.get("errors"))),
    ]


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []
