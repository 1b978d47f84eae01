"""What is printed and kept: both apps side by side with their ratios, and the goals. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from lab.bench.core_cms import cost
from lab.bench.core_cms.apps import CACHED, PLAIN
from lab.bench.core_cms.cost import Requests
from lab.bench.core_cms.images import Started
from lab.bench.core_cms.vitals import Loads
from lab.bench.releases.verdict import SENT_SHARE, Goal

COLUMNS: Final = ("", PLAIN.name, "Core CMS", "ratio")
NOTHING: Final = "-"
"""Where there is no ratio, since the bare app has nothing of the kind."""


@dataclass(frozen=True)
class Seen:
    """All that was measured, by the subjects' names; None and empty where a part was left out."""

    requests: Requests | None = None
    loads: Mapping[str, Loads] = field(default_factory=dict)
    started: Mapping[str, Started] = field(default_factory=dict)

    def goals(self) -> list[Goal]:
        """Only what fails says that the figures are worth nothing: how much Core CMS costs fails no run."""
        if self.requests is None:
            return []
        found = self.requests
        unsent = found.unsent / max(1, found.sent + found.unsent)
        return [
            Goal("failed requests: 0", str(found.failed), found.failed == 0, hard=True),
            Goal(
                f"the load was sent: {SENT_SHARE:.0%}",
                f"{1 - unsent:.1%}",
                unsent <= 1 - SENT_SHARE,
                hard=False,
            ),
        ]

    def as_json(self) -> dict[str, Any]:
        """Everything that is printed, and each round, load and start."""
        document: dict[str, Any] = {"goals": [asdict(goal) for goal in self.goals()]}
        if (found := self.requests) is not None:
            apps = {name: each.as_json() for name, each in found.costs.items()}
            counts = {"sent": found.sent, "failed": found.failed, "unsent": found.unsent}
            document["requests"] = {"rate": found.rate, **counts, "apps": apps}
        if self.loads:
            document["first_load"] = {name: each.as_json() for name, each in self.loads.items()}
        if self.started:
            document["images_and_starts"] = {name: each.as_json() for name, each in self.started.items()}
        return document

    def requests_rows(self) -> list[tuple[str, ...]]:
        """The cells below `cost.HEADINGS`."""
        return [] if self.requests is None else cost.rows(self.requests, PLAIN.name)

    def loads_rows(self) -> list[tuple[str, ...]]:
        """The cells below `COLUMNS`."""
        return _rows({name: each.figures() for name, each in self.loads.items()})

    def started_rows(self) -> list[tuple[str, ...]]:
        """The cells below `COLUMNS`."""
        return _rows({name: each.figures() for name, each in self.started.items()})


def _rows(found: Mapping[str, Mapping[str, float]]) -> list[tuple[str, ...]]:
    if not found:
        return []
    bare, ours = found[PLAIN.name], found[CACHED.name]
    return [(name, _number(bare[name]), _number(ours[name]), _ratio(ours[name], bare[name])) for name in bare]


def _number(value: float) -> str:
    """Three digits that count, and no decimals from a hundred on."""
    return f"{value:.0f}" if value >= 100 or value == round(value) else f"{value:.3g}"


def _ratio(ours: float, bare: float) -> str:
    return f"{ours / bare:.2f}" if bare else NOTHING
