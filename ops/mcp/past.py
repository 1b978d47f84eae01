"""`logs` and `releases`: what became of a project, as its servers wrote it down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from mcp.server.mcpserver.exceptions import ToolError

from ops.logs import Query, logs, moment
from ops.mcp import hosts
from ops.mcp.answers import Logs, OneRelease, Releases
from ops.mcp.untrusted import plain, untrusted
from ops.mcp.world import World
from ops.releases import releases

_MOST: Final = 50


def query(project: str, kinds: Iterable[str], since: str, grep: str, lines: int) -> Query:
    """What is asked of the agents. Raises ToolError."""
    try:
        return Query(project, tuple(kinds), since=moment(since) if since else "", lines=lines, grep=grep)
    except (ValueError, OverflowError):
        raise ToolError("since is no time: write 10m, 2h, 1d, or for example 2026-11-27T12:00Z") from None


def read_logs(world: World, stack: str, wanted: Query) -> Logs:
    """The newest lines, oldest first."""
    result = logs(wanted, hosts.servers(world, stack), world.tell)
    return Logs(
        ok=result.ok,
        stack=stack,
        project=wanted.project,
        lines=len(_list(result.document.get("entries"))),
        silent=_silent(result.document),
        said=untrusted([*result.problems, *result.lines]),
    )


def read_releases(world: World, stack: str, project: str) -> Releases:
    """All that its servers remember."""
    result = releases(project, stack, hosts.servers(world, stack), world.ask)
    found = [each for each in _list(result.document.get("releases")) if isinstance(each, Mapping)]
    causes = [line for each in found[:_MOST] for line in _causes(each)]
    return Releases(
        ok=result.ok,
        stack=stack,
        project=project,
        releases=[_release(each) for each in found[:_MOST]],
        silent=_silent(result.document),
        said=untrusted([*causes, *result.problems]),
    )


def _release(found: Mapping[str, Any]) -> OneRelease:
    past = next(iter(_parts(found).values()), {})
    return OneRelease(
        at=plain(found.get("at")),
        outcome=plain(found.get("outcome")),
        half=bool(found.get("half")),
        image=plain(past.get("image")),
        by=plain(past.get("by")),
        serves=[plain(server) for server in _list(found.get("serves"))],
    )


def _causes(found: Mapping[str, Any]) -> list[str]:
    return [
        f"{past.get('at')}, {past.get('outcome')} on {server}: {past.get('cause') or past.get('why')}"
        for server, past in _parts(found).items()
        if past.get("cause") or past.get("why")
    ]


def _parts(found: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    parts = found.get("servers")
    return parts if isinstance(parts, Mapping) else {}


def _silent(document: Mapping[str, object]) -> list[str]:
    problems = document.get("problems")
    return [plain(server) for server in problems] if isinstance(problems, Mapping) else []


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
