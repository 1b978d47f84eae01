"""A project's lines where the host keeps them: the journal's of its containers and of Caddy, the audit log's.

Whose a line is, containers can't say: journald has its unit from the kernel, and conmon and systemd name the container.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from agent.host import paths
from agent.host.paths import COLOURS

OWN: Final = frozenset({"app", "worker", "job"})
"""Kinds of lines that a project's own containers write."""
_LONGEST: Final = 1 << 16
"""Characters of a line that are kept; what comes after them is dropped with the rest of it, as a secret may begin before."""
_ACCESS: Final = "http.log.access"
_OF_AUDIT: Final = frozenset(
    {"project", "at", "id", "outcome", "image", "digest", "colour", "by", "duration_s", "cause"}
)


@dataclass(frozen=True)
class Line:
    """`at` in microseconds since 1970; `name` of a worker or cron job; `part`: the container's next line goes on with it."""

    at: int
    kind: str
    text: str
    colour: str = ""
    name: str = ""
    source: str = ""
    part: bool = False


class Own:
    """The lines of the project's own containers: app, workers, release command, cron jobs."""

    def __init__(self, project: str) -> None:
        self._project = project
        self._name = re.compile(
            rf"codeb-{re.escape(project)}-(?:(?P<colour>blue|green)(?:-w-(?P<worker>.+))?|(?P<job>job)|cron-(?P<cron>.+))"
        )

    def matches(self) -> list[str]:
        """What journalctl is to look for: the identifier of all, and names of those of old releases, which had none."""
        named = [paths.container(self._project, colour) for colour in COLOURS]
        named.append(paths.release_command(self._project))
        alternatives = (("+", f"CONTAINER_NAME={name}") for name in named)
        return [f"SYSLOG_IDENTIFIER={self._project}", *(word for pair in alternatives for word in pair)]

    def line(self, text: str) -> Line | None:
        """A row of journalctl; None when the project didn't write it."""
        row = _object(text)
        container = str(row.get("CONTAINER_NAME") or "")
        named = container or str(row.get("_SYSTEMD_UNIT")).removesuffix(".service")
        found = self._name.fullmatch(named)
        if found is None or not (container or row.get("SYSLOG_IDENTIFIER") == self._project):
            return None
        job = found["job"] or found["cron"]
        kind = "job" if job else "worker" if found["worker"] else "app"
        name = "release" if found["job"] else found["cron"] or found["worker"] or ""
        cut = row.get("CONTAINER_PARTIAL_MESSAGE") == "true" or row.get("_LINE_BREAK") == "line-max"
        return Line(_at(row), kind, _message(row), found["colour"] or "", name, named, cut)


class Access:
    """The lines of Caddy's access log about some hosts; `*.example.com` stands for any one name before the dot."""

    def __init__(self, hosts: Iterable[str]) -> None:
        patterns = [re.escape(host).replace(r"\*", r"[^.\":]+") for host in hosts]
        self.words = rf'"host":"(?:{"|".join(patterns)})\.?[":]'
        self._host = re.compile(rf"(?:{'|'.join(patterns)})\.?(?::[0-9]+)?", re.IGNORECASE)

    def matches(self) -> list[str]:
        """What journalctl is to look for."""
        return [f"_SYSTEMD_UNIT={paths.CADDY_SERVICE}"]

    def line(self, text: str) -> Line | None:
        """A row of journalctl; None when it is no request for these hosts."""
        row = _object(text)
        said = _object(_message(row))
        request = said.get("request")
        if not str(said.get("logger", "")).startswith(_ACCESS) or not isinstance(request, dict):
            return None
        if not self._host.fullmatch(str(request.get("host", ""))):
            return None
        return Line(_at(row), "access", _request(said, request))


class Audit:
    """The lines of the audit log about a project."""

    def __init__(self, project: str) -> None:
        self._project = project

    def line(self, text: str) -> Line | None:
        """A line of the file; None when it is about another."""
        said = _object(text)
        if said.get("project") != self._project:
            return None
        try:
            at = round(datetime.fromisoformat(str(said.get("at"))).timestamp() * 1_000_000)
        except (ValueError, OverflowError):
            return None
        return Line(at, "audit", _act(said))


class Whole:
    """Puts lines together that were cut on their way to the journal: a secret may have been cut in two."""

    def __init__(self, *, newest_first: bool) -> None:
        self._backwards = newest_first
        self._begun: dict[str, Line] = {}

    def add(self, line: Line) -> Iterator[Line]:
        """The lines that are whole now."""
        before = self._begun.pop(line.source, None)
        if self._backwards:
            if before and line.part:
                line = _joined(line, before)
            elif before:
                yield before
            self._begun[line.source] = line
            return
        whole = _joined(before, line) if before else line
        if line.part:
            self._begun[line.source] = whole
        else:
            yield whole

    def rest(self) -> Iterator[Line]:
        """What nothing more will come of."""
        begun, self._begun = self._begun, {}
        yield from begun.values()


def _joined(first: Line, last: Line) -> Line:
    return replace(first, text=(first.text + last.text)[:_LONGEST], part=False)


def _object(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _at(row: Mapping[str, Any]) -> int:
    text = str(row.get("__REALTIME_TIMESTAMP"))
    return int(text) if text.isdigit() else 0


def _message(row: Mapping[str, Any]) -> str:
    """What was written. journalctl gives what isn't printable as numbers."""
    message = row.get("MESSAGE")
    if isinstance(message, list):
        message = bytes(n for n in message if isinstance(n, int) and 0 <= n < 256).decode("utf-8", "replace")
    return message.rstrip("\r\n") if isinstance(message, str) else ""


def _request(said: Mapping[str, Any], request: Mapping[str, Any]) -> str:
    took = said.get("duration")
    milliseconds = f"{took * 1000:.0f} ms" if isinstance(took, int | float) else "?"
    words = [
        *(request.get("client_ip", "?"), request.get("method", "?")),
        f"{request.get('host', '')}{request.get('uri', '')}",
        *(said.get("status", "?"), f"{said.get('size', '?')} B", milliseconds),
        *([f"by {said['upstream']}"] if said.get("upstream") else []),
        *([f"trace {said['traceID']}"] if said.get("traceID") else []),
        *([json.dumps(said["user_agent"], ensure_ascii=False)] if said.get("user_agent") else []),
    ]
    return " ".join(map(str, words))


def _act(said: Mapping[str, Any]) -> str:
    words = [str(said[key]) for key in ("id", "outcome", "image") if said.get(key)]
    words += [f"by {said['by']}"] if said.get("by") else []
    words += [f"took {said['duration_s']} s"] if said.get("duration_s") else []
    words += [f"{key}: {said[key]}" for key in sorted(set(said) - _OF_AUDIT) if said[key]]
    words += [f"cause: {said['cause']}"] if said.get("cause") else []
    return ", ".join(words) if len(words) > 3 else " ".join(words)
