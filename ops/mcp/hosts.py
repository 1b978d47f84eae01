"""`list_projects`, `get_project`, `doctor`: what the stack's servers say, in checked words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ops import status as statuses
from ops.access import AccessError, Server
from ops.doctor import doctor
from ops.mcp.answers import Diagnosed, OneProject, Past, Projects, Running
from ops.mcp.untrusted import plain, refused, untrusted
from ops.mcp.world import World
from ops.pulumi import PulumiError
from ops.result import Result

_MOST: Final = 200

Found = Sequence[tuple[str, Mapping[str, Any]]]
"""A project's status by server."""


def servers(world: World, stack: str, *, every: bool = False) -> tuple[Server, ...]:
    """The stack's servers. Raises ToolError."""
    try:
        return world.servers(stack, every)
    except AccessError as error:
        raise refused("the servers can't be asked", error) from None


def list_projects(world: World, stack: str) -> Projects:
    """Every project on every server."""
    result = statuses.status("", stack, servers(world, stack), world.ask)
    found = _found(result)
    running = [_running(server, each) for server, each in found]
    return Projects(
        ok=result.ok,
        stack=stack,
        running=running[:_MOST],
        left_out=max(0, len(running) - _MOST),
        silent=_silent(result),
        said=untrusted([*_causes(found), *_unanswered(result)]),
    )


def get_project(world: World, stack: str, project: str) -> OneProject:
    """One project, with what the registry holds of it and its last releases."""
    result = statuses.status(project, stack, servers(world, stack), world.ask)
    found = _found(result)
    said = [*_causes(found), *_unanswered(result)]
    entry: Mapping[str, Any] = {}
    try:
        entry = _entry(world.outputs(stack), project)
    except PulumiError as error:
        said.append(f"the registry can't be read: {error}")
    return OneProject(
        ok=result.ok,
        stack=stack,
        project=project,
        **_given(entry),
        running=[_running(server, each) for server, each in found],
        history=[_past(server, past) for server, each in found for past in history_of(each)],
        silent=_silent(result),
        said=untrusted(said),
    )


def diagnose(world: World, stack: str) -> Diagnosed:
    """All that is wrong with the servers, and with the account where there is one."""
    result = doctor(servers(world, stack, every=True), world.ask, world.account(stack))
    document = result.document
    found = [each for each in _list(document.get("servers")) if isinstance(each, Mapping)]
    return Diagnosed(
        ok=result.ok,
        stack=stack,
        problems={plain(each.get("server")): len(_list(each.get("problems"))) for each in found},
        silent=[plain(each.get("server")) for each in found if each.get("problem")],
        said=untrusted([*result.lines, *result.problems]),
    )


def status_of(world: World, stack: str, project: str) -> tuple[Found, list[str]]:
    """What the servers say of a project, and why some said nothing."""
    result = statuses.status(project, stack, servers(world, stack), world.ask)
    return _found(result), _unanswered(result)


def _found(result: Result) -> list[tuple[str, Mapping[str, Any]]]:
    return [
        (str(answer["server"]), each)
        for answer in _answers(result)
        for each in _list(answer.get("projects"))
        if isinstance(each, Mapping)
    ]


def _answers(result: Result) -> list[Mapping[str, Any]]:
    return [each for each in _list(result.document.get("servers")) if isinstance(each, Mapping)]


def _silent(result: Result) -> list[str]:
    return [plain(each["server"]) for each in _answers(result) if not each["ok"]]


def _unanswered(result: Result) -> list[str]:
    return [f"{each['server']}: {each['problem']}" for each in _answers(result) if not each["ok"]]


def _causes(found: Found) -> list[str]:
    """Why what isn't well is not, and why what serves does."""
    lines = []
    for server, status in found:
        where = f"{status.get('project')} on {server}"
        lines += [f"{where}: {status['cause']}"] if status.get("cause") else []
        why = release_of(status).get("why")
        lines += [f"{where} serves as it was {why}"] if why else []
        lines += [
            f"{where}, release {past.get('id')}: {past['cause']}"
            for past in history_of(status)
            if past.get("cause")
        ]
    return lines


def _running(server: str, status: Mapping[str, Any]) -> Running:
    release, previous = release_of(status), status.get("previous")
    return Running(
        project=plain(status.get("project")),
        server=plain(server),
        status="maintenance" if status.get("maintenance") else plain(status.get("status")),
        release=plain(release.get("id")),
        image=plain(release.get("image")),
        digest=plain(release.get("digest")),
        since=plain(release.get("at")),
        by=plain(release.get("by")),
        previous=plain(previous.get("id") or previous.get("image")) if isinstance(previous, Mapping) else "",
        standby_until=plain(status.get("standby_until")),
        under_way=bool(status.get("working_since")),
    )


def release_of(status: Mapping[str, Any]) -> Mapping[str, Any]:
    """The release that serves, as far as a host says one."""
    release = status.get("release")
    return release if isinstance(release, Mapping) else {}


def history_of(status: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The last releases, newest first."""
    return (each for each in _list(status.get("history")) if isinstance(each, Mapping))


def _past(server: str, past: Mapping[str, Any]) -> Past:
    seconds = past.get("duration_s")
    return Past(
        release=plain(past.get("id")),
        server=plain(server),
        at=plain(past.get("at")),
        outcome=plain(past.get("outcome")),
        image=plain(past.get("image")),
        by=plain(past.get("by")),
        seconds=float(seconds) if isinstance(seconds, int | float) else 0,
    )


def _entry(outputs: Mapping[str, Any], project: str) -> Mapping[str, Any]:
    found = (outputs.get("registry") or {}).get("projects", {}).get(project)
    return found if isinstance(found, Mapping) else {}


def _given(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What the registry says that the project was given."""
    ports, redis = entry.get("ports") or {}, entry.get("redis") or {}
    database, storage = entry.get("database") or {}, entry.get("minio") or {}
    index = f"{redis.get('instance')} index {redis.get('db_index')}" if redis else ""
    index = f"managed {index}" if redis.get("managed") else index
    return {
        "domain": plain(entry.get("domain")),
        "port": int(ports.get("app") or 0),
        "port_internal": int(ports.get("internal") or 0),
        "redis": index if plain(index.replace(" ", "-")) != "?" else "?",
        "database": plain(database.get("name")),
        "buckets": [plain(name) for name in [storage.get("bucket")] if name],
    }


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
