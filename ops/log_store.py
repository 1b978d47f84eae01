"""What the log store has of a project, in its own language: VictoriaLogs' LogsQL, or Loki's LogQL.

Labels are `project`, `colour`, `server` and `kind` (docs/monitoring-setup.md). Secrets were masked on the way there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ops import logs, words
from ops.access import Server
from ops.fleet import Ask
from ops.logs import Query
from ops.result import Result, failed
from ops.streams import Heard
from ops.watching import Question, Said, Unwatched, asked, watcher

_STORE: Final = "log store"
_UNASKED: Final = "access"
"""What is left out when nobody says which kinds: a line for each request hides all others."""
_BACK: Final = timedelta(days=1)
_MOST_OF_LOKI: Final = 5000
"""Loki's own limit, unless it is configured otherwise."""
_OF_CADDY: Final = ("access", "error")
"""Kinds whose lines Caddy writes: what an app writes of a request is shown as it wrote it."""
_LONGEST_S: Final = 10**9
_TRACE_FIELDS: Final = ("trace_id", "traceID")
_MOMENT: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?Z")


def stored(query: Query, stack: str, servers: Sequence[Server], ask: Ask, now: datetime) -> Result:
    """The newest lines that the store has, oldest first; ok when it answered."""
    try:
        answers = asked(watcher(servers, stack), of_project(query, now), ask)
    except Unwatched as error:
        return failed(error)
    problems = (
        {_STORE: " ".join(said)} if (said := [each.problem for each in answers if each.problem]) else {}
    )
    lines = found(answers)[-query.lines :] if query.lines else []
    document = {
        "ok": not problems,
        "project": query.project,
        "entries": [logs.entry(each) for each in lines],
        "problems": problems,
        "warnings": [],
        "here": bool(lines),
    }
    told = [words.clean(problem) for problem in problems.values()]
    if not lines and not problems:
        told.append("the log store has no such lines: --since looks further back, --kind at others")
    several = len(servers) > 1
    return Result(document, tuple(logs.shown(each, several=several) for each in lines), tuple(told))


def of_project(query: Query, now: datetime) -> list[Question]:
    """The question in each store's language."""
    since, until = _bounds(query, now)
    logsql = " ".join(
        [
            f"project:={_quoted(query.project)}",
            f"kind:in({','.join(map(_quoted, query.kinds))})"
            if query.kinds
            else f"!kind:={_quoted(_UNASKED)}",
            f"_msg:~{_quoted(_in_any_case(query.grep))}" if query.grep else "",
        ]
    ).strip()
    logql = " ".join(
        [
            f"{{project={_quoted(query.project)}}}",
            f"| kind=~{_quoted('|'.join(query.kinds))}" if query.kinds else f"| kind!={_quoted(_UNASKED)}",
            f"|~ {_quoted(_in_any_case(query.grep))}" if query.grep else "",
        ]
    ).strip()
    return _questions(logsql, logql, since, until, query.lines)


def of_trace(trace: str, since: datetime, until: datetime, lines: int) -> list[Question]:
    """Lines of all projects that bear a trace's id, in their text or beside it."""
    logsql = " or ".join([_quoted(trace), *(f"{field}:={_quoted(trace)}" for field in _TRACE_FIELDS)])
    return _questions(logsql, f'{{project=~".+"}} |= {_quoted(trace)}', since, until, lines)


def found(answers: Sequence[Said]) -> list[Heard]:
    """The lines of the answers, oldest first, as agents tell theirs."""
    lines = [
        line for each in answers if each.ok for line in (*_of_victorialogs(each.text), *_of_loki(each.json()))
    ]
    return sorted(lines, key=lambda each: each.at)


def _questions(logsql: str, logql: str, since: datetime, until: datetime, lines: int) -> list[Question]:
    bounds = {"start": _iso(since), "end": _iso(until)}
    loki = {"direction": "backward", "limit": str(min(max(lines, 1), _MOST_OF_LOKI))}
    return [
        Question(
            "logs",
            "/select/logsql/query",
            {"query": logsql, "limit": str(max(lines, 1)), **bounds},
            store="victorialogs",
        ),
        Question("logs", "/loki/api/v1/query_range", {"query": logql, **loki, **bounds}, store="loki"),
    ]


def _bounds(query: Query, now: datetime) -> tuple[datetime, datetime]:
    """`since` and `until` are moments, or so many seconds ago; a day when nobody says."""

    def moment(text: str, otherwise: datetime) -> datetime:
        if not text:
            return otherwise
        return now - timedelta(seconds=int(text)) if text.isdigit() else datetime.fromisoformat(text)

    until = moment(query.until, now + timedelta(minutes=1))
    return moment(query.since, min(until, now) - _BACK), until


def _in_any_case(text: str) -> str:
    """A regular expression (RE2) for a text, wherever it stands."""
    return f"(?i){re.escape(text)}"


def _quoted(text: str) -> str:
    """A string of both languages, which are read by Go: JSON's escapes are Go's, but for halves of characters."""
    return json.dumps(text, ensure_ascii=False)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _of_victorialogs(text: str) -> Iterator[Heard]:
    """A line of JSON each, with all its fields. Other ends of lines than this one an app may have written."""
    for line in text.split("\n"):
        row = _object(line)
        if "_time" in row and "_msg" in row:
            yield _heard(row, str(row["_time"]), str(row["_msg"]))


def _of_loki(document: object) -> Iterator[Heard]:
    """Streams, each with its labels and lines: nanoseconds since 1970, and text."""
    data = document.get("data") if isinstance(document, dict) else None
    streams = data.get("result") if isinstance(data, dict) else None
    for stream in streams if isinstance(streams, list) else ():
        labels, values = (
            (stream.get("stream"), stream.get("values")) if isinstance(stream, dict) else (None, None)
        )
        for value in values if isinstance(values, list) else ():
            if (
                isinstance(labels, dict)
                and isinstance(value, list)
                and len(value) >= 2
                and str(value[0]).isdigit()
            ):
                moment = datetime.fromtimestamp(int(value[0]) // 1000 / 1_000_000, UTC)
                yield _heard(labels, _iso(moment), str(value[1]))


def _heard(labels: Mapping[str, Any], at: str, text: str) -> Heard:
    facts = {key: str(labels[key]) for key in ("project", "colour") if labels.get(key)}
    kind = str(labels.get("kind", ""))
    document = {"at": _at(at), "kind": kind, **facts, "text": readable(text) if kind in _OF_CADDY else text}
    return Heard(str(labels.get("server", "")), document)


def _at(text: str) -> str:
    """A moment to the microsecond, so that moments can be compared as texts."""
    match = _MOMENT.fullmatch(text)
    return f"{match[1]}.{(match[2] or '')[:6]:0<6}Z" if match else text


def readable(text: str) -> str:
    """A request as the agents tell it, of Caddy's line in JSON; any other text as it is."""
    said = _object(text) if text.startswith("{") else {}
    request = said.get("request")
    if not isinstance(request, dict) or "status" not in said:
        return text
    took = said.get("duration")
    parts = [
        *(request.get("client_ip", "?"), request.get("method", "?")),
        f"{request.get('host', '')}{request.get('uri', '')}",
        *(said["status"], f"{said.get('size', '?')} B"),
        f"{took * 1000:.0f} ms" if isinstance(took, int | float) and 0 <= took < _LONGEST_S else "?",
        *([f"trace {said['traceID']}"] if said.get("traceID") else []),
    ]
    return " ".join(map(str, parts))


def _object(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
