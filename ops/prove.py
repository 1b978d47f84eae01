"""`prove`: newest backups restored and compared by the data server's agent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ops import words
from ops.access import Server
from ops.backup import answered, data_server
from ops.result import Result, failed
from ops.streams import Tell

_PHASES: Final = {
    "look": "looks for its newest backup",
    "prepare": "starts an empty PostgreSQL",
    "restore": "restores into it",
    "compare": "counts and compares rows",
}


def prove(
    document: Mapping[str, Any], servers: Sequence[Server], tell: Tell, say: Callable[[str], object]
) -> Result:
    """Prove what `document` (of the agent's verb) names; `say` is told each phase. Ok when all came back as it was."""
    server = data_server(servers)
    if server is None:
        return failed("the stack has no server with the role data: there are no backups")
    answer, problem = answered(server, "prove", document, tell, lambda told: say(_phase(told)))
    if problem:
        return failed(f"{server.name}: {words.clean(problem)}")
    results = [each for each in answer.get("projects") or () if isinstance(each, Mapping)]
    refused = [] if results or answer.get("ok") else [answer]
    lines = [_proven(each) for each in results if each.get("ok") is True]
    if answer.get("left"):
        lines.append(words.clean(f"not begun: {', '.join(str(each) for each in answer['left'])}"))
    return Result(
        {**answer, "server": server.name},
        tuple(lines) or (("nothing is due",) if answer.get("ok") else ()),
        tuple(line for each in (*results, *refused) for line in _wrong(each)),
    )


def _phase(document: Mapping[str, Any]) -> str:
    phase = str(document.get("phase"))
    more = f" (about {words.size(document['size'])})" if phase == "restore" else ""
    return words.clean(f"{document.get('project')}: {_PHASES.get(phase, phase)}{more}")


def _proven(result: Mapping[str, Any]) -> str:
    took = f"restored in {words.seconds(result.get('restore_seconds'))}, proven in {words.seconds(result.get('seconds'))}"
    counted = f"{_count(result, 'rows', 'row')} in {_count(result, 'tables', 'table')}"
    return words.clean(
        f"{result.get('project')}: {result.get('id')} of {result.get('store')}: {counted}, {took}"
    )


def _count(result: Mapping[str, Any], key: str, noun: str) -> str:
    number = result.get(key)
    return words.count(number if isinstance(number, int) else 0, noun)


def _wrong(result: Mapping[str, Any]) -> list[str]:
    name = f"{result['project']}: " if result.get("project") else ""
    lines = []
    if result.get("ok") is not True:
        lines.append(f"{name}{result.get('phase')}: {result.get('cause')}. {result.get('remedy')}")
    if result.get("warning"):
        lines.append(f"{name}{result['warning']}")
    return [words.clean(line) for line in lines]
