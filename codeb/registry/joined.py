"""The outputs of several stacks as one document: what runs where, for whoever asks about all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from codeb.model.hosts import overlap
from codeb.outputs import VERSIONS
from codeb.plan import Problem
from codeb.plan.owners import Owners
from codeb.registry.entries import Entry
from codeb.registry.observed import entries_of

_KEPT: Final = ("retained", "leaving")
"""What `status` is of a project that has no manifest in a stack."""
_PARTS: Final = ("leaving", "images", "previews")

Outputs = Mapping[str, Any]
"""A stack's outputs, as `pulumi stack output --json` has them."""


@dataclass(frozen=True)
class Joined:
    """`registry` has the shape of one stack's, `projects` and `servers` those of the outputs of these names; each project's
    entry says its `stack`, and `servers` are by stack, as each stack names its own. `notes` say what was left out."""

    registry: dict[str, Any]
    projects: dict[str, Any]
    servers: dict[str, dict[str, Any]]
    notes: tuple[str, ...] = ()


class JoinError(Exception):
    """Stacks don't go together; `problems` has every reason, each with the stacks that it is about."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))


def joined(stacks: Mapping[str, Outputs]) -> Joined:
    """The outputs of these stacks (by name) in one.

    A project that has moved from one stack to another is the one's that runs it, although the other may keep its data still.

    Raises:
        JoinError: a stack has no registry of a version that is known, or two have the same project, host name or server.
    """
    stacks = dict(sorted(stacks.items()))
    problems = [problem for stack, outputs in stacks.items() for problem in _unreadable(stack, outputs)]
    if problems:
        raise JoinError(tuple(problems))
    held = _held(stacks)
    chosen = {key: _chosen(entries) for key, entries in sorted(held.items())}
    problems = [*_twice(held), *_shared_names(held), *_shared_servers(stacks)]
    if problems:
        raise JoinError(tuple(problems))
    return Joined(
        registry=_registry(stacks, held, chosen),
        projects={
            key: {**known[key], "stack": stack}
            for key, stack in chosen.items()
            if key in (known := _mapping(stacks[stack], "projects"))
        },
        servers={stack: dict(_mapping(outputs, "servers")) for stack, outputs in stacks.items()},
        notes=tuple(_notes(held, chosen)),
    )


def _unreadable(stack: str, outputs: Outputs) -> Iterator[Problem]:
    version = _mapping(outputs, "versions").get("registry", VERSIONS["registry"])
    if "registry" not in outputs:
        yield Problem(f"stack {stack}: output registry", "there is none", "Deploy it first, or leave it out.")
    elif version != VERSIONS["registry"]:
        cause = f"version {version} is not one that this program knows ({VERSIONS['registry']})"
        yield Problem(f"stack {stack}: output registry", cause, "Update the program that you join them with.")
    elif not all(isinstance(entry, Mapping) for entry in entries_of(outputs["registry"]).values()):
        yield Problem(f"stack {stack}: output registry", "an entry is no mapping", "Update the stack once.")


def _held(stacks: Mapping[str, Outputs]) -> dict[str, dict[str, Entry]]:
    """Project → stack → entry."""
    found: dict[str, dict[str, Entry]] = {}
    for stack, outputs in stacks.items():
        for key, entry in entries_of(outputs["registry"]).items():
            found.setdefault(str(key), {})[stack] = dict(entry)
    return found


def _present(entry: Mapping[str, Any]) -> bool:
    """Whether a stack runs it, or is to."""
    return entry.get("status") not in _KEPT


def _chosen(entries: Mapping[str, Entry]) -> str:
    """The stack that runs a project, else the first that keeps its data."""
    return next((stack for stack, entry in entries.items() if _present(entry)), next(iter(entries)))


def _twice(held: Mapping[str, Mapping[str, Entry]]) -> Iterator[Problem]:
    for key, entries in sorted(held.items()):
        running = [stack for stack, entry in entries.items() if _present(entry)]
        if len(running) > 1:
            cause = f"stacks {' and '.join(running)} both have a manifest of this id"
            yield Problem(f"{key}: project.id", cause, "Remove one of the manifests, or give it another id.")


def _shared_names(held: Mapping[str, Mapping[str, Entry]]) -> Iterator[Problem]:
    """Host names by which visitors would come to projects of two stacks."""
    owners = Owners()
    whose: dict[str, tuple[str, str, tuple[str, ...]]] = {}
    for key, entries in sorted(held.items()):
        for stack, entry in entries.items():
            if not _present(entry):
                continue
            names = _names(entry)
            for other in owners.shared(names, ()):
                project, place, theirs = whose[other]
                if place != stack and project != key:
                    yield _shared_name((key, stack, names), (project, place, theirs))
            whose[f"{stack}/{key}"] = key, stack, names
            owners.add(f"{stack}/{key}", names)


def _shared_name(one: tuple[str, str, tuple[str, ...]], other: tuple[str, str, tuple[str, ...]]) -> Problem:
    mine, theirs = next((a, b) for a in one[2] for b in other[2] if overlap(a, b))
    cause = f"stack {one[1]} has it for {one[0]}, and stack {other[1]} has {theirs} for {other[0]}"
    remedy = f"Take it out of the manifest of {one[0]} or of {other[0]}: DNS leads to one of the stacks only."
    return Problem(f"host name {mine}", cause, remedy)


def _names(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """What it is to have and what it still serves."""
    serves = entry.get("serves")
    known = serves.get("names") if isinstance(serves, Mapping) else None
    found = [entry.get("domain"), *(entry.get("aliases") or ()), *(known or ())]
    return tuple(dict.fromkeys(str(name) for name in found if name))


def _shared_servers(stacks: Mapping[str, Outputs]) -> Iterator[Problem]:
    """A server belongs to one stack: each one's agent would undo what the other's bundle has."""
    holders: dict[str, tuple[str, str]] = {}
    for stack, outputs in stacks.items():
        for name, server in _mapping(outputs, "servers").items():
            address = str(server.get("address")) if isinstance(server, Mapping) else ""
            other = holders.setdefault(address, (stack, name))
            if address and other[0] != stack:
                cause = f"stack {other[0]} has it as {other[1]}, and stack {stack} as {name}"
                yield Problem(f"server {address}", cause, "Take it out of codeb:servers of one of them.")


def _registry(
    stacks: Mapping[str, Outputs], held: Mapping[str, Mapping[str, Entry]], chosen: Mapping[str, str]
) -> dict[str, Any]:
    projects = {key: {**held[key][stack], "stack": stack} for key, stack in chosen.items()}
    rest = {
        part: {
            key: {**value, "stack": stack}
            for stack, outputs in stacks.items()
            for key, value in _mapping(outputs["registry"], part).items()
            if chosen.get(key, stack) == stack
        }
        for part in _PARTS
    }
    found: dict[str, Any] = {"version": VERSIONS["registry"], "projects": projects}
    return found | {part: dict(sorted(values.items())) for part, values in rest.items() if values}


def _notes(held: Mapping[str, Mapping[str, Entry]], chosen: Mapping[str, str]) -> Iterator[str]:
    for key, entries in sorted(held.items()):
        others = [stack for stack in entries if stack != chosen[key]]
        if others:
            yield f"{key} is stack {chosen[key]}'s; data of it is kept in stack {' and '.join(others)}, too."


def _mapping(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = document.get(key)
    return found if isinstance(found, Mapping) else {}
