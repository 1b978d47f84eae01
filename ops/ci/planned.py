"""The name of a plan that is the same on another machine, and in words what differs between a plan and what is now.

A plan's own id (`ops.plans.Plan.id`) is of one folder of one machine. This one has four parts, which tell what has changed:
files, request, the stack as its last update left it, and steps. Steps are names alone: an old plan would put back, by the
same steps, what another deployment has brought since.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Final

from ops.ci.context import CiError
from ops.plans import Plan
from ops.runs import Step
from ops.words import clean

VARIABLE: Final = "CODEB_PLANNED"
"""Environment variable with the output `planned` of `codeb ci plan`: what the plan's steps were."""
_DIGITS: Final = 20
_ID: Final = re.compile(rf"[0-9a-f]{{{_DIGITS}}}(?:-[0-9a-f]{{{_DIGITS}}}){{3}}")
_LARGEST: Final = 100_000
"""Bytes of `planned`: Linux takes 128 KiB for one environment variable."""
_MOST_SHOWN: Final = 30


@dataclass(frozen=True)
class Planned:
    """What an update of a stack would do, without where that was found."""

    files: str
    request: str
    stack: str
    steps: str

    @property
    def id(self) -> str:
        """As `--plan` takes it."""
        return f"{self.files}-{self.request}-{self.stack}-{self.steps}"


def planned(plan: Plan, files: str, request: str, outputs: Mapping[str, Any]) -> Planned:
    """The portable name of a plan that was made from these files (`ops.ci.asking.files`) with this request, for a stack with
    these outputs: each update writes them anew, and nothing else does."""
    return Planned(_hash([plan.stack, files]), _hash(request), _hash(outputs), _hash_of(plan.steps))


def read_id(text: str) -> Planned:
    """A plan's id as it was given. Raises CiError."""
    if not _ID.fullmatch(text):
        raise CiError("that is no plan id of `codeb ci plan`: take its output `plan`")
    return Planned(*text.split("-"))


def steps_text(steps: Sequence[Step]) -> str:
    """The steps for the job that deploys; "" when they are too many for an environment variable."""
    text = json.dumps([astuple(step) for step in sorted(steps)])
    return text if len(text.encode()) <= _LARGEST else ""


def differences(wanted: Planned, now: Planned, steps: Sequence[Step], told: str) -> list[str]:
    """What is otherwise now than the plan said, in words; nothing when it is the same.

    `told` are the plan's steps by `steps_text`; they count only when they are those of the plan's name.
    """
    found = []
    if wanted.files != now.files:
        found.append("manifests, settings or program are not those of the plan: is this another commit?")
    if wanted.request != now.request:
        found.append("the request (images, previews) is not that of the plan: hand over the output `request`")
    if wanted.stack != now.stack:
        found.append("the stack is not as it was when the plan was made: another deployment came between")
    if wanted.steps != now.steps:
        found += _steps(_read(told, wanted.steps), steps)
    return found


def _steps(before: Sequence[Step] | None, now: Sequence[Step]) -> list[str]:
    if before is None:
        return _bounded("an update would now:", [_words(step) for step in sorted(now)])
    gone, new = sorted(set(before) - set(now)), sorted(set(now) - set(before))
    return [
        *(_bounded("in the plan, but no more:", [_words(step) for step in gone]) if gone else []),
        *(_bounded("not in the plan, but now:", [_words(step) for step in new]) if new else []),
    ]


def _bounded(title: str, lines: Sequence[str]) -> list[str]:
    left_out = len(lines) - _MOST_SHOWN
    more = [f"… {left_out} more"] if left_out > 0 else []
    return [title, *(f"  {line}" for line in [*lines[:_MOST_SHOWN], *more] or ["nothing"])]


def _words(step: Step) -> str:
    return f"{clean(step.op)} {clean(step.resource)}"


def _read(told: str, name: str) -> tuple[Step, ...] | None:
    try:
        steps = tuple(Step(*map(str, each)) for each in json.loads(told))
    except (ValueError, TypeError, RecursionError):
        return None
    return steps if _hash_of(steps) == name else None


def _hash_of(steps: Sequence[Step]) -> str:
    return _hash([astuple(step) for step in sorted(steps)])


def _hash(facts: object) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:_DIGITS]
