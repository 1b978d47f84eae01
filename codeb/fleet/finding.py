"""What is wrong between account and state, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from codeb.fleet.values import shown


class Trouble(Enum):
    """What kind of trouble it is."""

    TWICE = "twice"
    UNKNOWN = "unknown"
    GONE = "gone"
    EDITED = "edited by hand"
    ELSEWHERE = "attached elsewhere"
    OFF = "switched off"
    UNSURE = "not sure"
    UNASKED = "could not be asked"
    STRANGE = "another account"
    FOREIGN = "another stack's"


class Removal(Enum):
    """Whether a command may remove it from the account."""

    NEVER = "never"
    MARKED = "marked"
    """This stack's mark is on it, and the state does not know it."""
    UNMARKED = "unmarked"
    """Nothing marks it, but it stands where only this stack has something to put: only on somebody's word."""


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be.

    Attributes:
        what: the kind of resource in words.
        id: what the commands take; "" where there is nothing to name.
        cause: what is wrong and where it comes from.
        remedy: the commands that mend it; "" when no command does.
        since: since when the account has it, as the API says it; "" when unknown.
        monthly: US dollars that it costs a month; None when unknown.
        holds_data: it is lost for good when it is removed.
        removal: whether `codeb fleet remove` may take it.
    """

    trouble: Trouble
    what: str
    id: str
    name: str
    cause: str
    remedy: str = ""
    since: str = ""
    monthly: float | None = None
    holds_data: bool = False
    removal: Removal = Removal.NEVER

    @property
    def wrong(self) -> bool:
        """Whether somebody has to do something. What others have in the account is only counted."""
        return self.trouble is not Trouble.FOREIGN

    @property
    def title(self) -> str:
        """Which one it is."""
        if not self.id:
            return self.what
        name = f" {shown(self.name)}" if self.name else ""
        return f"{self.what}{name} ({shown(self.id)})"

    def line(self) -> str:
        """All of it in one line."""
        cost = "" if self.monthly is None or not self._wasted else f"; costs ${self.monthly:,.2f} a month"
        since = f" since {shown(self.since)[:10]}" if self.since and cost else ""
        remedy = f". Mend it: {self.remedy}" if self.remedy else ""
        return f"{self.trouble.value}: {self.title}: {self.cause}{cost}{since}{remedy}"

    @property
    def _wasted(self) -> bool:
        return self.trouble in (Trouble.TWICE, Trouble.UNKNOWN, Trouble.UNSURE)

    def document(self) -> dict[str, object]:
        """The same for programs."""
        return {
            "trouble": self.trouble.value, "kind": self.what, "id": self.id, "name": self.name, "cause": self.cause,
            "remedy": self.remedy, "since": self.since, "monthly": self.monthly, "holdsData": self.holds_data,
        }  # fmt: skip


def say(findings: Iterable[Finding]) -> list[str]:
    """A line for each finding that somebody has to do something about; none when all is well."""
    return [each.line() for each in findings if each.wrong]
