"""`codeb autoscale`: one look at each pool that scales itself, and at most one step of each, by an ordinary update."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from codeb.fleet.values import mapping
from codeb.model import DocumentErrors
from codeb.plan import PlanError
from codeb.scaling import Decision, Seen, Situation, decide
from ops.access import AccessError, Server
from ops.audit import Act, note
from ops.deploy import Asked, update
from ops.fleet import Ask
from ops.plans import Plan
from ops.preview import Progress, look
from ops.pulumi import PulumiError
from ops.request import asking, request_text
from ops.result import Result, failed
from ops.runs import Run, Runner, Step
from ops.scaling.chosen import Chosen
from ops.scaling.figures import figures
from ops.scaling.parts import Findings, compared
from ops.scaling.pools import Group, read_groups, unplannable
from ops.watching import Unwatched, watcher
from ops.words import clean

DONE: Final = 0
FAILED: Final = 1
BAD: Final = 2
LOCKED: Final = 3
OTHERS: Final = 4
_LONGEST_NOTE: Final = 200
_SHOWN: Final = 10


@dataclass(frozen=True)
class Wanted:
    """What is asked for. `dry`: nothing is changed; `along`: changes that wait may be carried along."""

    stack: str
    dry: bool = False
    along: bool = False


@dataclass(frozen=True)
class World:
    """What the command stands on; tests make one of their own. `by` is who acts, for audit logs."""

    folder: Path
    outputs: Callable[[], Mapping[str, Any]]
    servers: Callable[[], Sequence[Server]]
    ask: Ask
    runner: Callable[[], Runner]
    by: str
    run: Run = field(default_factory=Run)
    progress: Progress = lambda _: None


@dataclass(frozen=True)
class Outcome:
    """What there is to show, and the exit status."""

    result: Result
    status: int


def autoscale(wanted: Wanted, world: World) -> Outcome:
    """Look, decide, and carry out what was decided unless it is a dry run."""
    try:
        outputs = world.outputs()
        groups = read_groups(world.folder, wanted.stack, outputs)
    except DocumentErrors as error:
        return Outcome(failed(error), BAD)
    except (PulumiError, PlanError) as error:
        return Outcome(failed(error), FAILED)
    if not groups:
        line = f"no pool of stack {wanted.stack} has autoscale: nothing to do (docs/autoscaling.md)"
        return Outcome(Result({"ok": True, "stack": wanted.stack, "pools": []}, (line,)), DONE)
    try:
        now, chosen = _decided(groups, wanted.stack, world)
        chosen = [_needed(each, wanted.stack, world, outputs) for each in chosen]
        if not any(each.acts for each in chosen):
            return Outcome(_shown(wanted, chosen, done=False), DONE)
        return _carried_out(wanted, world, now, chosen, outputs)
    except DocumentErrors as error:
        return Outcome(failed(error), BAD)
    except (AccessError, Unwatched, PulumiError, PlanError) as error:
        return Outcome(failed(error), FAILED)


def _decided(groups: Sequence[Group], stack: str, world: World) -> tuple[float, list[Chosen]]:
    """Prometheus's clock, and a decision for each pool. Raises AccessError and Unwatched."""
    servers = [name for group in groups for name in group.servers]
    window = max(group.rules.window for group in groups) / 1000
    known = figures(watcher(world.servers(), stack), servers, window, world.ask)
    chosen = []
    for group in groups:
        if group.unfinished:
            hold = Decision("hold", len(group.members), group.unfinished, Seen((), (), ()))
            chosen.append(Chosen(group, hold))
            continue
        situation = Situation(known.now, group.servers, known.samples, known.unwell, group.decided)
        chosen.append(Chosen(group, decide(group.rules, situation)))
    return known.now, chosen


def _needed(chosen: Chosen, stack: str, world: World, outputs: Mapping[str, Any]) -> Chosen:
    """Nobody goes whom a project asks for. Raises DocumentErrors and PlanError."""
    if chosen.decision.act != "remove":
        return chosen
    count = chosen.decision.count
    if not (why := unplannable(world.folder, stack, chosen.group, count, outputs)):
        return chosen
    reason = f"{chosen.decision.reason}, but {why}"
    stays = replace(chosen.decision, act="hold", count=len(chosen.group.members), reason=reason)
    return replace(chosen, decision=stays)


def _carried_out(
    wanted: Wanted, world: World, now: float, chosen: Sequence[Chosen], outputs: Mapping[str, Any]
) -> Outcome:
    """Two previews, and the update if nothing else would happen. Raises PulumiError."""
    acting = [each for each in chosen if each.acts]
    request = _request(acting, now)
    plans = []
    for what, asked in (("what waits", ""), ("the step", request)):
        world.progress(f"previewing {what}")
        with asking(asked):
            found = look(world.folder, wanted.stack, world.runner(), world.run, world.progress)
        if not isinstance(found, Plan):
            return _not_done(wanted, chosen, found)
        plans.append(found)
    roles = {name: mapping(each).get("roles") or () for name, each in mapping(outputs.get("servers")).items()}
    without, with_it = plans
    own = [each.moved for each in acting] + [other for each in acting for other in each.group.others]
    findings = compared(without.steps, with_it.steps, own, roles)
    if refused := _refused(wanted, chosen, findings):
        return refused
    if wanted.dry:
        return Outcome(_shown(wanted, chosen, done=False, plan=with_it), DONE)
    return _updated(wanted, world, chosen, request, with_it)


