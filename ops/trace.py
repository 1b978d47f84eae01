"""`trace`: one request by its id: what Caddy wrote of it, what apps wrote meanwhile, and its trace, joined.

The trace itself may be missing: most are not kept (`codeb:monitoring`), and lines bear the id all the same. Where the log
store does not answer, or nothing watches the stack, the servers' own journals are asked, which takes a project.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from ops import log_store, logs, words
from ops.access import Server
from ops.app_commands import KINDS
from ops.fleet import Ask
from ops.logs import Query
from ops.result import Result
from ops.spans import Span, spans
from ops.streams import Heard, Tell
from ops.watching import Question, Said, Unwatched, asked, watcher

_LINES: Final = 1000
_NOT_KEPT: Final = "Jaeger has no trace of this id: it was not kept, it is too old, or it has not ended yet"


@dataclass(frozen=True)
class Wanted:
    """A trace's id (32 hexadecimal digits); the project whose journals are asked if need be, "" for none; how far back."""

    id: str
    project: str
    back: timedelta


def trace(
    wanted: Wanted, stack: str, servers: Sequence[Server], ask: Ask, tell: Tell, now: datetime
) -> Result:
    """All that bears the id; ok when anything does."""
    kept, lines, problems = _watched(wanted, stack, servers, ask, now)
    project = wanted.project or next((each.project for each in kept if each.project), "")
    if problems and project and not lines:
        told, silent = _journals(wanted, project, servers, tell)
        lines, problems = told, [*problems, *silent]
    elif problems and not project and not lines:
        problems = [
            *problems,
            f"to have servers' journals asked instead, say whose: codeb trace {wanted.id} PROJECT",
        ]
    if not kept and not problems:
        problems = [_NOT_KEPT]
    document = {
        "ok": bool(kept or lines),
        "id": wanted.id,
        "project": project
        or next((str(each.document["project"]) for each in lines if each.document.get("project")), ""),
        "requests": [logs.entry(each) for each in lines if each.document.get("kind") == "access"],
        "lines": [logs.entry(each) for each in lines if each.document.get("kind") != "access"],
        "spans": [each.document() for each in kept],
        "problems": problems,
    }
    if not kept and not lines:
        since = f"{now - wanted.back:%Y-%m-%d %H:%M} UTC"
        problems = [*problems, f"nothing bears the id {wanted.id} since {since}: --since looks further back"]
    return Result(document, tuple(_shown(kept, lines)), tuple(map(words.clean, problems)))


def _watched(
    wanted: Wanted, stack: str, servers: Sequence[Server], ask: Ask, now: datetime
) -> tuple[list[Span], list[Heard], list[str]]:
    """Spans and lines that monitoring has, and why it has none."""
    jaeger = Question("traces", f"/api/traces/{wanted.id}", method="GET")
    store = log_store.of_trace(wanted.id, now - wanted.back, now + timedelta(minutes=1), _LINES)
    try:
        kept, *found = asked(watcher(servers, stack), [jaeger, *store], ask)
    except Unwatched as error:
        return [], [], [str(error)]
    problems = [each.problem for each in (_there(kept), *found) if each.problem]
    return spans(kept.json()) if kept.ok else [], log_store.found(found), problems


def _there(kept: Said) -> Said:
    """A trace that is not there is no failure of Jaeger's."""
    return Said(status=kept.status) if kept.status == 404 else kept


def _journals(
    wanted: Wanted, project: str, servers: Sequence[Server], tell: Tell
) -> tuple[list[Heard], list[str]]:
    since = str(int(wanted.back.total_seconds()))
    result = logs.logs(Query(project, KINDS, since, "", _LINES, wanted.id), servers, tell)
    entries: Any = result.document["entries"]
    told = [
        Heard(str(each["server"]), {key: each[key] for key in each if key != "server"}) for each in entries
    ]
    problems: Any = result.document["problems"]
    return told, [f"{server}: {why}" for server, why in problems.items()]


def _shown(kept: Sequence[Span], lines: Sequence[Heard]) -> list[str]:
    several = len({each.server for each in lines}) > 1
    shown = [logs.shown(each, several=several) for each in lines]
    return [*shown, *([""] if shown and kept else []), *_tree(kept)]


def _tree(kept: Sequence[Span]) -> list[str]:
    """Spans below the one that they are part of, with when they began after the first, and for how long they took."""
    if not kept:
        return []
    known = {each.id for each in kept}
    first = min(each.start_us for each in kept)
    below: dict[str, list[Span]] = {}
    for each in sorted(kept, key=lambda span: span.start_us):
        below.setdefault(each.parent if each.parent in known else "", []).append(each)
    rows: list[list[str]] = []
    todo = [(0, each) for each in reversed(below.pop("", []))]
    while todo:
        depth, span = todo.pop()
        rows.append(_cells(depth, span, first))
        todo += [(depth + 1, each) for each in reversed(below.pop(span.id, []))]
    return words.table(("SPAN", "OF", "AFTER", "TOOK", "STATUS"), rows)


def _cells(depth: int, span: Span, first: int) -> list[str]:
    return [
        f"{'  ' * depth}{words.clean(span.name)}",
        words.clean(span.service),
        _ms(span.start_us - first),
        _ms(span.duration_us),
        words.clean(span.status) or "-",
    ]


def _ms(microseconds: int) -> str:
    return f"{microseconds / 1000:.1f} ms"
