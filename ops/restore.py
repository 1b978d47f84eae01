"""`restore` and `restore undo`: a database is as it was, by the data server's agent, and back again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any, Final

from ops import fleet, streams, words
from ops.access import Server
from ops.backup import data_server
from ops.fleet import Ask
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
    "swap": "puts it in place of the live one",
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
    answer: Mapping[str, Any] = {}
    problem = ""
    with closing(streams.heard([server], "restore", document, tell)) as arrivals:
        for each in arrivals:
            if each is None:
                continue
            problem = problem or each.problem
            if "ok" in each.document:
                answer = each.document
            elif each.document.get("phase"):
                say(_phase(each.document))
    if not answer:
        again = f"`codeb restore undo {document.get('project')}` and `codeb doctor` say what became of it"
        return failed(f"{server.name}: {words.clean(problem or 'the agent gave no answer')}; {again}")
    found = {**answer, "server": server.name}
    if answer.get("ok") is not True:
        return Result(found, (), tuple(_refused(answer, document)))
    return Result(found, tuple(words.clean(line) for line in _done(answer, stack)))


def undo(project: str, document: Mapping[str, Any], servers: Sequence[Server], ask: Ask) -> Result:
    """Take a restore back; ok as well when that is done already."""
    server = data_server(servers)
    if server is None:
        return failed(_NO_DATA)
    reply = fleet.ask_each([server], "restore-undo", document, ask)[server.name]
    if not reply.ok:
        return failed(f"{server.name}: {words.clean(reply.problem)}")
    answer = reply.document
    what = f"{answer.get('what')} is taken back"
    line = f"{project}: {what}" if answer.get("changed") else f"{project}: {what} already"
    lines = [line, f"what it had brought is kept as {answer.get('before')} until {answer.get('kept_until')}"]
    lines += _held(answer) if answer.get("changed") else []
    return Result({**answer, "server": server.name}, tuple(words.clean(each) for each in lines))


def _phase(document: Mapping[str, Any]) -> str:
    phase = str(document.get("phase"))
    text = f"{document.get('project')}: {_PHASES.get(phase, phase)}"
    if "done" in document:
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
    if answer.get("dry_run"):
        what = f"{answer.get('what')} of {answer['of']}" if answer.get("of") else answer.get("what")
        free = words.size(answer.get("free"))
        return [f"{project}: would become {what}: about {size}, and {free} are free"]
    took = words.seconds(answer.get("seconds"))
    rows = words.count(int(answer.get("rows") or 0), "row")
    if answer.get("table"):
        where = f"{answer['table']} in {answer.get('database')}"
        return [f"{project}: {where} has {rows} of {answer.get('what')}; {took}", *warnings]
    return [
        f"{project}: {answer.get('database')} is {answer.get('what')} now: {rows}, {size}, {took}",
        f"what was there is {answer.get('before')} until {answer.get('kept_until')}",
        f"`codeb restore undo {project} --stack {stack}` takes this back",
        *_held(answer),
        *warnings,
    ]


def _held(answer: Mapping[str, Any]) -> list[str]:
    closed = f"the database was closed for {answer.get('swap_ms')} ms"
    if answer.get("held"):
        return [f"{closed}, in which requests waited"]
    return [f"{closed}: requests to other servers may have failed meanwhile"]