def _request(acting: Sequence[Chosen], now: float) -> str:
    at = datetime.fromtimestamp(int(now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    pools = {
        each.group.pool.name: {"count": each.decision.count, "at": at, "reason": each.decision.reason}
        for each in acting
    }
    return request_text({}, {}, [], pools=pools)


def _refused(wanted: Wanted, chosen: Sequence[Chosen], findings: Findings) -> Outcome | None:
    """What the update would do besides, where that is not wanted."""
    if findings.wrong:
        why = "the update would take away or make what no step of the autoscaler may, so nothing was done"
        return _besides(wanted, chosen, why, findings.wrong)
    if findings.others and not wanted.along:
        why = (
            "other changes wait for an update, and a step never carries them along: run `pulumi up` first "
            "(or give --with-others)"
        )
        return _besides(wanted, chosen, why, findings.others)
    return None


def _besides(wanted: Wanted, chosen: Sequence[Chosen], why: str, steps: Sequence[Step]) -> Outcome:
    shown = [f"  {step.op} {clean(step.resource)}" for step in steps[:_SHOWN]]
    more = [f"  and {len(steps) - _SHOWN} more"] if len(steps) > _SHOWN else []
    document = {
        **_document(wanted, chosen),
        "ok": False,
        "problem": why,
        "others": [f"{step.op} {step.resource}" for step in steps],
    }
    lines = tuple(each.line for each in chosen)
    return Outcome(Result(document, lines, (f"error: {why}", *shown, *more)), OTHERS)


def _updated(wanted: Wanted, world: World, chosen: Sequence[Chosen], request: str, plan: Plan) -> Outcome:
    acting = [each for each in chosen if each.acts]
    if world.run.ending:
        return Outcome(failed("ended before it began: nothing was done"), FAILED)
    unnoted = _noted(world, acting, "")
    with asking(request):
        asked = Asked(plan.id, wanted.stack, world.folder, world.by)
        done = update(asked, plan, world.by, world.runner(), world.run, world.progress)
    if done.ok:
        return Outcome(
            _shown(wanted, chosen, done=True, plan=plan, warnings=(*unnoted, *done.problems)), DONE
        )
    again = _noted(world, acting, "not done: ")
    return _not_done(wanted, chosen, done, (*unnoted, *again), begun=True)


def _not_done(
    wanted: Wanted,
    chosen: Sequence[Chosen],
    done: Result,
    warnings: Sequence[str] = (),
    *,
    begun: bool = False,
) -> Outcome:
    """A run that failed: the number of before counts on, and the step is tried again."""
    locked = done.document.get("locked") is True
    if locked:
        said = ["nothing was done: another update has the stack, and the next look decides anew"]
    elif not begun:
        said = ["nothing was done: the next look decides anew"]
    else:
        said = [each.remains for each in chosen if each.acts]
    document = {**done.document, **_document(wanted, chosen), "ok": False}
    lines = (*(each.line for each in chosen), *done.lines)
    problems = tuple(dict.fromkeys((*done.problems, *said, *warnings)))
    return Outcome(Result(document, lines, problems), LOCKED if locked else FAILED)


def _noted(world: World, acting: Sequence[Chosen], how: str) -> list[str]:
    """A line on each step in the servers' audit logs; warnings of those that have none."""
    warnings = []
    for each in acting:
        steps = f"{len(each.group.members)} to {each.decision.count} servers"
        what, why = f"{how}pool {each.group.pool.name}: {steps}", each.decision.reason[:_LONGEST_NOTE]
        warnings += note(Act("scale", what, world.by, why), world.servers, world.ask)
    return list(dict.fromkeys(warnings))


def _document(wanted: Wanted, chosen: Sequence[Chosen]) -> dict[str, object]:
    return {
        "stack": wanted.stack,
        "dry_run": wanted.dry,
        "done": False,
        "pools": [each.document for each in chosen],
    }


def _shown(
    wanted: Wanted,
    chosen: Sequence[Chosen],
    *,
    done: bool,
    plan: Plan | None = None,
    warnings: Sequence[str] = (),
) -> Result:
    changes = [*plan.changes, *([plan.cost] if plan.cost else [])] if plan else []
    document = {**_document(wanted, chosen), "ok": True, "done": done, "changes": changes}
    last = ["a dry run: nothing was done"] if wanted.dry and plan else ["done"] if done else []
    lines = (*(each.line for each in chosen), *(f"  {line}" for line in changes), *last)
    return Result(document, lines, tuple(warnings))
