"""`codeb:pools[].autoscale`: between which numbers of servers a pool may go by itself, and when (docs/autoscaling.md)."""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from codeb.model.problems import refusal
from codeb.model.settings.base import Number, Setting
from codeb.model.shapes import Quantity

LEAST_SERVERS: Final = 2
"""With fewer, one that fails takes everything along."""
MOST_SERVERS: Final = 50
"""Of one pool."""
APART: Final = 20
"""Percent points between `below` and `above`: closer, and what a step changes would call for its opposite."""
_MINUTE: Final = 60_000

Span = Annotated[
    int,
    Quantity(
        "a time",
        "Write for example 5m or 1h.",
        (("s", 1000), ("m", _MINUTE), ("h", 60 * _MINUTE)),
        2 * _MINUTE,
        24 * 60 * _MINUTE,
    ),
]
"""Milliseconds, two minutes to a day."""


class Autoscale(Setting):
    """The number of servers follows their load, one at a time."""

    min: Annotated[Number, Field(ge=LEAST_SERVERS, le=MOST_SERVERS)] = LEAST_SERVERS
    """Fewest servers."""
    max: Annotated[Number, Field(ge=LEAST_SERVERS, le=MOST_SERVERS)]
    """Most servers."""
    above: Annotated[Number, Field(ge=APART + 1, le=99)] = 70
    """Percent of CPU, in the mean of the servers, above which one comes."""
    below: Annotated[Number, Field(ge=1, le=99 - APART)] = 30
    """Percent of CPU below which one goes, if those that stay have room for what it did."""
    window: Span = 5 * _MINUTE
    """How long the load has to be so."""
    cool_down: Span = 10 * _MINUTE
    """How long nothing is decided after a step."""

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.max < self.min:
            raise refusal(
                f"{self.max} is less than min, {self.min}", f"Write {self.min} or more.", at=("max",)
            )
        if self.above - self.below < APART:
            cause = f"{self.below} is less than {APART} below above, {self.above}: servers would come and go"
            raise refusal(cause, f"Write {self.above - APART} or less.", at=("below",))
        return self
