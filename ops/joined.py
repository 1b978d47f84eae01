"""`registry`: the outputs of several stacks as one document."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from codeb.registry.joined import Joined, JoinError, joined
from ops import words
from ops.pulumi import PulumiError
from ops.result import Result, failed

Ask = Callable[[str], Mapping[str, Any]]
"""Asks for a stack's outputs. Raises PulumiError."""

_AT_ONCE: Final = 4
"""The CLI takes a stack's whole state into memory to say its outputs."""


def registry(stacks: Sequence[str], ask: Ask) -> Result:
    """What these stacks run and hold; problems name the stacks that they are about."""
    if twice := [stack for number, stack in enumerate(stacks) if stack in stacks[:number]]:
        return failed(f"--stack {twice[0]} is there twice")
    try:
        with ThreadPoolExecutor(_AT_ONCE) as workers:
            found = dict(zip(stacks, workers.map(ask, stacks), strict=True))
        made = joined(found)
    except PulumiError as error:
        return failed(error)
    except JoinError as error:
        return _refused(error)
    document = {
        "ok": True,
        "stacks": list(stacks),
        "registry": made.registry,
        "projects": made.projects,
        "servers": made.servers,
        "notes": list(made.notes),
    }
    return Result(document, lines=tuple(_table(made)))


def _refused(error: JoinError) -> Result:
    found = [
        {
            "where": words.clean(each.where),
            "cause": words.clean(each.cause),
            "remedy": words.clean(each.remedy),
        }
        for each in error.problems
    ]
    lines = [
        line for each in found for line in (f"error: {each['where']}: {each['cause']}", f"  {each['remedy']}")
    ]
    return Result({"ok": False, "problem": str(error), "problems": found}, problems=tuple(lines))


def _table(made: Joined) -> list[str]:
    rows = [
        [
            words.clean(key),
            words.clean(entry["stack"]),
            words.clean(entry.get("status", "?")),
            words.clean(entry.get("domain") or "-"),
            words.clean(", ".join(map(str, entry.get("servers") or ())) or "-"),
        ]
        for key, entry in made.registry["projects"].items()
    ]
    notes = [words.clean(note) for note in made.notes]
    return [*words.table(("project", "stack", "status", "domain", "servers"), rows), *notes]
