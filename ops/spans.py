"""A trace as Jaeger's query API tells it (`/api/traces/<id>`): spans, and the processes that they ran in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

_PROJECT: Final = ("codeb.project", "project")
_STATUS: Final = ("http.response.status_code", "http.status_code")


@dataclass(frozen=True)
class Span:
    """One piece of work; `parent` is the id of what it is part of, "" for none. Moments and lengths in microseconds.

    `project` is the one that the app said it is of, `status` the HTTP status or `error`, each "" for none.
    """

    id: str
    parent: str
    name: str
    service: str
    project: str
    start_us: int
    duration_us: int
    status: str

    def document(self) -> dict[str, object]:
        """For programs."""
        return asdict(self)


def spans(document: object) -> list[Span]:
    """The spans of the first trace, in the order of their beginnings; what is no span is left out."""
    traces = document.get("data") if isinstance(document, dict) else None
    first = traces[0] if isinstance(traces, list) and traces and isinstance(traces[0], dict) else {}
    processes = first.get("processes")
    known = processes if isinstance(processes, dict) else {}
    rows = first.get("spans")
    found = [
        _span(each, known.get(str(each.get("processID"))))
        for each in (rows if isinstance(rows, list) else ())
        if isinstance(each, dict) and each.get("spanID")
    ]
    return sorted(found, key=lambda span: (span.start_us, span.id))


def _span(each: Mapping[str, Any], process: object) -> Span:
    process = process if isinstance(process, dict) else {}
    tags, of_process = _tags(each.get("tags")), _tags(process.get("tags"))
    return Span(
        id=str(each["spanID"]),
        parent=_parent(each.get("references")),
        name=str(each.get("operationName", "")),
        service=str(process.get("serviceName", "")),
        project=next((of_process[key] for key in _PROJECT if of_process.get(key)), ""),
        start_us=_whole(each.get("startTime")),
        duration_us=_whole(each.get("duration")),
        status=next(
            (tags[key] for key in _STATUS if tags.get(key)), "error" if tags.get("error") == "True" else ""
        ),
    )


def _tags(rows: object) -> dict[str, str]:
    return {
        str(each.get("key")): str(each.get("value"))
        for each in (rows if isinstance(rows, list) else ())
        if isinstance(each, dict)
    }


def _parent(references: object) -> str:
    rows: Sequence[object] = references if isinstance(references, list) else ()
    return next(
        (
            str(each.get("spanID", ""))
            for each in rows
            if isinstance(each, dict) and each.get("refType") == "CHILD_OF"
        ),
        "",
    )


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
