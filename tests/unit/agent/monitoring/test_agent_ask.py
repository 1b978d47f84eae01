"""The verb `ask`: questions to the services of monitoring on this host."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.host.ports import Reply
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.verbs import call

PLACES = {
    "version": 1,
    "prometheus": "127.0.0.1:9090",
    "alertmanager": "127.0.0.1:9093",
    "logs": "127.0.0.1:9428",
    "traces": "[::1]:16686",
    "log_store": "victorialogs",
}
FILE = "/etc/codeb/monitoring.json"


@pytest.fixture
def host() -> FakeHost:
    found = FakeHost()
    found.put(FILE, json.dumps(PLACES))
    found.http.services["127.0.0.1:9090"] = Reply(200, b'{"status":"success"}', 1, {})
    return found


def ask(host: FakeHost, *questions: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    code, answer, _ = call(host.ports(), "ask", {"version": 1, "questions": list(questions)})
    return code, answer


QUERY = {
    "service": "prometheus",
    "method": "POST",
    "path": "/api/v1/query",
    "form": {"query": 'up{a="b"} & 1'},
}


def test_a_question_is_asked_as_a_form_and_its_answer_told_as_it_is(host: FakeHost) -> None:
    code, answer = ask(host, QUERY)
    assert (code, answer["log_store"]) == (0, "victorialogs")
    assert answer["answers"] == [{"service": "prometheus", "status": 200, "text": '{"status":"success"}'}]
    ((method, address, path, body, headers),) = host.http.called
    assert (method, address, path) == ("POST", "127.0.0.1:9090", "/api/v1/query")
    assert body == b"query=up%7Ba%3D%22b%22%7D+%26+1"
    assert headers == {"Content-Type": "application/x-www-form-urlencoded"}


def test_what_is_got_has_its_form_in_the_address_and_what_is_sent_as_json_is_json(host: FakeHost) -> None:
    host.http.services["127.0.0.1:9093"] = Reply(200, b"[]", 1, {})
    got = {
        "service": "alertmanager",
        "method": "GET",
        "path": "/api/v2/alerts?active=true",
        "form": {"filter": "a=b&c"},
    }
    sent = {
        "service": "alertmanager",
        "method": "POST",
        "path": "/api/v2/silences",
        "json": {"comment": 'a"b'},
    }
    assert ask(host, got)[0] == ask(host, sent)[0] == 0
    assert host.http.called[0][2] == "/api/v2/alerts?active=true&filter=a%3Db%26c"
    assert (host.http.called[1][3], host.http.called[1][4]) == (
        b'{"comment": "a\\"b"}',
        {"Content-Type": "application/json"},
    )


def test_a_service_that_is_down_is_said_beside_the_answers_of_the_others(host: FakeHost) -> None:
    down = {"service": "traces", "method": "GET", "path": "/api/traces/00"}
    logs = {"service": "logs", "method": "GET", "path": "/x"}
    code, answer = ask(host, down, QUERY, logs)
    assert code == 0
    first, second, third = answer["answers"]
    assert second["status"] == 200
    assert first["problem"] == (
        "jaeger on [::1]:16686 refused the connection: `journalctl -u jaeger` on its server says why"
    )
    assert "journalctl -u victorialogs" in third["problem"]


def test_a_question_in_another_store_s_language_is_not_asked(host: FakeHost) -> None:
    host.http.services["127.0.0.1:9428"] = Reply(200, b"", 1, {})
    there = {"service": "logs", "method": "GET", "path": "/a", "store": "victorialogs"}
    code, answer = ask(host, {**there, "path": "/b", "store": "loki"}, there)
    assert code == 0
    assert answer["answers"] == [
        {"service": "logs", "skipped": True},
        {"service": "logs", "status": 200, "text": ""},
    ]
    assert [path for _, _, path, _, _ in host.http.called] == ["/a"]


def test_a_server_without_monitoring_says_so(host: FakeHost) -> None:
    del host.files[FILE]
    code, answer = ask(host, QUERY)
    assert (code, answer["phase"]) == (1, "ask")
    assert "has no monitoring" in answer["cause"]
    for text in (
        "{",
        "{}",
        json.dumps({**PLACES, "log_store": "x"}),
        json.dumps({**PLACES, "logs": "host:1"}),
    ):
        host.put(FILE, text)
        code, answer = ask(host, QUERY)
        assert code == 1
        assert "can't be read" in answer["cause"]


@pytest.mark.parametrize(
    "change",
    [
        {"service": "postgres"},
        {"method": "PUT"},
        {"path": "api"},
        {"path": "/a b"},
        {"path": "/a\r\nHost: x"},
        {"form": {"Query\n": "x"}},
        {"form": {"query": 1}},
        {"json": {}},
        {"method": "GET", "json": {}, "form": None},
        {"store": "elasticsearch"},
        {"more": 1},
    ],
)
def test_what_is_no_question_is_refused(host: FakeHost, change: dict[str, Any]) -> None:
    code, answer = ask(host, {**QUERY, **change})
    assert (code, answer["phase"]) == (2, "document")
    assert not host.http.called


def test_there_is_a_question_and_not_too_many(host: FakeHost) -> None:
    assert ask(host)[0] == 2
    assert ask(host, *[QUERY] * 33)[0] == 2
