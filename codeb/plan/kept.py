"""What a stack runs beyond manifests and settings, as the registry keeps it: images, preview environments, numbers of
servers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Final

from codeb.model.asked import is_request
from codeb.model.settings import MOST_SERVERS
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
class Tried:
    """A number of servers that was asked for and is not known to be there. `at` is a time in UTC."""

    count: int
    at: str
    reason: str


@dataclass(frozen=True)
class Scale:
    """A decided number of servers, as long as the settings say `start`. `since` is a time in UTC, "" when a step was
    tried only: `tried` is the last step that did not come to its end; none once one has.
    """

    count: int
    start: int
    since: str = ""
    reason: str = ""
    tried: Tried | None = None

    @property
    def document(self) -> dict[str, object]:
        """As the registry has it."""
        return {key: value for key, value in asdict(self).items() if value not in (None, "")}


@dataclass(frozen=True)
class Kept:
    """Deployed images by project, preview environments by id, decided numbers by pool, and what there is to say of them.

    `meanwhile` are the numbers that count until the run is through: a step that fails has not been done.
    """

    images: Mapping[str, Pin] = field(default_factory=dict)
    previews: Mapping[str, Preview] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    pools: Mapping[str, Scale] = field(default_factory=dict)
    meanwhile: Mapping[str, Scale] = field(default_factory=dict)

    @property
    def begun(self) -> Kept:
        """What is kept of a run that has begun and may fail."""
        return replace(self, pools=self.meanwhile)


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
    images, previews, pools = root.child("images"), root.child("previews"), root.child("pools")
    kept = Kept(
        {
            key: _pin(Reader(f"registry.images.{key}", value))
            for key, value in (images.value if images else {}).items()
        },
        {
            key: _preview(Reader(f"registry.previews.{key}", value))
            for key, value in (previews.value if previews else {}).items()
        },
        pools={
            key: _scale(Reader(f"registry.pools.{key}", value))
            for key, value in (pools.value if pools else {}).items()
        },
    )
    _check(kept)
    return kept


def _pin(entry: Reader) -> Pin:
    return Pin(entry.text("image"), entry.text("instead_of"))


def _preview(entry: Reader) -> Preview:
    pull = entry.number("pull", 1, 999_999_999)
    return Preview(entry.text("project"), pull, entry.text("image"), entry.text("until"))


def _scale(entry: Reader) -> Scale:
    tried = entry.child("tried")
    count, start = (entry.number(key, 1, MOST_SERVERS) for key in ("count", "start"))
    return Scale(
        count,
        start,
        entry.text("since", ""),
        entry.text("reason", ""),
        None
        if tried is None
        else Tried(tried.number("count", 1, MOST_SERVERS), tried.text("at"), tried.text("reason")),
    )


def _check(kept: Kept) -> None:
    """A state can be edited, too: what is kept has the form of what was asked for."""
    entries: list[tuple[str, dict[str, object]]] = [
        (f"images.{key}", {"images": {key: pin.image}}) for key, pin in kept.images.items()
    ]
    entries += [
        (f"previews.{key}", {"previews": {"open": {key: asdict(each)}}})
        for key, each in kept.previews.items()
    ]
    entries += [
        (f"pools.{key}", {"pools": {key: said}}) for key, scale in kept.pools.items() for said in _said(scale)
    ]
    wrong = dict.fromkeys(where for where, entry in entries if not is_request(entry))
    if wrong:
        cause = "is not what this program keeps"
        raise PlanError(Problem(f"registry.{where}", cause, REMEDY) for where in wrong)


def _said(scale: Scale) -> Iterator[dict[str, object]]:
    """The requests that led to it."""
    if scale.since:
        yield {"count": scale.count, "at": scale.since, "reason": scale.reason}
    if scale.tried:
        yield asdict(scale.tried)
