"""What a stack runs beyond its manifests, as the registry keeps it: deployed images, preview environments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Final

from codeb.model.asked import is_request
from codeb.plan.problems import PlanError, Problem
from codeb.plan.reader import REMEDY, Reader


@dataclass(frozen=True)
class Pin:
    """An image that runs in place of the manifest's, as long as the manifest names `instead_of`."""

    image: str
    instead_of: str


@dataclass(frozen=True)
class Preview:
    """The preview environment of a pull request of `project`. `until` is a time in UTC."""

    project: str
    pull: int
    image: str
    until: str


@dataclass(frozen=True)
class Kept:
    """Deployed images by project, preview environments by id, and what there is to say of them."""

    images: Mapping[str, Pin] = field(default_factory=dict)
    previews: Mapping[str, Preview] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


NOTHING: Final = Kept()
"""Of a stack that nobody has asked anything of."""


def read_kept(registry: object) -> Kept:
    """What the registry of the previous run keeps; nothing on a first run, or when a program of before wrote it.

    Raises:
        PlanError: it can't be understood.
    """
    if not registry:
        return NOTHING
    root = Reader("registry", registry)
    images, previews = root.child("images"), root.child("previews")
    kept = Kept(
        {
            key: _pin(Reader(f"registry.images.{key}", value))
            for key, value in (images.value if images else {}).items()
        },
        {
            key: _preview(Reader(f"registry.previews.{key}", value))
            for key, value in (previews.value if previews else {}).items()
        },
    )
    _check(kept)
    return kept


def _pin(entry: Reader) -> Pin:
    return Pin(entry.text("image"), entry.text("instead_of"))


def _preview(entry: Reader) -> Preview:
    pull = entry.number("pull", 1, 999_999_999)
    return Preview(entry.text("project"), pull, entry.text("image"), entry.text("until"))


def _check(kept: Kept) -> None:
    """A state can be edited, too: what is kept has the form of what was asked for."""
    entries: dict[str, dict[str, object]] = {
        f"images.{key}": {"images": {key: pin.image}} for key, pin in kept.images.items()
    }
    entries |= {
        f"previews.{key}": {"previews": {"open": {key: asdict(each)}}} for key, each in kept.previews.items()
    }
    wrong = [where for where, entry in entries.items() if not is_request(entry)]
    if wrong:
        cause = "is not what this program keeps"
        raise PlanError(Problem(f"registry.{where}", cause, REMEDY) for where in wrong)
