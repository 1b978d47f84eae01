"""Plans that a preview made, and a person's approval of one: files that only this user reads, of use once."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import stat
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, astuple, dataclass, replace
from pathlib import Path
from typing import Any, Final

from ops.pulumi import state_folder
from ops.runs import Step

PLAN_SECONDS: Final = 24 * 3600
APPROVAL_SECONDS: Final = 15 * 60
_ID: Final = re.compile(r"[0-9a-f]{24}")


@dataclass(frozen=True)
class Plan:
    """What an update would do, as a preview told. `changes` are the program's own lines, `cost` among them by itself."""

    stack: str
    folder: str
    tree: str
    steps: tuple[Step, ...]
    changes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    cost: str = ""
    made: float = 0

    @property
    def id(self) -> str:
        """The same for the same steps of the same stack from the same files; another for anything else."""
        facts = [self.stack, self.folder, self.tree, [astuple(step) for step in sorted(self.steps)]]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]


def is_plan_id(text: str) -> bool:
    """Whether this has a plan id's form."""
    return _ID.fullmatch(text) is not None


def keep(plan: Plan) -> None:
    """Remember it for a day; those of before yesterday are forgotten."""
    folder = _folder("plans")
    for old in folder.glob("*.json"):
        with suppress(OSError):
            if old.stat().st_mtime < time.time() - PLAN_SECONDS:
                old.unlink()
    _write(folder / f"{plan.id}.json", asdict(replace(plan, made=time.time())))


def find(plan_id: str) -> Plan | None:
    """The plan with this id; None when there is none, or it is from before yesterday."""
    if not is_plan_id(plan_id):
        return None
    found = _read(_folder("plans") / f"{plan_id}.json")
    try:
        found["steps"] = tuple(Step(**step) for step in found["steps"])
        found |= {key: tuple(found[key]) for key in ("changes", "warnings")}
        plan = Plan(**found)
    except (TypeError, KeyError, AttributeError):
        return None
    return plan if plan.id == plan_id and time.time() - plan.made < PLAN_SECONDS else None


def use(plan_id: str) -> bool:
    """The plan is gone; of several that ask at once one is told yes."""
    if not is_plan_id(plan_id):
        return False
    try:
        (_folder("plans") / f"{plan_id}.json").unlink()
    except OSError:
        return False
    return True


def approve(subject: str, stack: str, folder: str, by: str) -> None:
    """A person says yes to one deployment of a plan, or to another act that has a name (`subject`), for 15 minutes."""
    document = {
        "subject": subject,
        "stack": stack,
        "folder": folder,
        "by": by,
        "until": time.time() + APPROVAL_SECONDS,
    }
    _write(_approval(subject, stack, folder), document)


def approved(subject: str, stack: str, folder: str) -> bool:
    """Whether there is an approval, which stays."""
    return _valid(_read(_approval(subject, stack, folder)), subject, stack, folder) != ""


def use_approval(subject: str, stack: str, folder: str) -> str:
    """Who approved, and the approval is gone; "" when nobody did. Of several that ask at once one gets it."""
    path = _approval(subject, stack, folder)
    taken = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        path.rename(taken)
    except OSError:
        return ""
    try:
        return _valid(_read(taken), subject, stack, folder)
    finally:
        taken.unlink(missing_ok=True)


def _valid(found: Mapping[str, Any], subject: str, stack: str, folder: str) -> str:
    said = [found.get(key) for key in ("subject", "stack", "folder")]
    until, by = found.get("until"), found.get("by")
    if said != [subject, stack, folder] or not isinstance(until, float) or not isinstance(by, str):
        return ""
    return by if 0 < until - time.time() <= APPROVAL_SECONDS else ""


def _approval(subject: str, stack: str, folder: str) -> Path:
    facts = json.dumps([subject, stack, folder])
    return _folder("approvals") / f"{hashlib.sha256(facts.encode()).hexdigest()[:32]}.json"


def _folder(name: str) -> Path:
    folder = state_folder() / name
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _write(path: Path, document: Mapping[str, Any]) -> None:
    part = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(document, file)
    part.rename(path)


def _read(path: Path) -> dict[str, Any]:
    """The document of a file that is this user's alone; empty for any other."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return {}
    with os.fdopen(descriptor) as file:
        facts = os.fstat(file.fileno())
        if facts.st_uid != os.getuid() or stat.S_IMODE(facts.st_mode) & 0o077:
            return {}
        try:
            found = json.load(file)
        except ValueError:
            return {}
    return found if isinstance(found, dict) else {}


def summary(plan: Plan) -> Sequence[str]:
    """What it does, for people."""
    counts: dict[str, int] = {}
    for step in plan.steps:
        counts[step.op] = counts.get(step.op, 0) + 1
    words = ", ".join(f"{count} {op}" for op, count in sorted(counts.items()))
    return [
        *plan.changes,
        *([plan.cost] if plan.cost else []),
        *(f"warning: {line}" for line in plan.warnings),
        f"{words or 'no resource changes'}",
    ]
