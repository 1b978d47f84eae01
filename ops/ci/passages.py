"""Cuts out of a log what tells why it failed, within a budget: the first error, what is around it, others, the end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ops.ci.defaults import BUDGET, SMALLEST_BUDGET

LONGEST_LINE: Final = 600
_GAP: Final = "… {} lines left out"
_GAP_COST: Final = 32
_BEFORE: Final = 8
_AFTER: Final = 25
_AROUND: Final = (2, 6)
"""Lines before and after errors that are not the first."""
_END: Final = 25
_SAME: Final = 2
"""So many lines that say the same are kept."""

_CLOSING: Final = re.compile(
    r"^##\[error\](?:Process completed with exit code \d+|The operation was canceled)\.?$"
)
_KILLED: Final = re.compile(
    r"exit(?:ed)?(?: with)?(?: code| status)?:? 137\b|OOMKilled|out of memory"
    r"|\bsignal(?:: | )(?:9|killed)\b|SIGKILL|^Killed$",
    re.IGNORECASE,
)
_ERROR: Final = re.compile(
    r"^##\[error\]"
    r"|\berror TS\d{4,5}:|^\s*\d+:\d+\s+error\s"  # TypeScript, ESLint
    r"|^npm (?:ERR!|error)|^ ?ERR_PNPM_|^\s*error (?:Command failed|An unexpected)"
    r"|^\s*(?:FAIL|FAILED|not ok)\b|^\s*[\u2715-\u2718\u00d7] "
    r"|^\s*\u25cf .* \u203a |^E {3,}\S|^_{4,} .* _{4,}$"  # Jest, node --test, pytest
    r"|lint/\S+.*\u2501{2}"  # biome
    r"|^(?:ERROR|error|Error|fatal|FATAL|panic|PANIC)\b[ :]|^#\d+ ERROR|ERROR: (?:failed|process)"  # Docker, compilers
    r"|\b[A-Z][A-Za-z]*(?:Error|Exception): |^\s*(?:Caused by|cause):"
    r"|^[\s|]*(?:error|fatal): |\bfailed in phase: |\bFATAL:|\bERROR: "  # Pulumi, our own, PostgreSQL
    r"|exited? with (?:code|status) [1-9]|exit (?:code|status)[: ]+[1-9]"
    r"|\bENOSPC\b|no space left on device|No such file or directory|command not found|Permission denied"
    r"|heap out of memory|Segmentation fault|Traceback \(most recent call last\)"
)
_HARMLESS: Final = re.compile(
    r"\b(?:0 errors?|no errors?|errors?: 0|0 failed|failed: 0)\b|^\s*(?:warning|warn)\b"
    r"|^##\[(?:group|command|debug|warning)\]",
    re.IGNORECASE,
)
_SAYS_LITTLE: Final = re.compile(
    r"^Traceback \(most recent call last\)|^npm (?:ERR!|error) (?:code|errno|path|command|A complete log)|^_{4,} "
    r"|exited? with (?:code|status) |exit (?:code|status)[: ]",
)


@dataclass(frozen=True)
class Passage:
    """What was cut out. `errors` are its error lines, the first first; none where no line looks like one."""

    text: str
    errors: tuple[str, ...] = ()

    def has(self, line: str) -> bool:
        """Whether a quoted line is really in it, but for spaces."""
        wanted = " ".join(line.split())
        return bool(wanted) and any(wanted in " ".join(each.split()) for each in self.text.split("\n"))


def passage(lines: Sequence[str], budget: int = BUDGET) -> Passage:
    """What tells why it failed, at most `budget` characters: never without the first error (its first 600 characters)."""
    shown = _without_repeats(line for line in lines if line.strip())
    errors = [number for number, line in enumerate(shown) if _is_error(line)]
    telling = [number for number in errors if not _CLOSING.match(shown[number])] or errors
    chosen = _chosen(shown, telling, max(budget, SMALLEST_BUDGET))
    return Passage(_rendered(shown, chosen), tuple(shown[number] for number in _most_telling(shown, telling)))


def _is_error(line: str) -> bool:
    return bool(_KILLED.search(line) or (_ERROR.search(line) and not _HARMLESS.search(line)))


def _most_telling(lines: Sequence[str], errors: Sequence[int]) -> list[int]:
    """Error lines that say what, before those that say that something was."""
    said = [
        number for number in errors if not _SAYS_LITTLE.search(lines[number]) or _KILLED.search(lines[number])
    ]
    return said or list(errors)


def _without_repeats(lines: Iterable[str]) -> list[str]:
    """Each line cut to its bound; what was said twice already is not said again."""
    times: dict[str, int] = {}
    kept = []
    for line in lines:
        text = line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…"
        key = text.strip()
        times[key] = times.get(key, 0) + 1
        if times[key] <= _SAME:
            kept.append(text)
    return kept


def _chosen(lines: Sequence[str], errors: Sequence[int], budget: int) -> set[int]:
    chosen: set[int] = set()
    left = budget - 2 * _GAP_COST
    for number in _by_weight(len(lines), _most_telling(lines, errors), errors):
        if number in chosen:
            continue
        cost = len(lines[number]) + 1
        if number - 1 not in chosen and number + 1 not in chosen:
            cost += _GAP_COST
        if cost <= left:
            chosen.add(number)
            left -= cost
    return chosen


def _by_weight(count: int, telling: Sequence[int], errors: Sequence[int]) -> Iterator[int]:
    """All lines that could be shown, the weightiest first."""
    first = (telling or errors or [count - 1])[:1]
    for number in first:
        yield from _window(number, 0, 3, count)
        yield from _window(number, _BEFORE, _AFTER, count)
    yield from reversed(range(max(0, count - _END), count))
    yield from telling
    for number in (*telling, *errors):
        yield from _window(number, *_AROUND, count)
    for number in first:
        yield from _window(number, 4 * _BEFORE, 4 * _AFTER, count)


def _window(number: int, before: int, after: int, count: int) -> Iterator[int]:
    yield from range(max(0, number), min(count, number + after + 1))
    yield from reversed(range(max(0, number - before), min(count, number)))


def _rendered(lines: Sequence[str], chosen: set[int]) -> str:
    parts: list[str] = []
    reached = 0
    for number in sorted(chosen):
        if number > reached:
            parts.append(_GAP.format(number - reached))
        parts.append(lines[number])
        reached = number + 1
    if reached < len(lines):
        parts.append(_GAP.format(len(lines) - reached))
    return "\n".join(parts)
