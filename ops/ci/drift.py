"""`codeb ci drift`: whether what is there is what the stack's state has; one issue while it isn't.

Two previews: one on what the state remembers, one on what is there. What differs between them is drift; what is in both
waits for a deployment, and is no drift.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from ops.ci import notices
from ops.ci.account import Account
from ops.ci.deploying import foresee
from ops.ci.github import number_of
from ops.ci.payload import commit_of
from ops.ci.report import Block, Part, code, document
from ops.ci.world import World
from ops.plans import Plan
from ops.result import Result
from ops.runs import Step
from ops.words import count

LABEL: Final = "drift"
_AT_VULTR: Final = "vultr:"

Compare = Callable[[str, Collection[str]], Account]
"""`ops.ci.account.account` of the project's folder: for a stack, and names that a refresh has missed."""


@dataclass(frozen=True)
class Found:
    """What differs: steps that only what is there asks for, those that it makes needless, and findings at Vultr."""

    new: tuple[Step, ...]
    needless: tuple[Step, ...]
    findings: tuple[str, ...]
    waiting: int

    @property
    def lines(self) -> list[str]:
        """In words, one each."""
        return [
            *(f"{each.op} {each.resource}: would put it back" for each in self.new),
            *(f"{each.op} {each.resource}: is there already" for each in self.needless),
            *(f"Vultr: {each}" for each in self.findings),
        ]


def drift(stack: str, world: World, compare: Compare) -> Result:
    """Look, and keep the issue up to date. Not ok when it can't be told; then the issue stays as it is. Raises CiError."""
    remembered = foresee(world, stack, "")
    if not isinstance(remembered, Plan):
        return remembered
    there = foresee(world, stack, "", "refreshed-preview")
    if not isinstance(there, Plan):
        return there
    found = _compared(remembered, there, compare(stack, _missed(remembered, there)))
    if not isinstance(found, Found):
        return found
    if (found.new or found.needless) and (other := _meanwhile(stack, remembered, world)):
        return other
    said = _told(stack, found, world)
    document_ = {"ok": True, "stack": stack, "drift": found.lines, "waiting": found.waiting}
    waiting = f"{count(found.waiting, 'change')} of the manifests not deployed yet, which is no drift"
    head = f"{stack}: {count(len(found.lines), 'difference')}" if found.lines else f"{stack}: no drift"
    return Result(document_, (head, *found.lines, *([waiting] if found.waiting else []), *said))


def _meanwhile(stack: str, remembered: Plan, world: World) -> Result | None:
    """What a deployment between the two previews has changed is no drift, so what is remembered is looked at once more."""
    again = foresee(world, stack, "")
    if not isinstance(again, Plan):
        return again
    if set(again.steps) == set(remembered.steps):
        return None
    why = "the stack has changed while it was looked at, so nothing is concluded: run it again later"
    return Result({"ok": False, "problem": why}, (), (f"error: {why}",))


def _compared(remembered: Plan, there: Plan, account: Account) -> Found | Result:
    if account.trouble:
        problems = tuple(f"error: {line}" for line in account.trouble)
        first = "the API at Vultr is in trouble, so nothing is concluded: run it again later"
        return Result(
            {"ok": False, "problem": first, "trouble": list(account.trouble)},
            (),
            (f"error: {first}", *problems),
        )
    before, after = set(remembered.steps), set(there.steps)
    return Found(
        tuple(sorted(after - before)), tuple(sorted(before - after)), account.findings, len(before & after)
    )


def _missed(remembered: Plan, there: Plan) -> set[str]:
    """Resources at Vultr that only the refresh takes for gone."""
    new = set(there.steps) - set(remembered.steps)
    return {each.resource for each in new if each.type.startswith(_AT_VULTR) and each.op.startswith("create")}


def _told(stack: str, found: Found, world: World) -> Sequence[str]:
    """The issue's address, or that it is closed."""
    github, mark = world.github(), notices.marker(LABEL, stack)
    body = document(_body(stack, found, world))
    world.workflow.summary(body)
    if found.lines:
        title = f"Drift of stack {stack}: what is there is not what the stack has"
        return [notices.issue(github, LABEL, mark, title, body)]
    known = notices.open_issue(github, LABEL, mark)
    if known is None:
        return []
    number = number_of(known)
    notices.close_issue(
        github, number, f"What is there is what the stack has again: [this run]({world.workflow.url})."
    )
    return [f"issue {number} is closed"]


def _body(stack: str, found: Found, world: World) -> list[Part]:
    run = f"[This run]({world.workflow.url}), commit {code(commit_of(world.workflow))}"
    if not found.lines:
        return [f"### Stack {code(stack)}: no drift", run]
    return [
        f"### Stack {code(stack)}: {count(len(found.lines), 'difference')} between what is there and what the stack has",
        Block("**Differences**", found.lines),
        "The next deployment puts back what it can. If what is there is right, change the manifests or settings instead. "
        "Servers and account in detail: `codeb doctor`, `codeb fleet check` (docs/fleet-operations.md).",
        *(
            [f"{count(found.waiting, 'change')} of the manifests not deployed yet, which is no drift."]
            if found.waiting
            else []
        ),
        run,
    ]
