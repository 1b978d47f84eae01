"""`top`: what each project takes and how it does, from Prometheus' recording rules."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ops import words
from ops.access import Server
from ops.fleet import Ask
from ops.result import Result, failed
from ops.watching import Question, Said, Unwatched, asked, vector, watcher

Figures = Mapping[str, float]
"""By project."""

_QUERY: Final = "/api/v1/query"
RULES: Final[Mapping[str, tuple[str, Callable[[float, float], float]]]] = {
    "state": ("codeb:state", max),
    "cpu_cores": ("codeb:cpu_cores", lambda one, other: one + other),
    "memory_bytes": ("codeb:memory_bytes", lambda one, other: one + other),
    "requests_per_s": ("codeb:requests:rate1m", lambda one, other: one + other),
    "p95_s": ("codeb:latency_seconds:p95", max),
    "error_ratio": ("codeb:errors:ratio5m", max),
}
"""What is asked for, by the key of the answer, and what several series of a project make together."""
STATES: Final = ("HEALTHY", "DEGRADED", "DOWN", "MAINTENANCE")
"""By the value of `codeb:state`."""
BY: Final = {
    "cpu": "cpu_cores",
    "memory": "memory_bytes",
    "requests": "requests_per_s",
    "p95": "p95_s",
    "errors": "error_ratio",
}
"""What rows can be sorted by, besides the project's name."""
_NONE_YET: Final = (
    "Prometheus has no figures of projects yet: the first come within two minutes after it started"
)


def top(stack: str, servers: Sequence[Server], ask: Ask, by: str = "cpu") -> Result:
    """A row a project, the largest first; ok when Prometheus answered."""
    questions = [Question("prometheus", _QUERY, {"query": name}) for name, _ in RULES.values()]
    try:
        answers = asked(watcher(servers, stack), questions, ask)
    except Unwatched as error:
        return failed(error)
    problems = list(dict.fromkeys(each.problem for each in answers if each.problem))
    found = {
        key: _figures(said, together)
        for (key, (_, together)), said in zip(RULES.items(), answers, strict=True)
    }
    rows = [_row(project, found) for project in sorted(set().union(*found.values()))]
    if by != "project":
        rows.sort(key=lambda row: _largest_first(row[BY[by]]))
    document = {"ok": not problems, "projects": rows, "problems": problems}
    if not rows and not problems:
        return Result(document, problems=(_NONE_YET,))
    return Result(document, tuple(_table(rows)), tuple(words.clean(problem) for problem in problems))


def _figures(said: Said, together: Callable[[float, float], float]) -> Figures:
    """What an instant query found, by project; what is no number (no request, so no latency) is left out."""
    found: dict[str, float] = {}
    for labels, value in vector(said):
        project = labels.get("project")
        if isinstance(project, str):
            found[project] = together(found[project], value) if project in found else value
    return found


def _row(project: str, found: Mapping[str, Figures]) -> dict[str, Any]:
    row: dict[str, Any] = {"project": project, **{key: found[key].get(project) for key in found}}
    row["state"] = _state(row["state"])
    return row


def _state(value: float | None) -> str | None:
    return STATES[int(value)] if value is not None and value in range(len(STATES)) else None


def _largest_first(value: float | None) -> float:
    return math.inf if value is None else -value


def _table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    cells = [
        [
            words.clean(row["project"]),
            row["state"] or "-",
            _shown(row["cpu_cores"], lambda cores: f"{cores:.2f}"),
            words.size(row["memory_bytes"]),
            _shown(row["requests_per_s"], lambda rate: f"{rate:.1f}"),
            _shown(row["p95_s"], lambda length: f"{length * 1000:.0f} ms"),
            _shown(row["error_ratio"], lambda ratio: f"{ratio * 100:.1f} %"),
        ]
        for row in rows
    ]
    return words.table(("PROJECT", "STATE", "CPU", "MEMORY", "REQ/S", "P95", "5XX"), cells)


def _shown(value: float | None, words_of: Callable[[float], str]) -> str:
    return "-" if value is None else words_of(value)
