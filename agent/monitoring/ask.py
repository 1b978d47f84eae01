"""The verb `ask`: questions to the services of monitoring on this host, which nobody else reaches.

They listen for this host alone, so that whoever looks from elsewhere comes by SSH, as to everything else. What is asked, and
what the answers mean, is the caller's business; here is who answers, and who doesn't.
"""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from agent.documents.errors import BadDocument
from agent.documents.reader import URL_PATH, Reader
from agent.host.ports import NoReply, Ports
from agent.monitoring import places
from agent.monitoring.places import Places

_METHODS: Final = ("GET", "POST", "DELETE")
_MOST: Final = 32
_TIMEOUT_MS: Final = 30_000
_LONGEST: Final = 32 << 20
_PARAMETER: Final = re.compile(r"[a-z][a-z_\[\]]{0,39}")
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
_JSON: Final = {"Content-Type": "application/json"}
_UNITS: Final = {"prometheus": "prometheus", "alertmanager": "alertmanager", "traces": "jaeger"}


@dataclass(frozen=True)
class _Question:
    """One request. `body` is sent as it is; one that names a `store` is only asked where that keeps the logs."""

    service: str
    method: str
    path: str
    body: bytes
    headers: dict[str, str]
    store: str


def ask(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """Each question's answer, in their order: `status` and `text`, `problem` for none, `skipped` for another store's.

    Raises BadDocument, and Failed on a host without monitoring.
    """
    document.version()
    questions = [_question(each) for each in document.children("questions")]
    document.end()
    if not 1 <= len(questions) <= _MOST:
        raise BadDocument("questions", f"must be 1 to {_MOST}")
    known = places.load(ports)
    with ThreadPoolExecutor(len(questions)) as workers:
        answers = list(workers.map(lambda each: _answer(ports, known, each), questions))
    return {"ok": True, "log_store": known.store, "answers": answers}


def _question(reader: Reader) -> _Question:
    service, method = reader.choice("service", *places.SERVICES), reader.choice("method", *_METHODS)
    path = reader.text("path", URL_PATH)
    form = reader.secrets("form", _PARAMETER, _LONGEST) if reader.given("form") else None
    content = reader.document("json") if reader.given("json") else None
    store = reader.choice("store", *places.STORES) if reader.given("store") else ""
    reader.end()
    if (form is not None and content is not None) or (method != "POST" and content is not None):
        raise BadDocument("questions", "`json` goes with POST, and without `form`")
    if content is not None:
        return _Question(service, method, path, json.dumps(content).encode(), _JSON, store)
    if form and method == "POST":
        return _Question(service, method, path, urlencode(form).encode(), _FORM, store)
    query = f"{'&' if '?' in path else '?'}{urlencode(form)}" if form else ""
    return _Question(service, method, path + query, b"", {}, store)


def _answer(ports: Ports, known: Places, question: _Question) -> dict[str, object]:
    service, address = question.service, known.addresses[question.service]
    if question.store not in ("", known.store):
        return {"service": service, "skipped": True}
    try:
        reply = ports.http.call(
            question.method,
            address,
            question.path,
            question.body,
            question.headers,
            timeout_ms=_TIMEOUT_MS,
            longest=_LONGEST,
        )
    except NoReply as error:
        unit = _UNITS.get(service, known.store)
        return {
            "service": service,
            "problem": f"{unit} on {address} {error}: `journalctl -u {unit}` on its server says why",
        }
    return {"service": service, "status": reply.status, "text": reply.body.decode("utf-8", "replace")}
