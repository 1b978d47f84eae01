"""`restore` and `restore undo`: a project is as it was, by the data server's agent, and back again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ops import words
from ops.access import Server
from ops.backup import answered, data_server
from ops.result import Result, failed
from ops.streams import Tell

_PHASES: Final = {
    "find": "looks for it",
    "room": "has room for it",
    "verify": "reads the backup to its end",
    "recover": "recovers the cluster beside the live one",
    "create": "makes a new database",
    "load": "fills it",
    "settings": "gives it its settings",
    "check": "compares it",
    "copy": "copies the table",
    "scrub": "scrubs it",
    "uploads": "brings back uploads",
    "swap": "puts it in place of the live one",
    "undo": "takes back uploads",
}
_NO_DATA: Final = "the stack has no server with the role data: there is nothing to restore"


def restore(
    document: Mapping[str, Any],
    servers: Sequence[Server],
    stack: str,
    tell: Tell,
    say: Callable[[str], object],
) -> Result:
    """Restore what `document` (of the agent's verb) asks for; `say` is told each phase."""
    server = data_server(servers)
    if server is None:
        return failed(_NO_DATA)
    answer, problem = answered(server, "restore", document, tell, lambda told: say(_phase(told)))
    if not answer:
        again = f"`codeb restore undo {document.get('project')}` and `codeb doctor` say what became of it"
        return failed(f"{server.name}: {words.clean(problem)}; {again}")
    found = {**answer, "server": server.name}
    if answer.get("ok") is not True:
        return Result(found, (), tuple(_refused(answer, document)))
    return Result(found, tuple(words.clean(line) for line in _done(answer, stack)))


def undo(
    document: Mapping[str, Any], servers: Sequence[Server], tell: Tell, say: Callable[[str], object]
) -> Result:
    """Take a restore back; ok as well when that is done already. `say` is told each phase."""
    server = data_server(servers)
    if server is None:
        return failed(_NO_DATA)
    answer, problem = answered(server, "restore-undo", document, tell, lambda told: say(_phase(told)))
    if not answer:
        return failed(f"{server.name}: {words.clean(problem)}; run again: it goes on where it was")
    if answer.get("ok") is not True:
        return Result({**answer, "server": server.name}, (), tuple(_refused(answer, document)))
    what = f"{answer.get('what')} is taken back"
    project = answer.get("project")
    lines = [f"{project}: {what}" if answer.get("changed") else f"{project}: {what} already"]
    lines += [_taken(each) for each in answer.get("uploads") or ()]
    if answer.get("before"):
        lines.append(f"what it had brought is kept as {answer['before']} until {answer.get('kept_until')}")
    lines += _held(answer) if "swap_ms" in answer else []
    return Result({**answer, "server": server.name}, tuple(words.clean(each) for each in lines))


def _taken(found: Mapping[str, Any]) -> str:
    """A bucket that is as before."""
    parts = [f"{words.count(found.get('back') or 0, 'object')} as before"]
    if found.get("removed"):
        parts.append(f"{found['removed']} removed, as they were not there")
    if found.get("left"):
        parts.append(f"{found['left']} left alone, as the app has changed them since")
    if found.get("lost"):
        parts.append(f"{found['lost']} can't be: the bucket has their version of before no more")
    return f"{found.get('bucket')}: {', '.join(parts)}"


def _phase(document: Mapping[str, Any]) -> str:
    phase = str(document.get("phase"))
    text = f"{document.get('project')}: {_PHASES.get(phase, phase)}"
    if document.get("bucket"):
        text += f" of {document['bucket']}"
    if "objects" in document:
        text += f": {document['objects']} of {words.count(document.get('of') or 0, 'object')}"
        done = f"{words.size(document['done'])} of " if "done" in document else ""
        text += f" ({done}{words.size(document['size'])})" if "size" in document else ""
    elif "done" in document:
        of = f" of {words.size(document['of'])}" if document.get("of") else ""
        text += f": {words.size(document['done'])}{of}"
    elif "free" in document:
        text += f" ({words.size(document.get('size'))}, {words.size(document['free'])} free)"
    elif "size" in document:
        text += f" ({words.size(document['size'])})"
    return words.clean(text)


def _refused(answer: Mapping[str, Any], document: Mapping[str, Any]) -> list[str]:
    lines = [
        f"{document.get('project')}: {answer.get('phase')}: {answer.get('cause')}. {answer.get('remedy')}",
        *(f"  | {line}" for line in answer.get("log") or ()),
        f"put back: {answer.get('put_back')}" if answer.get("put_back") else "",
    ]
    return [words.clean(line) for line in lines if line]


def _done(answer: Mapping[str, Any], stack: str) -> list[str]:
    project, size = answer.get("project"), words.size(answer.get("size"))
    warnings = [f"warning: {each}" for each in answer.get("warnings") or ()]
    uploads = [each for each in answer.get("uploads") or () if isinstance(each, Mapping)]
    if answer.get("dry_run"):
        what = f"{answer.get('what')} of {answer['of']}" if answer.get("of") else answer.get("what")
        room = f"about {size}, and {words.size(answer.get('free'))} are free"
        head = f"{project}: would become {what}: {room}"
        return [head, *(f"  {_would(each)}" for each in uploads), *warnings]
    took = words.seconds(answer.get("seconds"))
    rows = words.count(int(answer.get("rows") or 0), "row")
    if answer.get("table"):
        where = f"{answer['table']} in {answer.get('database')}"
        return [f"{project}: {where} has {rows} of {answer.get('what')}; {took}", *warnings]
    undo = f"`codeb restore undo {project} --stack {stack}` takes this back"
    did = [_did(each) for each in uploads]
    if not answer.get("database"):
        return [f"{project}: uploads are as of {answer.get('what')} now; {took}", *did, undo, *warnings]
    return [
        f"{project}: {answer.get('database')} is {answer.get('what')} now: {rows}, {size}, {took}",
        *did,
        f"what was there is {answer.get('before')} until {answer.get('kept_until')}",
        undo,
        *_held(answer),
        *warnings,
    ]


def _would(found: Mapping[str, Any]) -> str:
    """What would be done to a bucket."""
    since = f"{found.get('extra')} came since"
    removed = "would be removed" if found.get("exact") else "would stay"
    written = f"{found.get('missing')} missing and {found.get('differ')} other objects would be written"
    rest = f"{since} and {removed}; {found.get('same')} are the same"
    return f"{found.get('bucket')}: {written} ({words.size(found.get('size'))}); {rest}"


def _did(found: Mapping[str, Any]) -> str:
    """What was done to a bucket."""
    parts = [f"{words.count(found.get('written') or 0, 'object')} written ({words.size(found.get('size'))})"]
    if found.get("removed"):
        parts.append(f"{found['removed']} that came since removed")
    elif found.get("extra"):
        parts.append(f"{found['extra']} that came since left")
    parts.append(f"{found.get('same')} the same")
    kept = f"; versions of before are kept until {found['kept_until']}" if found.get("kept_until") else ""
    return f"{found.get('bucket')}: {', '.join(parts)}{kept}"


def _held(answer: Mapping[str, Any]) -> list[str]:
    closed = f"the database was closed for {answer.get('swap_ms')} ms"
    if answer.get("held"):
        return [f"{closed}, in which requests waited"]
    return [f"{closed}: requests to other servers may have failed meanwhile"]
