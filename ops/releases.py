"""`releases`: the history of a project on all its servers, joined: one row a release, and where it is half."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from ops import fleet, words
from ops.access import Server
from ops.fleet import Ask, Reply
from ops.result import Result

_APART_S: Final = 6 * 3600
"""How far apart servers may have got the same release: a canary may take hours on each."""

Past = Mapping[str, Any]


@dataclass
class Release:
    """One release or rollback: what each server that had it remembers. `missing`: servers that would remember, and don't."""

    parts: dict[str, Past] = field(default_factory=dict)
    serves: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def at(self) -> str:
        """When the first server had it."""
        return min(str(past.get("at", "")) for past in self.parts.values())

    @property
    def outcomes(self) -> set[str]:
        """How it ended; more than one where servers differ."""
        return {str(past.get("outcome", "")) for past in self.parts.values()}

    @property
    def half(self) -> bool:
        """Whether servers differ."""
        return len(self.outcomes) > 1 or bool(self.missing)


def releases(project: str, stack: str, servers: Sequence[Server], ask: Ask) -> Result:
    """Ask all servers what they remember; ok when each answered and the newest release is the same everywhere."""
    replies = list(fleet.ask_each(servers, "status", {"version": 1, "project": project}, ask).values())
    found = {reply.server: each for reply in replies for each in fleet.projects(reply)[:1]}
    joined = join({server: _history(each) for server, each in found.items()})
    for server, each in found.items():
        _mark(joined, server, each.get("release"))
    problems = [f"{words.clean(r.server)}: {words.clean(r.problem)}" for r in replies if not r.ok]
    answered = [words.clean(reply.server) for reply in replies if reply.ok]
    if answered and not found:
        problems.append(words.nowhere(project, stack, answered))
    half = bool(joined) and joined[0].half
    if half:
        problems.append(f"{project} is half: {_where(joined[0])}")
    well = bool(found) and not half and all(reply.ok for reply in replies)
    return Result(
        _document(project, replies, joined, well), tuple(_table(joined, len(found))), tuple(problems)
    )


def join(histories: Mapping[str, Sequence[Past]]) -> list[Release]:
    """The same releases of several servers as one, newest first. Each history is newest first.

    Numbers are each server's own: what is the same is told by image, kind and time, in the order of each server.
    """
    found: list[Release] = []
    reached: dict[str, int] = {}
    entries = [(server, past) for server, pasts in histories.items() for past in pasts]
    for server, past in sorted(entries, key=lambda each: str(each[1].get("at", ""))):
        start = reached.get(server, -1) + 1
        same = next((n for n in range(start, len(found)) if _same(found[n], past)), None)
        if same is None:
            found.append(Release())
            same = len(found) - 1
        found[same].parts[server] = past
        reached[server] = same
    oldest = {
        server: min(str(past.get("at", "")) for past in pasts) for server, pasts in histories.items() if pasts
    }
    for each in found:
        each.missing = [s for s in oldest if s not in each.parts and oldest[s] < each.at]
    return found[::-1]


def _same(release: Release, past: Past) -> bool:
    other = next(iter(release.parts.values()))
    digests = {str(each.get("digest")) for each in (other, past) if each.get("digest")}
    alike = other.get("image") == past.get("image") and len(digests) < 2 and _kind(other) == _kind(past)
    return alike and _seconds(past) - _seconds(other) < _APART_S


def _kind(past: Past) -> str:
    """What was done: a release that failed here and went well there is the same."""
    outcome = str(past.get("outcome", ""))
    return "released" if outcome in ("failed", "interrupted") else outcome


def _seconds(past: Past) -> float:
    try:
        return datetime.fromisoformat(str(past.get("at"))).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def _history(status: Mapping[str, Any]) -> list[Past]:
    found = status.get("history", [])
    return [past for past in found if isinstance(past, Mapping)] if isinstance(found, list) else []


def _mark(joined: Sequence[Release], server: str, serving: object) -> None:
    """Note which release serves there."""
    which = serving.get("id") if isinstance(serving, Mapping) else None
    for each in joined:
        if server in each.parts and which and each.parts[server].get("id") == which:
            each.serves.append(server)


def _where(release: Release) -> str:
    """What became of it on which server."""
    said = [f"{past.get('outcome')} on {server}" for server, past in release.parts.items()]
    return words.clean(", ".join([*said, *(f"never on {server}" for server in release.missing)]))


def _document(
    project: str, replies: Sequence[Reply], joined: Sequence[Release], well: bool
) -> dict[str, object]:
    return {
        "ok": well,
        "project": project,
        "releases": [
            {
                "at": each.at,
                "outcome": next(iter(each.outcomes)) if len(each.outcomes) == 1 else "half",
                "half": each.half,
                "serves": each.serves,
                "missing": each.missing,
                "servers": dict(each.parts),
            }
            for each in joined
        ],
        "problems": {reply.server: reply.problem for reply in replies if not reply.ok},
    }


def _table(joined: Sequence[Release], servers: int) -> list[str]:
    heads = ("ID", "IMAGE", "DIGEST", "WHEN", "BY", "OUTCOME", "TOOK", "SERVES", "CAUSE")
    return words.table(heads, [list(_row(each, servers)) for each in joined]) if joined else []


def _row(each: Release, servers: int) -> Iterator[str]:
    pasts = list(each.parts.values())
    ids = dict.fromkeys(str(past.get("id") or "-") for past in pasts)
    yield words.clean("/".join(ids))
    yield words.clean(pasts[0].get("image") or "-")
    yield words.short(next((past["digest"] for past in pasts if past.get("digest")), ""))
    yield words.clean(each.at).replace("T", " ").removesuffix("Z")
    yield words.clean(pasts[0].get("by") or "-")
    yield f"half: {_where(each)}" if each.half else words.clean(pasts[0].get("outcome") or "-")
    lengths = [past.get("duration_s") for past in pasts]
    yield words.seconds(max((each for each in lengths if isinstance(each, int | float)), default=0))
    everywhere = len(each.serves) == servers
    yield "yes" if each.serves and everywhere else words.clean(", ".join(each.serves)) or "-"
    causes = dict.fromkeys(
        str(past.get("cause") or past["why"]) for past in pasts if past.get("cause") or past.get("why")
    )
    yield words.clean("; ".join(causes)) or "-"
