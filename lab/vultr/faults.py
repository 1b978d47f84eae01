"""Faults by switch: `faults.json` of the folder, changeable while the simulator runs.

Whether the n-th matching call is hit depends on the rule's seed and on n alone, and n outlives the simulator, so a
run can be repeated.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path

from lab.vultr import files

KINDS = {
    "429": "too many requests; seconds: with a Retry-After of so many (0: without)",
    "500": "an error instead of the work",
    "500-after": "an error after the work was done",
    "cut-before": "the connection is cut before the work",
    "cut-after": "the work is done, the reply is lost",
    "torn": "the work is done, the connection is cut in the middle of the reply",
    "slow": "the answer comes after so many seconds",
    "pending": "what the call makes stays pending for so many seconds",
    "capacity": "no capacity in the region",
    "quota": "the account has as many instances as it may have",
    "rate": "more than `per_second` calls in a second get a 429; seconds: as for 429",
}


@dataclass(frozen=True)
class Rule:
    """One fault: which calls it hits, how often, and how."""

    kind: str
    method: str = "*"
    """A method, several with commas, or `*`."""
    path: str = "*"
    """A pattern for the path below /v2, `*` standing for anything: `/instances`, `/blocks/*/attach`."""
    account: str = "*"
    probability: float = 1.0
    seed: int = 0
    count: int | None = None
    """So many hits, then never again; None: without end."""
    seconds: float = 0
    per_second: int = 0
    status: int = 0
    """Another status than the kind's own: 503 instead of 429 or 500."""
    text: str = ""
    """Another text than the kind's own."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no fault {self.kind!r}: one of {', '.join(KINDS)}")

    def matches(self, method: str, path: str, account: str) -> bool:
        """Whether a call is one of those that the rule is about."""
        methods = self.method.upper().split(",")
        return (
            ("*" in methods or method in methods)
            and fnmatch(path, self.path)
            and fnmatch(account, self.account)
        )


class Faults:
    """The rules of a folder; every process that opens the folder sees and changes the same ones."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = folder / "faults.json"
        self._clock = clock
        self._rules = files.Watched(self.path, lambda content: list(content or []))

    def add(self, rule: Rule) -> None:
        """From now on; a call is hit by the first rule that hits it."""
        with files.locked(self.path):
            files.write(self.path, [*self._read(), {**asdict(rule), "seen": 0, "hits": 0, "recent": []}])

    def clear(self) -> None:
        """No fault any more."""
        with files.locked(self.path):
            files.write(self.path, [])

    def rules(self) -> list[files.Json]:
        """Every rule with what it has `seen` and how often it has hit."""
        return self._read()

    def choose(self, method: str, path: str, account: str) -> Rule | None:
        """The fault of one call, counted; None without."""
        if not self._rules.value():
            return None
        with files.locked(self.path):
            content = self._read()
            chosen = None
            for one in content:
                rule = Rule(**{key: one[key] for key in Rule.__dataclass_fields__})
                if chosen is None and rule.matches(method, path, account) and self._hits(rule, one):
                    chosen = rule
            files.write(self.path, content)
        return chosen

    def _hits(self, rule: Rule, one: files.Json) -> bool:
        number = one["seen"]
        one["seen"] += 1
        if rule.count is not None and one["hits"] >= rule.count:
            return False
        if random.Random(f"{rule.seed} {number}").random() >= rule.probability:  # noqa: S311 - no secret
            return False
        if rule.kind == "rate" and not self._too_many(rule, one):
            return False
        one["hits"] += 1
        return True

    def _too_many(self, rule: Rule, one: files.Json) -> bool:
        now = self._clock()
        one["recent"] = [at for at in one["recent"] if now - at < 1]
        if len(one["recent"]) >= rule.per_second:
            return True
        one["recent"].append(now)
        return False

    def _read(self) -> list[files.Json]:
        return [dict(one) for one in files.Watched(self.path, lambda content: list(content or [])).value()]
