"""What one run of `release` or `rollback` knows while it works."""

from __future__ import annotations

from dataclasses import dataclass, field

from agent.documents.errors import Failed
from agent.documents.redact import Redactor
from agent.host.paths import Colour
from agent.host.ports import Ports
from agent.project.record import ColourRecord, Image, Past, Record
from agent.project.spec import Release, Spec


@dataclass
class Job:
    """The ports, what is wanted (`release`; None for a rollback), and what was found and done so far.

    `found`: the undo file of a run that was killed. `forward` takes a rollback back. `held`: a rollback withdrew what the
    document asks for. `resumed`: the other colour holds it already. `unsure`: only the image, once its tag was asked for,
    tells whether anything is new. `restart`: what serves starts anew. `why` is what was said of it. `fresh` are services of
    workers that this run has started and not yet looked at. `step` counts the steps of the canary. `left` is a pulled image
    that the release took the place of, `past` what the history says of this run at its end.
    """

    ports: Ports
    project: str
    by: str
    redact: Redactor
    release: Release | None = None
    forward: bool = False
    record: Record | None = None
    spec: Spec | None = None
    image: Image | None = None
    active: Colour | None = None
    started_at: float = field(init=False)
    left: Image | None = None
    held: bool = False
    resumed: bool = False
    found: bool = False
    unsure: bool = False
    step: int = 0
    restart: bool = False
    why: str = ""
    fresh: list[str] = field(default_factory=list)
    past: Past | None = None
    changed: bool = False
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.started_at = self.ports.clock.now().timestamp()

    @property
    def wanted(self) -> Spec:
        """What is to serve: the document's spec, or for a rollback the remembered one, once it was found."""
        if self.spec is None:
            raise Failed("observe", "nothing is known of what is to serve", "this is a defect of the agent")
        return self.spec

    def known(self, colour: Colour | None) -> ColourRecord | None:
        """What is remembered of a colour."""
        if self.record is None or colour is None:
            return None
        return self.record.colours.get(colour)

    def now(self) -> str:
        """The time as answers say it."""
        return self.ports.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
