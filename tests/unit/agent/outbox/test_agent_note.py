"""An act that goes past the agent is in the audit log, as one line of JSON, or refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.verbs import call

AUDIT = "/var/log/codeb/audit.log"
NOTE = {
    "version": 1,
    "act": "deploy",
    "what": "plan 0a1b, approved by ann@laptop",
    "by": "ann@laptop via mcp:claude-code",
}


def test_a_note_is_a_line_with_who_and_when() -> None:
    host = FakeHost()
    code, answer, err = call(host.ports(), "note", json.dumps(NOTE))
    assert (code, answer["ok"]) == (0, True), err
    line = json.loads(host.files[AUDIT].content)
    assert line["at"].endswith("Z")
    assert {key: line[key] for key in ("act", "what", "by", "why")} == {
        "act": "deploy", "what": NOTE["what"], "by": NOTE["by"], "why": "-",
    }  # fmt: skip
    assert host.files[AUDIT].mode == 0o600


@pytest.mark.parametrize(
    "change",
    [
        {"act": "De ploy"}, {"act": ""}, {"what": "a\nb"}, {"what": ""}, {"what": "x" * 201}, {"by": "a\x1b[2J"},
        {"why": "\0"}, {"what": 5}, {"unknown": 1}, {"version": 2},
    ],
)  # fmt: skip
def test_what_is_no_line_is_refused(change: dict[str, Any]) -> None:
    host = FakeHost()
    code, _, _ = call(host.ports(), "note", json.dumps(NOTE | change))
    assert code == 2
    assert AUDIT not in host.files
