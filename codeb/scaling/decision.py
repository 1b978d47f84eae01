"""The decision itself, in the order in which its rules count: each says in words why.

1. After a step nothing is decided for the cool-down, and not before the window lies behind it as a whole.
2. Nobody measured, or somebody fresh: nothing is decided. A server that just came would make the load look lower or higher
   than it will be.
3. Busier than `above`, in the window and in both its halves: one more, up to `max`. Who is away has nothing to say: what it
   did is done by the others, and so is in their figures.
4. Less busy than `below` in the same way: the last one goes, down to `min`, if those that stay would be clearly below
   `above` with what it did, and nobody but itself is away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from codeb.model import Autoscale
from codeb.scaling.load import Seen, Situation, look

Act = Literal["add", "remove", "hold"]
ROOM: Final = 10
"""Percent points below `above` that those who stay must have left: noise alone calls nobody back."""


@dataclass(frozen=True)
class Decision:
    """`count` is the number of servers there should be; it is one more or less than there are at most. `seen` is what was
    known."""

    act: Act
    count: int
    reason: str
    seen: Seen


def decide(rules: Autoscale, situation: Situation) -> Decision:
    """One step, or none. The same situation always leads to the same decision."""
    count = len(situation.servers)
    seen = look(situation, rules.window / 1000)
    if not rules.min <= count <= rules.max:
        reason = f"{count} servers are not between {rules.min} and {rules.max}: `pulumi up` brings that about"
        return Decision("hold", count, reason, seen)
    reason = _too_early(rules, situation) or _unclear(rules, seen)
    if reason or seen.load is None or seen.halves is None:
        return Decision("hold", count, reason, seen)
    if seen.load > rules.above:
        return _busy(rules, count, seen)
    if seen.load < rules.below:
        return _idle(rules, situation.servers, seen)
    between = f"CPU {_percent(seen.load)} over {_time(rules.window / 1000)}, between {rules.below} % and {rules.above} %"
    return Decision("hold", count, between, seen)


def _too_early(rules: Autoscale, situation: Situation) -> str:
    if situation.decided is None:
        return ""
    ends = situation.decided + max(rules.cool_down, rules.window) / 1000
    if situation.now >= ends:
        return ""
    return f"the last step is too recent: the next one in {_time(ends - situation.now)} at the earliest"


def _unclear(rules: Autoscale, seen: Seen) -> str:
    window = _time(rules.window / 1000)
    if seen.fresh:
        return f"{_listed(seen.fresh)}: not measured for a whole window of {window} yet"
    if seen.load is None:
        return f"no server has been measured for a whole window of {window}"
    return ""


def _busy(rules: Autoscale, count: int, seen: Seen) -> Decision:
    said = _said(rules, seen, f"above {rules.above} %")
    if seen.halves is None or min(seen.halves) <= rules.above:
        return Decision("hold", count, f"{said}, but not all the time: a spike", seen)
    if count >= rules.max:
        return Decision("hold", count, f"{said}, and there are {count} servers already, the most (max)", seen)
    return Decision("add", count + 1, said, seen)


def _idle(rules: Autoscale, servers: Sequence[str], seen: Seen) -> Decision:
    count, last = len(servers), servers[-1]
    said = _said(rules, seen, f"below {rules.below} %")
    others = [name for name in seen.away if name != last]
    if seen.load is None or seen.halves is None or max(seen.halves) >= rules.below:
        return Decision("hold", count, f"{said}, but not all the time", seen)
    if count <= rules.min:
        return Decision("hold", count, f"{said}, and there are {count} servers, the fewest (min)", seen)
    if others:
        return Decision("hold", count, f"{said}, but nobody goes while {_listed(others)} may be needed", seen)
    staying = [name for name in seen.measured if name != last]
    then = seen.load * len(seen.measured) / len(staying) if staying else 100.0
    if then > rules.above - ROOM:
        why = f"{said}, but {count - 1} servers would be at {_percent(then)}, too close to {rules.above} %"
        return Decision("hold", count, why, seen)
    return Decision("remove", count - 1, said, seen)


def _said(rules: Autoscale, seen: Seen, side: str) -> str:
    away = f" ({_listed(seen.away)} away)" if seen.away else ""
    return f"CPU {_percent(seen.load or 0.0)} over {_time(rules.window / 1000)}, {side}{away}"


def _percent(value: float) -> str:
    return f"{value:.1f} %"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)


def _time(seconds: float) -> str:
    """`5m`, `1h30m`, `45s`: whole seconds, rounded up so that no time to wait is said to be none."""
    whole = max(1, -int(-seconds // 1))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    parts = (f"{hours}h" if hours else "", f"{minutes}m" if minutes else "", f"{left}s" if left else "")
    return "".join(parts)
