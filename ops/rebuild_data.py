"""`rebuild data`: all that a lost data server had comes onto the empty one, by its agent, from the second place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ops import words
from ops.access import Server
from ops.backup import answered, data_server
from ops.result import Result, failed
from ops.streams import Tell

_PHASES: Final = {
    "look": "looks what the second place has",
    "room": "has room for it",
    "platform": "brings histories and certificates back",
    "recover": "recovers the lost databases in a server of their own",
    "verify": "reads the backup to its end",
    "create": "makes a new database",
    "load": "fills it",
    "settings": "gives it its settings",
    "check": "compares it",
    "swap": "puts it in its place",
    "uploads": "brings uploads back",
}


def rebuild(
    document: Mapping[str, Any], servers: Sequence[Server], tell: Tell, say: Callable[[str], object]
) -> Result:
    """Rebuild what `document` (of the agent's verb) asks for; `say` is told each phase. Ok when all of it is back."""
    server = data_server(servers)
    if server is None:
        return failed("the stack has no server with the role data: there is nothing to rebuild")
    answer, problem = answered(server, "rebuild", document, tell, lambda told: say(_phase(told)))
    if problem:
        return failed(f"{server.name}: {words.clean(problem)}; run again: what is back stays")
    results = [each for each in answer.get("projects") or () if isinstance(each, Mapping)]
    if not results and answer.get("ok") is not True:
        return Result({**answer, "server": server.name}, (), tuple(_wrong("", answer)))
    dry = answer.get("dry_run") is True
    lines = [line for each in results for line in _project(each, dry=dry)]
    return Result(
        {**answer, "server": server.name},
        tuple(words.clean(line) for line in (*lines, *_whole(answer, results, dry=dry))),
        tuple(words.clean(line) for line in _problems(answer, results)),
    )


def _phase(document: Mapping[str, Any]) -> str:
    phase = str(document.get("phase"))
    name = f"{document['project']}: " if document.get("project") else ""
    text = f"{name}{_PHASES.get(phase, phase)}"
    if "objects" in document:
        text += f": {document['objects']} of {document.get('of')} objects"
    elif "done" in document:
        of = f" of {words.size(document['of'])}" if document.get("of") else ""
        text += f": {words.size(document['done'])}{of}"
    elif "free" in document:
        text += f" (at most {words.size(document.get('size'))}, {words.size(document['free'])} free)"
    elif document.get("size"):
        text += f" ({words.size(document['size'])})"
    return words.clean(text)


def _project(result: Mapping[str, Any], *, dry: bool) -> list[str]:
    """What is back of a project, or would be, and of when it is."""
    name, lines = result.get("project"), []
    database = _mapping(result.get("database"))
    if database.get("ok") is True:
        lines.append(f"{name}: {_database(database, dry=dry)}")
    for bucket in result.get("uploads") or ():
        if _mapping(bucket).get("ok") is not False:
            lines.append(f"{name}: {_bucket(bucket, dry=dry)}")
    return lines


def _database(found: Mapping[str, Any], *, dry: bool) -> str:
    if found.get("skipped"):
        return f"its database is back already: {found.get('what')}"
    what = f"{found.get('what')}, of {found.get('of')}"
    if dry:
        return (
            f"its database would become {what}" if found.get("what") else "there is no backup of its database"
        )
    rows = words.count(int(found.get("rows") or 0), "row")
    return f"its database is {what}: {rows}, {words.size(found.get('size'))}"


def _bucket(found: Mapping[str, Any], *, dry: bool) -> str:
    if found.get("skipped"):
        return f"{found.get('bucket')} is back already"
    if dry and not found.get("of"):
        return f"there is no list of {found.get('bucket')}"
    objects = words.count(int(found.get("objects") or 0), "object")
    would = "would have" if dry else "has"
    return f"{found.get('bucket')} {would} {objects} of {found.get('of')}, {words.size(found.get('size'))}"


def _whole(answer: Mapping[str, Any], results: Sequence[Mapping[str, Any]], *, dry: bool) -> list[str]:
    if dry:
        return [
            f"at most {words.size(answer.get('size'))} of disk, and {words.size(answer.get('free'))} are free"
        ]
    platform, lines = _mapping(answer.get("platform")), []
    if platform.get("ok"):
        counts = (
            (platform.get("records"), "history", "histories"),
            (platform.get("certificates"), "file", "files"),
        )
        said = [f"{number} {one if number == 1 else many}" for number, one, many in counts]
        lines.append(f"of platform {platform.get('id')}: {said[0]} of releases, {said[1]} of certificates")
    good = sum(1 for each in results if each.get("ok") is True)
    lines.append(
        f"{good} of {words.count(len(results), 'project')} back, {words.seconds(answer.get('seconds'))}"
    )
    if answer.get("ok"):
        lines.append(
            "now `pulumi up` starts the apps; then `codeb backup --all` makes the first backups of this server"
        )
    return lines


def _problems(answer: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = []
    for result in results:
        parts = [_mapping(result.get("database")), *map(_mapping, result.get("uploads") or ())]
        for part in parts:
            lines += _wrong(f"{result.get('project')}: ", part) if part.get("ok") is False else []
            lines += [f"{result.get('project')}: warning: {each}" for each in part.get("warnings") or ()]
    platform = _mapping(answer.get("platform"))
    if platform.get("ok") is False:
        lines.append(f"histories and certificates are not back: {platform.get('cause')}")
    lines += [
        f"warning: {each}" for each in (*(platform.get("warnings") or ()), *(answer.get("warnings") or ()))
    ]
    if strangers := answer.get("strangers"):
        names = ", ".join(str(each) for each in strangers)
        lines.append(f"the second place has also backups of what is no project with backups here: {names}")
    return lines


def _wrong(name: str, found: Mapping[str, Any]) -> list[str]:
    return [
        f"{name}{found.get('phase')}: {found.get('cause')}. {found.get('remedy')}",
        *(f"  | {line}" for line in found.get("log") or ()),
    ]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
