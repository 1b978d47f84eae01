"""A server with the role monitoring in memory: what its services answer, and what they were asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ops_servers import server

from codeb.ssh import SshTarget
from ops.access import Server
from ops.ssh import Answer, SshError

WATCHER = Server("watch1", "default", server(9).target, watches=True)
SERVERS = (server(1), WATCHER)
DOWN = (
    "prometheus on 127.0.0.1:9090 refused the connection: `journalctl -u prometheus` on its server says why"
)


def series(**values: object) -> dict[str, Any]:
    """An instant query's answer: values by project."""
    result = [
        {"metric": {"__name__": "x", "project": project.replace("_", "-")}, "value": [1, str(value)]}
        for project, value in values.items()
    ]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


@dataclass
class Watching:
    """`answers` by service and path, or by service, path and query: a document, a text, or status and text.

    `down` are services that do not answer; `gone`: the server itself does not; `asked` what came, question by question.
    """

    answers: Mapping[tuple[str, ...], Any] = field(default_factory=dict)
    store: str = "victorialogs"
    down: frozenset[str] = frozenset()
    gone: str = ""
    asked: list[Mapping[str, Any]] = field(default_factory=list)
    notes: list[Mapping[str, Any]] = field(default_factory=list)

    def ask(self, target: SshTarget, verb: str, document: Mapping[str, Any]) -> Answer:
        assert target == WATCHER.target, "only the server that watches is asked"
        if self.gone:
            raise SshError(self.gone)
        if verb == "note":
            self.notes.append(document)
            return Answer(0, {"ok": True})
        assert verb == "ask"
        questions: Any = document["questions"]
        self.asked += questions
        answers = [self._answer(each) for each in questions]
        return Answer(0, {"ok": True, "log_store": self.store, "answers": answers})

    def _answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        service, path = question["service"], question["path"]
        if question.get("store") not in (None, self.store):
            return {"service": service, "skipped": True}
        if service in self.down:
            return {"service": service, "problem": DOWN.replace("prometheus", service)}
        query = question.get("form", {}).get("query", "")
        found = self.answers.get(
            (service, path, query), self.answers.get((service, path), (404, "not found"))
        )
        status, text = found if isinstance(found, tuple) else (200, found)
        return {
            "service": service,
            "status": status,
            "text": text if isinstance(text, str) else json.dumps(text),
        }
