"""`backup` and `restore list`: what the data server's agent makes and has of backups."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from types import MappingProxyType
from typing import Any, Final

from ops import fleet, streams, words
from ops.access import Server
from ops.fleet import Ask
from ops.result import Result, failed
from ops.streams import Tell

_PHASES: Final = {
    "count": "counts rows",
    "dump": "dumps and seals",
    "verify": "reads it back",
    "copy": "copies it",
    "uploads": "mirrors uploads",
}
_EVERY_STORE: Final[Mapping[str, Any]] = MappingProxyType({})


def data_server(servers: Sequence[Server]) -> Server | None:
    """The one that has all databases and buckets."""
    return next((server for server in servers if server.holds_data), None)


def backup(
    document: Mapping[str, Any], servers: Sequence[Server], tell: Tell, say: Callable[[str], object]
) -> Result:
    """Back up what `document` (of the agent's verb) names; `say` is told each phase. Ok when all of it went well."""
    server = data_server(servers)
    if server is None:
        return failed("the stack has no server with the role data: there is nothing to back up")
    answer, problem = answered(server, "backup", document, tell, lambda told: say(_phase(told)))
    if problem:
        return failed(f"{server.name}: {words.clean(problem)}")
    results = [each for each in answer.get("projects") or () if isinstance(each, Mapping)]
    refused = [] if results or answer.get("ok") else [answer]
    caught = answer.get("caught_up")
    lines = [_made(each) for each in results if each.get("id")]
    lines += [_mirrored(each) for each in results if _uploads(each).get("at")]
    lines += [_caught(*each) for each in sorted(caught.items())] if isinstance(caught, dict) else []
    return Result(
        {**answer, "server": server.name},
        tuple(lines) or (("nothing is due",) if answer.get("ok") else ()),
        tuple(line for each in (*results, *refused) for line in _wrong(each)),
    )


def answered(
    server: Server,
    verb: str,
    document: Mapping[str, Any],
    tell: Tell,
    phase: Callable[[Mapping[str, Any]], object],
) -> tuple[Mapping[str, Any], str]:
    """What an agent answers, and why it gave no answer ("" when it did); `phase` is given what it tells before."""
    answer: Mapping[str, Any] = {}
    problem = ""
    with closing(streams.heard([server], verb, document, tell)) as arrivals:
        for each in arrivals:
            if each is None:
                continue
            problem = problem or each.problem
            if "ok" in each.document:
                answer = each.document
            elif each.document.get("phase"):
                phase(each.document)
    return answer, problem or ("" if answer else "the agent gave no answer")


def listed(
    project: str, servers: Sequence[Server], ask: Ask, source: Mapping[str, Any] = _EVERY_STORE
) -> Result:
    """What a project can be brought back to, newest first, by store. Ok when a store could be asked and nothing is wrong.

    `source`: the agent's `from` and `keys`, for one store alone.
    """
    server = data_server(servers)
    if server is None:
        return failed("the stack has no server with the role data: there are no backups")
    document = {"version": 1, "project": project, **source}
    reply = fleet.ask_each([server], "backups", document, ask)[server.name]
    if not reply.ok:
        return failed(f"{server.name}: {words.clean(reply.problem)}")
    found: Mapping[str, Any] = next(iter(reply.document.get("projects") or ()), {})
    stores = [each for each in found.get("stores") or () if isinstance(each, Mapping)]
    problems = [line for store in stores for line in _store_problems(store)]
    problems += [
        words.clean(f"{lack.get('what')}. Remedy: {lack.get('remedy')}")
        for lack in reply.document.get("lacks") or ()
    ]
    if found.get("late"):
        problems.append(f"the backup of {project} is late: `codeb backup {project}` makes one now")
    any_read = any(not store.get("problem") for store in stores)
    return Result(
        {"ok": any_read and not found.get("late"), "server": server.name, **found},
        tuple(_table(found, stores)),
        tuple(problems),
    )


def _phase(document: Mapping[str, Any]) -> str:
    phase = str(document.get("phase"))
    more = f" ({words.size(document['size'])})" if "size" in document else ""
    store = f" to {document['store']}" if "store" in document else ""
    return words.clean(f"{document.get('project')}: {_PHASES.get(phase, phase)}{store}{more}")


def _made(result: Mapping[str, Any]) -> str:
    stores = " and ".join(str(store) for store in result.get("stores") or ())
    took = words.seconds(result.get("seconds"))
    gone = len(result.get("pruned") or ())
    more = f"; {words.count(gone, 'backup')} older than it keeps went" if gone else ""
    return words.clean(
        f"{result.get('project')}: {result.get('id')}, {words.size(result.get('size'))}, {took}, in {stores}{more}"
    )


def _uploads(result: Mapping[str, Any]) -> Mapping[str, Any]:
    found = result.get("uploads")
    return found if isinstance(found, Mapping) else {}


def _mirrored(result: Mapping[str, Any]) -> str:
    return words.clean(f"{result.get('project')}: uploads, {_of_uploads(_uploads(result))}")


def _of_uploads(found: Mapping[str, Any]) -> str:
    stores = " and ".join(str(store) for store in found.get("stores") or ())
    objects = words.count(found.get("objects") or 0, "object")
    new, took = found.get("added"), words.seconds(found.get("seconds"))
    return f"{objects} ({new} new), {words.size(found.get('size'))}, {took}, in {stores}"


def _caught(project: str, stores: object) -> str:
    names = " and ".join(str(store) for store in stores) if isinstance(stores, list) else "-"
    return words.clean(f"{project}: its newest backup is in {names} now, too")


def _wrong(result: Mapping[str, Any]) -> list[str]:
    name = f"{result['project']}: " if result.get("project") else ""
    lines = []
    if result.get("problem"):
        lines.append(f"{name}{result['problem']}")
    elif result.get("cause"):
        lines.append(f"{name}{result.get('phase')}: {result.get('cause')}. {result.get('remedy')}")
    if result.get("warning"):
        lines.append(f"{name}{result['warning']}")
    uploads = _uploads(result)
    if uploads.get("ok") is False:
        lines += _wrong({**uploads, "project": f"{result.get('project')}, uploads"})
    return [words.clean(line) for line in lines]


def _table(found: Mapping[str, Any], stores: Sequence[Mapping[str, Any]]) -> list[str]:
    proven = found.get("proven") or {}
    lines = []
    rows: dict[str, list[str]] = {}
    for store in stores:
        for each in store.get("backups") or ():
            row = rows.setdefault(str(each.get("id")), _row(each, proven))
            row[-1] = f"{row[-1]}, {store.get('store')}" if row[-1] else str(store.get("store"))
        for key in store.get("unread") or ():
            row = rows.setdefault(str(key), [str(key), _moment(str(key)), "-", "-", "-", ""])
            row[-1] = f"{row[-1]}, {store.get('store')}" if row[-1] else str(store.get("store"))
    if rows:
        cells = [[words.clean(cell) for cell in rows[key]] for key in sorted(rows, reverse=True)]
        lines = words.table(("BACKUP", "OF", "SIZE", "TOOK", "PROVEN", "IN"), cells)
    else:
        lines.append(f"{words.clean(found.get('project'))} has no backup yet")
    if uploads := _uploads(found):
        lines.append(words.clean(f"uploads of {uploads.get('at')}: {_of_uploads(uploads)}"))
    lines += _runs(stores)
    lines += [_unread(store) for store in stores if store.get("unread") and not store.get("backups")]
    if found.get("point_in_time_from"):
        lines.append(f"and any moment since {words.clean(found['point_in_time_from'])}")
    if isinstance(kept := found.get("kept"), Mapping):
        lines.append(_kept(str(found.get("project")), kept))
    lines += [_kept_uploads(str(found.get("project")), each) for each in found.get("kept_uploads") or ()]
    return lines


def _moment(backup_id: str) -> str:
    """When an id was given, from its own text: a few minutes at most after what it is of."""
    day, time = backup_id[:8], backup_id[9:15]
    if not (day.isdigit() and time.isdigit()):
        return "-"
    return f"{day[:4]}-{day[4:6]}-{day[6:]}T{time[:2]}:{time[2:4]}:{time[4:]}Z"


def _kept(project: str, kept: Mapping[str, Any]) -> str:
    """What a restore has put aside."""
    when = f"at {kept.get('at')} by {kept.get('by')}"
    if kept.get("kind") == "undone":
        return words.clean(
            f"taken back {when}: {kept.get('what')}; what it had brought is kept until {kept.get('until')}"
        )
    undo = f"`codeb restore undo {project}`"
    return words.clean(
        f"{kept.get('what')} {when}; what was there is kept until {kept.get('until')} ({undo})"
    )


def _kept_uploads(project: str, kept: Mapping[str, Any]) -> str:
    """What a restore has changed in a bucket."""
    what = f"{kept.get('what')} at {kept.get('at')} by {kept.get('by')}"
    if kept.get("kind") == "undone":
        return words.clean(f"{kept.get('bucket')}: {what} is taken back")
    begun = "has begun and not ended; it " if kept.get("kind") == "begun" else ""
    objects = words.count(int(kept.get("changes") or 0), "object")
    undo = f"until {kept.get('until')} (`codeb restore undo {project}`)"
    return words.clean(
        f"{kept.get('bucket')}: {what} {begun}changed {objects}, which can be taken back {undo}"
    )


def _unread(store: Mapping[str, Any]) -> str:
    """Of a store that lets nobody read by the keys of the data server."""
    name = store.get("store")
    return words.clean(
        f"{name} shows names alone to the server's keys: `--from {name} --keys FILE` reads it by yours"
    )


def _runs(stores: Sequence[Mapping[str, Any]]) -> list[str]:
    """Of which moments there are lists of uploads, by bucket."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for store in stores:
        runs = store.get("runs")
        for bucket, lists in runs.items() if isinstance(runs, Mapping) else ():
            found.setdefault(str(bucket), {}).update({str(each.get("id")): each for each in lists})
    lines = []
    for bucket, lists in sorted(found.items()):
        ids = sorted(lists)
        if ids:
            first, last = lists[ids[0]], lists[ids[-1]]
            said = f"{last.get('objects')} objects, {words.size(last.get('size'))}, at {last.get('at')} ({ids[-1]})"
            more = f"; {words.count(len(ids), 'list')} since {first.get('at')}" if len(ids) > 1 else ""
            lines.append(words.clean(f"{bucket}: {said}{more}"))
    return lines


def _row(each: Mapping[str, Any], proven: Mapping[str, Any]) -> list[str]:
    proof = str(proven.get("at", "-")) if proven.get("id") == each.get("id") else "-"
    size, took = words.size(each.get("size")), words.seconds(each.get("seconds"))
    return [str(each.get("id")), str(each.get("at")), size, took, proof, ""]


def _store_problems(store: Mapping[str, Any]) -> list[str]:
    name = words.clean(store.get("store"))
    if store.get("problem"):
        return [f"{name}: can't be listed from the data server: {words.clean(store['problem'])}"]
    wrong = store.get("wrong") or {}
    return [
        f"{name}: {words.clean(key)} is no backup: it {words.clean(why)}"
        for key, why in sorted(wrong.items())
    ]
