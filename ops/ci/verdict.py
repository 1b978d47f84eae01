"""What a model answered, held against the log: data like any other. Bounded, redacted, and quotes that are none dropped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ops.ci.lines import lines
from ops.ci.markdown import bounded
from ops.ci.model import CATEGORIES, CONFIDENCE, NotAnsweredError
from ops.ci.passages import LONGEST_LINE, Passage

LONGEST_TITLE: Final = 120
LONGEST_CAUSE: Final = 1_500
LONGEST_STEP: Final = 400
MOST_EVIDENCE: Final = 6
MOST_STEPS: Final = 5
_SHORTEST_EVIDENCE: Final = 4
_MOST_QUOTES: Final = 20
_LOOKED_AT: Final = 4
"""So many times its bound is looked at of a text, as what is masked makes it shorter."""


class _Answer(BaseModel):
    """The form that was asked for; more is ignored."""

    model_config = ConfigDict(strict=True)
    title: str
    category: str
    cause: str
    evidence: list[str]
    steps: list[str] = Field(alias="try")
    confidence: str


@dataclass(frozen=True)
class Verdict:
    """Why it failed, as far as a model says. `dropped` is how many of its quotes are not in the log."""

    title: str
    category: str
    cause: str
    evidence: tuple[str, ...]
    steps: tuple[str, ...]
    confidence: str
    dropped: int = 0


def judged(document: Mapping[str, Any], shown: Passage, redact: Callable[[str], str]) -> Verdict:
    """A model's answer as it may be shown.

    Raises:
        NotAnsweredError: it doesn't have the form that was asked for.
    """
    try:
        answer = _Answer.model_validate(document)
    except ValidationError:
        raise NotAnsweredError("the model's answer doesn't have the form that was asked for") from None
    if not answer.cause.strip():
        raise NotAnsweredError("the model names no cause")

    def safe(text: str, longest: int) -> str:
        looked_at = text[: _LOOKED_AT * longest]
        said = " ".join(redact("\n".join(lines(looked_at))).split())
        if looked_at != text:  # the last word may be a secret that was cut in two
            said = said.rpartition(" ")[0]
        return bounded(said, longest)

    quoted = [safe(line, LONGEST_LINE) for line in answer.evidence[:_MOST_QUOTES]]
    evidence = [line for line in dict.fromkeys(quoted) if len(line) >= _SHORTEST_EVIDENCE and shown.has(line)]
    steps = [safe(text, LONGEST_STEP) for text in answer.steps[:MOST_STEPS]]
    found = answer.confidence if answer.confidence in CONFIDENCE and evidence else "low"
    return Verdict(
        title=safe(answer.title, LONGEST_TITLE) or "no title",
        category=answer.category if answer.category in CATEGORIES else "other",
        cause=safe(answer.cause, LONGEST_CAUSE),
        evidence=tuple(evidence[:MOST_EVIDENCE]),
        steps=tuple(step for step in steps if step),
        confidence=found,
        dropped=len(dict.fromkeys(quoted)) - len(evidence),
    )
