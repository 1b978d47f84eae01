"""What a plan can fail with: every problem at once, each with its cause and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that stands in the way. `where` is a manifest's path in the document or a setting."""

    where: str
    cause: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.cause}\n  {self.remedy}"


class PlanError(Exception):
    """No plan can be made; `problems` holds every reason."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
