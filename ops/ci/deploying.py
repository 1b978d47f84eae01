"""An update with a request, and then the question whether visitors are answered: what `deploy` and `environments` share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from codeb.model import Manifests, Settings
from ops.audit import Act
from ops.ci import health
from ops.ci.context import CiError
from ops.ci.taking_back import taken_back
from ops.ci.world import World
from ops.deploy import Asked, update
from ops.plans import Plan
from ops.preview import look
from ops.pulumi import PulumiError
from ops.request import asking
from ops.result import Result
from ops.runs import Verb
from ops.tree import tree


@dataclass(frozen=True)
class Work:
    """An update of a stack: what is asked of it beyond its manifests, for whom and what the servers' audit logs say of it.

    With a `plan` only on the files that it was made from. `also` are projects that are asked whether they answer even if
    nothing of them changes now: an earlier attempt may have been cut short.
    """

    stack: str
    request: str
    by: str
    what: str
    settings: Settings
    manifests: Manifests
    also: frozenset[str] = frozenset()
    plan: Plan | None = None


@dataclass(frozen=True)
class Outcome:
    """How it ended; `phase` is where it failed, "" when it did not. `outputs` are the stack's after the update."""

    phase: str
    result: Result
    outputs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether it is done, and visitors are answered."""
        return not self.phase


def foresee(world: World, stack: str, request: str, verb: Verb = "preview") -> Plan | Result:
    """What an update with the request would do. Raises CiError when Pulumi can't begin."""
    try:
        with asking(request):
            return look(world.folder, stack, world.runner(), world.run, world.progress, verb)
    except PulumiError as error:
        raise CiError(str(error)) from None


def bring_about(work: Work, world: World) -> Outcome:
    """Update, then ask what it changed three times in a row; what fails of the request is taken back.

    Raises:
        CiError: Pulumi can't begin.
    """
    if world.run.ending:
        raise CiError("cancelled before it began: nothing was done")
    before = world.outputs(work.stack)
    unnoted = world.note(work.stack, Act("deploy", work.what[:200], work.by[:200]))
    done = _updated(work, work.request, work.plan, world)
    back = () if done.ok else _take_back(work, done, before, world)
    done = Result(done.document, done.lines, tuple(dict.fromkeys((*unnoted, *done.problems, *back))))
    if not done.ok:
        return Outcome("update", done)
    return _asked(work, done, world.outputs(work.stack), world)


def _updated(work: Work, request: str, plan: Plan | None, world: World) -> Result:
    try:
        with asking(request):
            found = plan or Plan(work.stack, str(world.folder.resolve()), tree(world.folder, work.stack), ())
            asked = Asked(found.id, work.stack, world.folder, work.by)
            return update(asked, found, work.by, world.runner(), world.run, world.progress)
    except PulumiError as error:
        raise CiError(str(error)) from None


def _take_back(work: Work, done: Result, before: Mapping[str, Any], world: World) -> Sequence[str]:
    """Take back what failed, and say so; a run that is cancelled leaves it to the next one."""
    resources = done.document.get("failed")
    back = taken_back(
        work.request, list(resources) if isinstance(resources, list) else [], before, work.manifests
    )
    if back is None or world.run.ending:
        return ()
    world.progress("taking back what failed")
    again = _updated(work, back.request, None, world)
    if again.ok:
        return back.said
    return (*again.problems, "error: what failed could not be taken back: later runs try it again")


def _asked(work: Work, done: Result, outputs: Mapping[str, Any], world: World) -> Outcome:
    resources = done.document["resources"]
    changed = health.changed(list(resources) if isinstance(resources, list) else [], outputs)
    found = health.targets(changed | work.also, outputs, work.settings, work.manifests)
    world.progress(f"asking {len(found.asked)} addresses whether they answer")
    up, down = health.ask(found.asked, world.visit, world.sleep, lambda: world.run.ending)
    problems = [*found.lacking, *down]
    document = {
        **done.document,
        "ok": not problems,
        "projects": sorted(changed),
        "health": {"up": up, "skipped": list(found.skipped), "problems": problems},
    }
    lines = (*done.lines, *up, *found.skipped)
    said = (*(f"error: {each}" for each in problems), *done.problems)
    return Outcome("health" if problems else "", Result(document, lines, said), outputs)
