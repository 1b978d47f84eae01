"""Delivery: a real HTTP server receives, everything else is in memory, and time passes at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from agent.host.ports import Reply
from agent.outbox import notify
from agent.real.http import RealHttp
from lab.receiver import Answer, Receiver, receiving
from tests.unit.agent.fakes.host import Killed
from tests.unit.agent.messages import AT, FAILED, NOTIFY, OUTBOX, PATH, Released, deliver, left, told
from tests.unit.agent.verbs import call


def test_every_webhook_gets_its_message(receiver: Receiver) -> None:
    host = told(receiver, "slack", "generic")
    notify.tell(host.ports(), FAILED)
    assert deliver(host) == {"ok": True, "delivered": 2, "dropped": 0}
    [slack] = receiver.documents(f"{PATH}slack")
    assert list(slack) == ["text"]
    [generic] = receiver.documents(f"{PATH}generic")
    assert (generic["event"], generic["cause"]) == ("failed", "answered 503")
    assert all(request.headers["content-type"] == "application/json" for request in receiver.requests)
    assert all(request.headers["user-agent"] == "codeb-agent" for request in receiver.requests)
    assert host.journal == [
        "outbox: failed of shop-app: delivered to slack at 127.0.0.1",
        "outbox: failed of shop-app: delivered to generic at 127.0.0.1",
    ]


def test_500_then_200_is_tried_again_later(receiver: Receiver) -> None:
    host = told(receiver, "slack")
    receiver.answers = [Answer(500, b"oops"), Answer(503)]
    notify.tell(host.ports(), FAILED)
    start = host.time
    assert deliver(host)["delivered"] == 1
    assert len(receiver.requests) == 3
    assert 14 <= host.time - start <= 20, "5 s, then 10 s"
    assert "answered 500: oops; tried again for 30 minutes" in host.journal[0]


@pytest.mark.parametrize("after", ["120", "Mon, 23 Nov 2026 04:02:00 GMT"])
def test_429_waits_as_long_as_it_is_asked_to(receiver: Receiver, after: str) -> None:
    host = told(receiver, "slack")
    receiver.answers = [Answer(429, headers={"Retry-After": after})]
    notify.tell(host.ports(), FAILED)
    start = host.time
    assert deliver(host)["delivered"] == 1
    assert 120 <= host.time - start <= 124


@pytest.mark.parametrize("after", ["", "soon", "-5", "1e9", "9" * 400])
def test_a_strange_retry_after_is_bounded(receiver: Receiver, after: str) -> None:
    host = told(receiver, "slack")
    receiver.answers = [Answer(429, headers={"Retry-After": after})]
    notify.tell(host.ports(), FAILED)
    start = host.time
    deliver(host)
    assert 5 <= host.time - start <= 1802


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404, b"no_service HookSecretslack"),
        Answer(400, b"invalid_payload"),
        Answer(401, b'{"detail": "x"}'),
        Answer(302, headers={"Location": "http://127.0.0.1:1/evil"}),
    ],
)
def test_a_refusal_is_given_up_at_once_and_the_url_is_not_shown(receiver: Receiver, answer: Answer) -> None:
    host = told(receiver, "slack")
    receiver.answers = [answer]
    notify.tell(host.ports(), FAILED)
    assert deliver(host) == {"ok": True, "delivered": 0, "dropped": 1}
    assert len(receiver.requests) == 1
    assert f"given up, slack at 127.0.0.1 answered {answer.status}" in host.journal[0]
    assert PATH not in host.journal[0]


def test_a_dead_receiver_is_given_up_after_half_an_hour() -> None:
    with receiving() as gone:
        host = told(gone, "slack")
    for number in range(3):
        notify.tell(host.ports(), replace(FAILED, release=f"r{number}"))
    start = host.time
    assert deliver(host) == {"ok": True, "delivered": 0, "dropped": 3}
    assert 1800 <= host.time - start <= 2110
    assert "refused the connection; tried again" in host.journal[0]
    assert len(host.journal) == 4
    assert "given up after 30 minutes, slack at 127.0.0.1 refused the connection" in host.journal[1]


def test_a_dead_receiver_holds_up_no_other(receiver: Receiver) -> None:
    host = told(receiver, "generic")
    document = json.loads(host.files[NOTIFY].content)
    document["webhooks"].insert(0, {"kind": "slack", "url": "http://127.0.0.1:1/HookSecret"})
    host.put(NOTIFY, json.dumps(document), 0o600)
    notify.tell(host.ports(), FAILED)
    late = replace(FAILED, release="r13")
    receiver.answer = lambda request: notify.tell(host.ports(), late) if len(receiver.requests) == 1 else None
    start = host.time
    deliver(host)
    assert [document["release"] for document in receiver.documents(f"{PATH}generic")] == ["r12", "r13"]
    assert host.time - start >= 1800
    delivered = [line for line in host.journal if "delivered" in line]
    assert host.journal.index(delivered[-1]) < 4, "the new message was sent while the dead one was waited for"


def test_messages_to_one_target_arrive_in_order(receiver: Receiver) -> None:
    host = told(receiver, "generic")
    receiver.answers = [Answer(500)]
    for number in range(5):
        notify.tell(host.ports(), replace(FAILED, release=f"r{number}"))
        host.advance(0.001)
    deliver(host)
    assert [each["release"] for each in receiver.documents(f"{PATH}generic")] == [
        "r0",
        "r0",
        "r1",
        "r2",
        "r3",
        "r4",
    ]


def test_a_webhook_that_was_removed_loses_its_messages_and_no_other_gets_them(receiver: Receiver) -> None:
    host = told(receiver, "slack", "generic")
    notify.tell(host.ports(), FAILED)
    document = json.loads(host.files[NOTIFY].content)
    document["webhooks"] = document["webhooks"][1:]
    host.put(NOTIFY, json.dumps(document), 0o600)
    assert deliver(host) == {"ok": True, "delivered": 1, "dropped": 1}
    assert receiver.documents(f"{PATH}slack") == []
    assert "its target is configured no more" in "".join(host.journal)


def test_without_any_target_everything_is_dropped(receiver: Receiver) -> None:
    host = told(receiver, "slack")
    notify.tell(host.ports(), FAILED)
    del host.files[NOTIFY]
    assert deliver(host)["dropped"] == 1


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"version": 1, "target": "x", "about": "y", "posts": []}']
)
def test_a_message_that_cannot_be_read_is_dropped(receiver: Receiver, content: bytes) -> None:
    host = told(receiver, "slack")
    host.put(f"{OUTBOX}0.json", content.decode(), 0o600)
    notify.tell(host.ports(), FAILED)
    assert deliver(host) == {"ok": True, "delivered": 1, "dropped": 1}


def test_a_file_of_targets_that_cannot_be_read_keeps_the_messages(receiver: Receiver) -> None:
    host = told(receiver, "slack")
    notify.tell(host.ports(), FAILED)
    host.put(NOTIFY, "{", 0o600)
    code, _, err = call(host.ports(), "deliver", "")
    assert code == 1
    assert "run `pulumi up`" in err
    assert len(left(host)) == 1


def test_a_second_run_waits_for_the_first(receiver: Receiver) -> None:
    host = told(receiver, "slack")
    host.held.add("/var/lib/codeb/outbox.lock")
    code, _, err = call(host.ports(), "deliver", "")
    assert code == 1
    assert "is held" in err


def test_sentry_learns_of_the_release_and_then_of_the_deploy(receiver: Receiver) -> None:
    host = told(receiver, sentry=True)
    receiver.answers = [Answer(503), Answer(201), Answer(502), Answer(201)]
    notify.sentry_release(host.ports(), Released(), "sha256:ab", AT)
    assert deliver(host)["delivered"] == 1
    paths = [request.path for request in receiver.requests]
    releases = "/api/0/organizations/leo/releases/"
    deploys = f"{releases}shop-app%401.2.3/deploys/"
    assert paths == [releases, releases, deploys, deploys], "each until it is accepted, in order"
    assert {request.headers["authorization"] for request in receiver.requests} == {"Bearer SentrySecretToken"}
    assert receiver.requests[1].document["projects"] == ["shop"]
    assert receiver.requests[3].document == {"environment": "production", "dateFinished": AT}


def test_a_release_that_sentry_refuses_has_no_deploy(receiver: Receiver) -> None:
    host = told(receiver, sentry=True)
    receiver.answers = [
        Answer(400, b'{"projects":["Invalid project ids or slugs"], "t": "SentrySecretToken"}')
    ]
    notify.sentry_release(host.ports(), Released(), "sha256:ab", AT)
    assert deliver(host)["dropped"] == 1
    assert len(receiver.requests) == 1
    assert "Invalid project ids or slugs" in host.journal[0]


class DiesAtTheDeploy(RealHttp):
    def post(self, url: str, body: bytes, headers: Mapping[str, str], timeout_ms: int) -> Reply:
        if "deploys" in url:
            raise Killed
        return super().post(url, body, headers, timeout_ms)


def test_a_kill_between_release_and_deploy_goes_on_with_the_deploy(receiver: Receiver) -> None:
    host = told(receiver, sentry=True)
    notify.sentry_release(host.ports(), Released(), "sha256:ab", AT)
    with pytest.raises(Killed):
        deliver(host, DiesAtTheDeploy())
    assert deliver(host)["delivered"] == 1
    assert [request.path.split("/")[-2] for request in receiver.requests] == ["releases", "deploys"]
