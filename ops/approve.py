"""`approve`: a person at a terminal says yes to one plan, or to one rollback of a project."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from ops import plans
from ops.result import Result, failed

_WORDS = "yes"


def at_a_terminal() -> bool:
    """Whether a person can see and answer: the question goes to standard error, the result to standard output."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str) -> str:
    """A person's answer; "" when there is none (Ctrl-D)."""
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline()


def approve_plan(plan_id: str, folder: Path, by: str, ask: Callable[[str], str]) -> Result:
    """Show the plan and ask; an answer other than yes approves nothing."""
    plan = plans.find(plan_id)
    if plan is None:
        return failed(f"there is no plan {plan_id}: `codeb diff --stack …` or the tool preview makes one")
    if plan.folder != str(folder.resolve()):
        return failed(f"the plan {plan_id} is of the project in {plan.folder}: run it there")
    lines = [f"Plan {plan_id}, stack {plan.stack}:", *(f"  {line}" for line in plans.summary(plan))]
    return _approve(plan_id, plan.stack, folder, by, ask, lines)


def approve_rollback(project: str, stack: str, folder: Path, by: str, ask: Callable[[str], str]) -> Result:
    """Ask whether the project may go back to its previous release once."""
    return _approve(rollback_of(project), stack, folder, by, ask, [f"Rollback of {project}, stack {stack}"])


def rollback_of(project: str) -> str:
    """What an approval of a rollback is called."""
    return f"rollback {project}"


def _approve(
    subject: str, stack: str, folder: Path, by: str, ask: Callable[[str], str], lines: list[str]
) -> Result:
    if not at_a_terminal():
        return failed("a person has to approve: run this in a terminal")
    print("\n".join(lines), file=sys.stderr)
    if ask(f"Type {_WORDS} to approve it once: ").strip() != _WORDS:
        return failed("not approved")
    plans.approve(subject, stack, str(folder.resolve()), by)
    minutes = plans.APPROVAL_SECONDS // 60
    document = {"ok": True, "subject": subject, "stack": stack, "by": by, "minutes": minutes}
    return Result(document, (f"approved for {minutes} minutes",))
