"""Anthropic's SDK, for real, against the stand-in for its API: what is sent, tried again, and taken for an answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.delivery.anthropic import Service, Trouble, serving
from ops.ci.model import Asking, NotAnsweredError, ask

KEY = "key-of-the-stand-in"
LOG = "src/a.ts(41,9): error TS2322: Type 'string' is not assignable to type 'Courier'."
FACTS = {"workflow": "build-test", "job": "build\nsecond line", "step": "Run npm test"}


@pytest.fixture
def service() -> Service:
    return Service(KEY)


@pytest.fixture
def asking(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asking]:
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between retries
    with serving(service) as url:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
        yield Asking(KEY, retries=2, timeout_s=20)


def test_the_log_is_sent_as_data_between_marks_that_the_rules_name(service: Service, asking: Asking) -> None:
    said = ask(asking, FACTS, LOG)
    assert said.document["category"] == "type-error"
    assert said.input_tokens > 0
    sent = service.requests[0]
    question = sent["messages"][0]["content"]
    mark = question.split(">", 1)[0].removeprefix("<")
    assert question.startswith(f"<{mark}>\nworkflow: build-test\njob: build second line\n")
    assert question.count(mark) == 2
    assert f"<{mark}> and </{mark}>" in sent["system"]
    assert LOG in question
    assert LOG not in sent["system"]
    assert "tools" not in sent
    assert sent["max_tokens"] == asking.max_tokens
    assert sent["output_config"]["format"]["schema"]["additionalProperties"] is False


def test_each_question_has_marks_of_its_own(service: Service, asking: Asking) -> None:
    ask(asking, FACTS, LOG)
    ask(asking, FACTS, LOG)
    first, second = (sent["messages"][0]["content"].split(">", 1)[0] for sent in service.requests)
    assert first != second


@pytest.mark.parametrize("status", [429, 500, 529])
def test_errors_that_may_pass_are_tried_again(service: Service, asking: Asking, status: int) -> None:
    service.troubles = [Trouble(status, retry_after="1"), Trouble(status)]
    assert ask(asking, FACTS, LOG).document["category"] == "type-error"
    assert len(service.requests) == 3


def test_after_all_retries_there_is_no_answer(service: Service, asking: Asking) -> None:
    service.troubles = [Trouble(529)] * 5
    with pytest.raises(NotAnsweredError, match=r"529 \(overloaded_error as told\)"):
        ask(asking, FACTS, LOG)
    assert len(service.requests) == 3


def test_a_server_that_asks_for_hours_is_not_waited_for(service: Service, asking: Asking) -> None:
    service.troubles = [Trouble(429, retry_after="86400")]
    with pytest.raises(NotAnsweredError, match="429"):
        ask(asking, FACTS, LOG)
    assert len(service.requests) == 1


def test_a_wrong_key_is_said_without_the_key(asking: Asking) -> None:
    with pytest.raises(NotAnsweredError, match=r"401.*Check ANTHROPIC_API_KEY") as refused:
        ask(Asking("key-that-is-wrong", retries=0), FACTS, LOG)
    assert "key-that-is-wrong" not in str(refused.value)
    assert "key-that-is-wrong" not in repr(Asking("key-that-is-wrong"))


def test_a_request_that_is_refused_is_not_tried_again(service: Service, asking: Asking) -> None:
    service.troubles = [Trouble(400)]
    with pytest.raises(NotAnsweredError, match="400"):
        ask(asking, FACTS, LOG)
    assert len(service.requests) == 1


def test_a_slow_answer_is_given_up(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    service.troubles = [Trouble(500, seconds=3)]
    with serving(service) as url, pytest.raises(NotAnsweredError, match=r"no answer within 0\.2 s"):
        ask(Asking(KEY, retries=0, timeout_s=0.2, base_url=url), FACTS, LOG)


def test_nobody_there_is_said() -> None:
    with pytest.raises(NotAnsweredError, match="can't be reached: ConnectError"):
        ask(Asking(KEY, retries=0, base_url="http://127.0.0.1:9"), FACTS, LOG)


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        ("garbage", "not the JSON document"),
        ("list", "not the JSON document"),
        ("empty", "not the JSON document"),
        ("tool", "not the JSON document"),
        ("refuse", "refused"),
        ("cut", "longer than 8000 tokens"),
        ("no-json", "can't be read"),
    ],
)
def test_what_is_no_answer_is_not_taken_for_one(
    service: Service, asking: Asking, behaviour: str, why: str
) -> None:
    service.behaviour = behaviour
    with pytest.raises(NotAnsweredError, match=why):
        ask(asking, FACTS, LOG)
