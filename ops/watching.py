"""Questions to the services of monitoring: by SSH to the agent of the server that has them, as they listen to nobody else.

Only `top`, `alerts`, `trace` and `logs --store` ask them: every other command goes on working without.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ops import fleet
from ops.access import Server
from ops.fleet import Ask
from ops.ssh import SshError

_WITHOUT: Final = "Only top, alerts, trace and logs --store need it, all other commands work without"
_ROLE: Final = (
    "no server of stack {stack} has the role monitoring, so that nothing watches it: give one that role and run `pulumi up` "
    "(docs/monitoring-setup.md)"
)
_NAMES: Final = {
    "prometheus": "Prometheus",
    "alertmanager": "Alertmanager",
    "logs": "the log store",
    "traces": "Jaeger",
}
_LONGEST_SAID: Final = 300
_WELL: Final = range(200, 300)


class Unwatched(Exception):
    """Nobody can be asked: the message says why and what to do."""


@dataclass(frozen=True)
class Question:
    """A request to one service; one that names a `store` is only asked where that keeps the logs."""

    service: str
    path: str
    form: Mapping[str, str] | None = None
    method: str = "POST"
    content: Mapping[str, Any] | None = None
    store: str = ""

    def document(self) -> dict[str, object]:
        """As the agent's `ask` takes it."""
        given = {"form": self.form and dict(self.form), "json": self.content, "store": self.store}
        more = {key: value for key, value in given.items() if value}
        return {"service": self.service, "method": self.method, "path": self.path, **more}


@dataclass(frozen=True)
class Said:
    """What a service answered: `text`, or why it did not, in words. `skipped`: it was not asked; `status` is 0 then."""

    text: str = ""
    problem: str = ""
    status: int = 0
    skipped: bool = False

    @property
    def ok(self) -> bool:
        """Whether it answered what was asked for."""
        return not self.problem and not self.skipped

    def json(self) -> Any:
        """What it answered as JSON; None for what is none."""
        return _json(self.text)


def watcher(servers: Sequence[Server], stack: str) -> Server:
    """The server with the role monitoring. Raises Unwatched."""
    found = next((server for server in servers if server.watches), None)
    if found is None:
        raise Unwatched(_ROLE.format(stack=stack))
    return found


def asked(server: Server, questions: Sequence[Question], ask: Ask) -> list[Said]:
    """The answer to each question, all asked at once. Raises Unwatched when the server or its agent does not answer."""
    document = {"version": 1, "questions": [each.document() for each in questions]}
    try:
        answer = ask(server.target, "ask", document)
    except SshError as error:
        raise Unwatched(
            f"{server.name}, which watches the stack, does not answer: {error}. {_WITHOUT}"
        ) from None
    problem = fleet.problem("ask", answer)
    if problem:
        raise Unwatched(f"{server.name}, which watches the stack: {problem}. {_WITHOUT}")
    answers = answer.document.get("answers")
    if not isinstance(answers, list) or len(answers) != len(questions):
        raise Unwatched(
            f"{server.name}, which watches the stack, answers unreadably: run `pulumi up`, which updates its agent"
        )
    return [_said(question, each) for question, each in zip(questions, answers, strict=True)]


def vector(said: Said) -> list[tuple[Mapping[str, Any], float]]:
    """The series of an instant query's answer with their values; those that are no number are left out."""
    document = said.json()
    data = document.get("data") if isinstance(document, dict) else None
    result = data.get("result") if isinstance(data, dict) else None
    rows: list[tuple[Mapping[str, Any], float]] = []
    for each in result if isinstance(result, list) else ():
        labels, value = (each.get("metric"), each.get("value")) if isinstance(each, dict) else (None, None)
        if isinstance(labels, dict) and isinstance(value, list) and len(value) == 2:
            number = _number(value[1])
            rows += [(labels, number)] if number is not None else []
    return rows


def _number(text: object) -> float | None:
    try:
        number = float(str(text))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _said(question: Question, answer: object) -> Said:
    name = _NAMES[question.service]
    if not isinstance(answer, dict):
        return Said(problem=f"{name}: no answer")
    if answer.get("skipped") is True:
        return Said(skipped=True)
    if answer.get("problem"):
        return Said(problem=f"{name} does not answer: {answer['problem']}")
    status, text = answer.get("status"), str(answer.get("text", ""))
    status = status if isinstance(status, int) else 0
    if status in _WELL:
        return Said(text, status=status)
    return Said(text, f"{name} answers {status}: {_why(text)}", status)


def _why(text: str) -> str:
    """What a service says is wrong: Prometheus and Loki in `error`, Alertmanager as a text or in `message`."""
    found = _json(text)
    said = found.get("error") or found.get("message") if isinstance(found, dict) else found
    return str(said or text or "nothing").strip().partition("\n")[0][:_LONGEST_SAID]


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
