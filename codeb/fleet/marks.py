"""Whose a resource of the account is: the owner's mark `codeb-<stack>-<6 hex>` in tags, labels and notes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from typing import Final

from codeb import names
from codeb.fleet.account import Thing
from codeb.fleet.kinds import ADDRESS, DATABASE, DISK, KEY, OBJECTS, RECORD, SERVER, SHARE, Kind
from codeb.fleet.state import State
from codeb.fleet.values import texts
from codeb.secrets import RootSecret

_MARK: Final = r"codeb-[A-Za-z0-9_.-]+-[0-9a-f]{6}"
_MARK_LENGTH: Final = 6
_SERVER_NAME: Final = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?-[1-9][0-9]{0,3}"
_PROJECT: Final = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_RESTS: Final = {
    KEY: r"[0-9a-f]{8}",
    DISK: rf"{_SERVER_NAME}(?:\.[0-9a-f]{{8}})?",
    ADDRESS: _SERVER_NAME,
    SHARE: "certificates",
    DATABASE: r"(?:postgres|valkey-(?:0|[1-9][0-9]{0,2}))",
    OBJECTS: rf"objects-{_PROJECT}",
}
"""What follows the mark in the labels of these kinds, after a hyphen; others carry the mark alone."""


class Whose(Enum):
    """To whom a resource belongs, as its mark says."""

    OURS = "this stack's"
    FOREIGN = "another stack's"
    UNSURE = "not sure whose"
    NOBODY = "no stack's"


def whose(thing: Thing, owner: str) -> Whose:
    """Whose it is by its mark alone; DNS records carry none.

    A label that could be read as this stack's and as another one's (a stack named as another's mark) is nobody's to touch.
    """
    if thing.kind is RECORD:
        return Whose.NOBODY
    if thing.kind is SERVER:
        return _of_marks(texts(thing.data.get("tags")), owner)
    return _of_label(thing.label, thing.kind, owner)


def _of_marks(marks: Iterable[str], owner: str) -> Whose:
    found = {each for each in marks if re.fullmatch(_MARK, each)}
    if owner in found:
        return Whose.OURS if found == {owner} else Whose.UNSURE
    return Whose.FOREIGN if found else Whose.NOBODY


def _of_label(label: str, kind: Kind, owner: str) -> Whose:
    rest = _RESTS.get(kind)
    if rest is None:
        return _of_marks([label], owner)
    ours = re.fullmatch(f"{re.escape(owner)}-{rest}", label) is not None
    other = any(mark != owner for mark in _readings(label, rest))
    if ours:
        return Whose.UNSURE if other else Whose.OURS
    return Whose.FOREIGN if other else Whose.NOBODY


def _readings(label: str, rest: str) -> list[str]:
    """All marks that the label can be read to begin with."""
    ends = [match.end() - 1 for match in re.finditer(r"(?<=-)[0-9a-f]{6}-", label)]
    heads = [(label[:end], label[end + 1 :]) for end in ends]
    return [head for head, tail in heads if re.fullmatch(_MARK, head) and re.fullmatch(rest, tail)]


def mark_of(stack: str, root: RootSecret) -> str:
    """The mark of a stack by its root secret: two stacks of one name never claim each other's things."""
    return names.fleet_owner(stack, root.seed("platform/fleet").hex()[:_MARK_LENGTH])


def owner_in(state: State) -> str | None:
    """The stack's mark, from its output `fleet.owner` or the labels of its own resources; None when neither tells."""
    fleet = state.outputs.get("fleet")
    said = fleet.get("owner") if isinstance(fleet, dict) else None
    if isinstance(said, str) and re.fullmatch(_MARK, said):
        return said
    marks = {
        mark for each in state.resources for mark in _marks_of(each.kind, each.label, each.inputs.get("tags"))
    }
    return marks.pop() if len(marks) == 1 else None


def _marks_of(kind: Kind, label: str, tags: object) -> list[str]:
    if kind in (RECORD, *_RESTS):
        return []
    return [each for each in (texts(tags) if kind is SERVER else (label,)) if re.fullmatch(_MARK, each)]
