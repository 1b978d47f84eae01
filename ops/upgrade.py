"""`upgrade postgres`: another version of PostgreSQL, by the data server's agent; the way back; the old files removed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ops import words
from ops.access import Server
from ops.backup import answered, data_server
from ops.result import Result, failed
from ops.streams import Tell

_PHASES: Final = {
    "look": "looks at what there is",
    "beside": "starts the new version beside the live one",
    "count": "counts rows",
    "dump": "dumps and seals",
    "verify": "reads it back",
    "read-only": "lets everybody read only, from now on",
    "roles": "brings roles and passwords",
    "copy": "copies",
    "compare": "counts and compares",
    "sync": "has the disk take it all",
    "switch": "has the other version serve",
}


def upgrade(
    document: Mapping[str, Any],
    servers: Sequence[Server],
    stack: str,
    tell: Tell,
    say: Callable[[str], object],
) -> Result:
    """Do what `document` (of the agent's verb) asks for; `say` is told each phase. Ok when it is done."""
    server = data_server(servers)
    if server is None:
        return failed("the stack has no server with the role data: there is no PostgreSQL")
    answer, problem = answered(server, "upgrade", document, tell, lambda told: say(_phase(told)))
    if problem:
        again = "the host ends by itself what was begun, within minutes: `codeb doctor`"
        return failed(f"{server.name}: {words.clean(problem)}; {again}")
    found = {**answer, "server": server.name}
    if answer.get("ok") is not True:
        return Result(found, (), tuple(words.clean(line) for line in _refused(answer)))
    lines = _lines(answer, document, stack)
    lines += [f"warning: {each}" for each in answer.get("warnings") or ()]
    return Result(found, tuple(words.clean(line) for line in lines))


def _phase(document: Mapping[str, Any]) -> str:
    phase = str(document.get("phase"))
    whose = document.get("database") or document.get("project")
    text = f"{whose}: {_PHASES.get(phase, phase)}" if whose else _PHASES.get(phase, phase)
    if "done" in document:
        text += f": {words.size(document['done'])} of about {words.size(document.get('of'))}"
    elif "free" in document:
        text += f" ({words.size(document.get('size'))}, {words.size(document['free'])} free)"
    elif "of" in document:
        text += f" ({words.size(document['of'])})"
    return words.clean(text)


def _refused(answer: Mapping[str, Any]) -> list[str]:
    lines = [f"{answer.get('phase')}: {answer.get('cause')}. {answer.get('remedy')}"]
    lines += [f"  | {line}" for line in answer.get("log") or ()]
    return [*lines, *([f"put back: {answer['put_back']}"] if answer.get("put_back") else [])]


def _lines(answer: Mapping[str, Any], document: Mapping[str, Any], stack: str) -> list[str]:
    if document.get("forget"):
        return [f"{answer.get('removed')} is removed: there is no way back any more"]
    if document.get("back"):
        return _returned(answer, stack)
    return _planned(answer) if answer.get("dry_run") else _done(answer, stack)


def _planned(answer: Mapping[str, Any]) -> list[str]:
    names = ", ".join(str(name) for name in answer.get("databases") or ())
    size, free = words.size(answer.get("size")), words.size(answer.get("free"))
    return [
        f"PostgreSQL {answer.get('from')} would become {answer.get('to')}: {names}; {size}, and {free} are free",
        *_left(answer),
        "the new version starts with these settings, and has every extension and library that is used",
    ]


def _done(answer: Mapping[str, Any], stack: str) -> list[str]:
    rows = words.count(int(answer.get("rows") or 0), "row")
    only, switch = words.seconds(answer.get("read_only_s")), words.seconds(answer.get("switch_s"))
    return [
        f"PostgreSQL {answer.get('to')} serves: {rows} compared",
        f"nobody could write for {only}, nor connect for about {switch} of it",
        *_left(answer),
        f"the files of before are {answer.get('kept')} until {answer.get('kept_until')}",
        f"`codeb upgrade postgres --back --stack {stack}` goes back to them; what is written from now on isn't in them",
        *_setting(answer, stack),
    ]


def _left(answer: Mapping[str, Any]) -> list[str]:
    return [f"{name} stays in the old files alone" for name in answer.get("left") or ()]


def _setting(answer: Mapping[str, Any], stack: str) -> list[str]:
    set_it = f"pulumi config set --path codeb:images.postgres {answer.get('image')} --stack {stack}"
    return [
        f"now say so in the settings: `{set_it}`; until then an update that changes this server is refused, after it "
        "nothing restarts"
    ]


def _returned(answer: Mapping[str, Any], stack: str) -> list[str]:
    kept = f"{answer.get('kept')}, until {answer.get('kept_until')}"
    if not answer.get("changed"):
        return [f"PostgreSQL {answer.get('to')} serves already; {kept}, is kept"]
    lost = f"from {answer.get('lost_from')} to {answer.get('lost_to')}"
    backups = answer.get("backups")
    made = sorted(backups.items()) if isinstance(backups, dict) else []
    where = f", and in these backups, which only PostgreSQL {answer.get('from')} reads:" if made else " alone"
    return [
        f"PostgreSQL {answer.get('to')} serves, with what it had; what was written {lost} is not in it",
        f"that is in {kept}{where}",
        *(f"{project}: backup {each}" for project, each in made),
        *_setting(answer, stack),
    ]
