"""`logs`: what a project's containers, Caddy and the agents wrote, of all servers, by time. Secrets are masked there."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ops import streams, words
from ops.access import Server
from ops.result import Result
from ops.streams import Heard, Tell

_LINES: Final = 100
_AGO: Final = re.compile(r"([1-9][0-9]{0,5})([smhd])")
_COLOURS: Final = re.compile(r"\x1b\[[0-9;:]{0,40}m")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_FIRST_MOMENT: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Query:
    """What is wanted. `since` and `until` as `moment` gives them, "" for no bound; no `kinds`: all but requests."""

    project: str
    kinds: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    lines: int = _LINES
    grep: str = ""

    def document(self, *, follow: bool) -> dict[str, object]:
        """What the agents are sent."""
        return {
            "version": 1, "project": self.project, "kinds": list(self.kinds), "since": self.since, "until": self.until,
            "lines": self.lines, "grep": self.grep, "follow": follow,
        }  # fmt: skip


def moment(text: str) -> str:
    """`10m` (that long ago, by each server's own clock) or a time (`2026-11-27T12:00`, UTC where it names no zone).

    Raises ValueError.
    """
    ago = _AGO.fullmatch(text)
    if ago:
        return str(int(ago[1]) * _SECONDS[ago[2]])
    found = datetime.fromisoformat(text)
    found = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    if found < _FIRST_MOMENT + timedelta(days=1):
        raise ValueError(text)
    return found.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def logs(query: Query, servers: Sequence[Server], tell: Tell) -> Result:
    """The newest lines of all servers together, oldest first; ok when each answered and one knows the project."""
    with closing(streams.heard(servers, "logs", query.document(follow=False), tell)) as arrivals:
        found = [each for each in arrivals if each is not None]
    lines = sorted((each for each in found if each.at), key=lambda each: each.at)
    lines = lines[-query.lines :] if query.lines else []
    problems = {each.server: why for each in found if (why := problem(each))}
    warnings = [f"{each.server}: {text}" for each in found for text in _warnings(each)]
    here = any(each.document.get("here") for each in found)
    document = {
        "ok": here and not problems,
        "project": query.project,
        "entries": [entry(each) for each in lines],
        "problems": problems,
        "warnings": warnings,
        "here": here,
    }
    told = [words.clean(f"{server}: {why}") for server, why in problems.items()] + list(
        map(words.clean, warnings)
    )
    if not here and len(problems) < len(servers):
        told.append(
            f"{query.project} is not on {', '.join(s.name for s in servers if s.name not in problems)}"
        )
    elif here and not lines:
        told.append("no such lines: --since looks further back, --kind at others")
    return Result(document, tuple(shown(each, several=len(servers) > 1) for each in lines), tuple(told))


def follow(query: Query, servers: Sequence[Server], tell: Tell) -> Generator[Heard, None, None]:
    """The same, then what comes, until every server has ended. Closing it logs out of all servers."""
    with closing(streams.heard(servers, "logs", query.document(follow=True), tell)) as arrivals:
        yield from streams.in_order(arrivals, len(servers), query.lines)


def problem(each: Heard) -> str:
    """Why a server tells nothing more, "" for no reason but its end."""
    if each.problem or each.document.get("ok") is not False:
        return each.problem
    return f"the agent refuses: {each.document.get('cause', 'no cause')}"


def entry(each: Heard) -> dict[str, object]:
    """A line for programs."""
    return {"server": each.server, **each.document}


def shown(each: Heard, *, several: bool) -> str:
    """A line for people: time (UTC), server where there are several, what wrote it, its text."""
    document = each.document
    source = "/".join(str(document[key]) for key in ("kind", "colour", "name") if document.get(key))
    moment = str(document.get("at", "")).replace("T", " ")[:23]
    where = f"{words.clean(each.server)}  " if several else ""
    return f"{words.clean(moment)}  {where}{words.clean(source):<10}  {_plain(document.get('text', ''))}"


def _plain(text: object) -> str:
    """A line without the colours that its program gave it."""
    return words.clean(_COLOURS.sub("", str(text)).replace("\t", "  "))


def _warnings(each: Heard) -> list[str]:
    found: Any = each.document.get("warnings", [])
    return [str(text) for text in found] if isinstance(found, list) else []
