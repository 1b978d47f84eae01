"""What a release tells: which messages, in what words; and that telling never fails a release."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from agent.outbox import notify, spool, text
from agent.outbox.notify import sentry_version
from tests.unit.agent.fakes.host import FakeFiles, FakeHost
from tests.unit.agent.messages import AT, FAILED, NOTIFY, OUTBOX, Released
from tests.unit.agent.verbs import call

SLACK, OWN = "https://hooks.slack.test/services/T0/B0/SlackSecret", "https://ops.test/hook?key=OwnSecret"
SENTRY = {"url": "https://sentry.test", "organization": "leo", "token": "SentrySecret"}


def configured(*, sentry: bool = True, **changes: object) -> FakeHost:
    host = FakeHost()
    webhooks = [{"kind": "slack", "url": SLACK}, {"kind": "generic", "url": OWN}]
    document = {"version": 1, "stack": "dev", "webhooks": webhooks, "sentry": SENTRY if sentry else None}
    host.put(NOTIFY, json.dumps({**document, **changes}), 0o600)
    return host


def spooled(host: FakeHost) -> list[Any]:
    return [json.loads(host.files[path].content) for path in sorted(host.files) if path.startswith(OUTBOX)]


def test_an_event_becomes_one_private_file_for_each_webhook() -> None:
    host = configured()
    notify.tell(host.ports(), FAILED)
    assert [entry.mode for path, entry in host.files.items() if path.startswith(OUTBOX)] == [0o600, 0o600]
    slack, generic = spooled(host)
    assert slack["posts"][0]["body"]["text"].startswith(":x: *shop-app* (dev): release r12")
    assert generic["posts"][0]["body"] == {
        "version": 1, "stack": "dev", "event": "failed", "project": "shop-app", "by": "ann@laptop", "at": AT,
        "domain": "shop.test", "image": "reg.test/shop:2", "digest": "sha256:" + "ab" * 32, "release": "r12",
        "duration_s": 65.4, "phase": "health", "cause": "answered 503", "remedy": "see the log lines",
        "put_back": "everything: blue goes on serving",
    }  # fmt: skip
    assert host.http.posts == [], "a release never waits for the network"
    assert [call for call in host.calls if "systemd-run" in call] == []


def test_no_url_and_no_token_is_written_into_the_spool() -> None:
    host = configured()
    notify.tell(host.ports(), FAILED)
    notify.sentry_release(host.ports(), Released(), "sha256:" + "ab" * 32, AT)
    text = "".join(json.dumps(message) for message in spooled(host)) + "".join(host.files)
    assert len(spooled(host)) == 3
    for secret in ("Secret", "hooks.slack.test", "ops.test/hook", "sentry.test"):
        assert secret not in text


def test_a_stack_without_webhooks_writes_nothing() -> None:
    host = FakeHost()
    notify.tell(host.ports(), FAILED)
    notify.sentry_release(host.ports(), Released(), "sha256:ab", AT)
    assert (spooled(host), host.journal, host.operations) == ([], [], 0)


def words(**changes: Any) -> str:
    return str(text.slack(replace(FAILED, **changes), "dev")["text"])


def test_slack_says_what_a_person_needs() -> None:
    assert words() == (
        ":x: *shop-app* (dev): release r12 of reg.test/shop:2 failed in health after 1 min 5 s, by ann@laptop\n"
        "cause: answered 503\nput back: everything: blue goes on serving\nwhat to do: see the log lines"
    )
    none = {"phase": "", "cause": "", "remedy": "", "put_back": ""}
    assert words(event="succeeded", duration_s=8.25, **none) == (
        ":white_check_mark: *shop-app* (dev): release r12 of reg.test/shop:2 (sha256:abababababab) serves after "
        "8.2 s, by ann@laptop\nhttps://shop.test"
    )
    assert words(event="started", duration_s=None, **none) == (
        ":arrow_forward: *shop-app* (dev): release r12 of reg.test/shop:2 started, by ann@laptop"
    )
    assert "rolled back, release r12" in words(event="rolled-back", **none)


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("<!channel> & <https://evil.test|click>", "&lt;!channel&gt; &amp; &lt;https://evil.test|click&gt;"),
        ("@channel @here @All ann@everywhere", "@\u200bchannel @\u200bhere @\u200bAll ann@everywhere"),
        ("a\u202eb\x00c\x1b[31m\td", "a b c [31m d"),
        ("x" * 5000, "x" * 599 + "…"),
    ],
)
def test_a_text_makes_no_link_no_mention_and_no_flood(hostile: str, shown: str) -> None:
    assert f"cause: {shown}\n" in words(cause=hostile)
    longest = text.document(replace(FAILED, cause=hostile), "dev")["cause"]
    assert len(str(longest)) <= 2000
    assert "\x00" not in str(longest)


class FullDisk(FakeFiles):
    def write(self, path: str, content: bytes, mode: int = 0o644, owner: str = "root:root") -> None:
        raise OSError(28, "No space left on device", path)


def test_a_full_disk_costs_the_message_and_says_so() -> None:
    host = configured()
    ports = replace(host.ports(), files=FullDisk(host))
    notify.tell(ports, FAILED)
    notify.sentry_release(ports, Released(), "sha256:ab", AT)
    assert len(host.journal) == 2
    assert all("nobody is told: [Errno 28] No space left on device" in line for line in host.journal)


@pytest.mark.parametrize("content", ["{", "[]", '{"version": 2}', '{"version": 1, "stack": "x", "more": 1}'])
def test_a_file_of_targets_that_cannot_be_read_costs_the_message_and_says_so(content: str) -> None:
    host = FakeHost()
    host.put(NOTIFY, content, 0o600)
    notify.tell(host.ports(), FAILED)
    assert "run `pulumi up`" in host.journal[0]
    assert NOTIFY in host.journal[0]


def test_a_defect_costs_the_message_and_shows_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> int:
        raise RuntimeError("the-secret-value")

    monkeypatch.setattr(spool, "enqueue", broken)
    host = configured()
    notify.tell(host.ports(), FAILED)
    assert "a defect of the agent: RuntimeError at test_agent_notify.py" in host.journal[0]
    assert "the-secret-value" not in host.journal[0]


def test_the_spool_is_bounded_and_the_oldest_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "MOST", 4)
    host = configured()
    for number in range(5):
        host.advance(1)
        notify.tell(host.ports(), replace(FAILED, release=f"r{number}"))
    kept = [message["posts"][0]["body"].get("release") for message in spooled(host)]
    assert kept == [None, "r3", None, "r4"]
    assert len([line for line in host.journal if "the oldest is dropped" in line]) == 6


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("reg.test:5000/team/shop:1.2.3", "shop-app@1.2.3"),
        ("reg.test:5000/team/shop:1.2.3@sha256:" + "cd" * 32, "shop-app@1.2.3"),
        ("reg.test:5000/team/shop", "shop-app@abababababab"),
        ("shop:latest", "shop-app@abababababab"),
        ("reg.test:5000/shop@sha256:" + "cd" * 32, "shop-app@abababababab"),
    ],
)
def test_sentry_s_version_is_the_tag_or_the_short_digest(image: str, version: str) -> None:
    assert sentry_version("shop-app", image, "sha256:" + "ab" * 32) == version


def test_sentry_gets_the_release_and_then_the_deploy_in_one_message() -> None:
    host = configured()
    notify.sentry_release(host.ports(), Released(), "sha256:ab", AT)
    notify.sentry_release(host.ports(), Released(sentry_project=None), "sha256:ab", AT)
    [message] = spooled(host)
    assert message["posts"] == [
        {
            "resource": "releases/",
            "body": {"version": "shop-app@1.2.3", "projects": ["shop"], "dateReleased": AT},
        },
        {
            "resource": "releases/shop-app%401.2.3/deploys/",
            "body": {"environment": "production", "dateFinished": AT},
        },
    ]


def test_a_stack_without_sentry_tells_it_nothing() -> None:
    host = configured(sentry=False)
    notify.sentry_release(host.ports(), Released(), "sha256:ab", AT)
    assert spooled(host) == []


WANTED = {"version": 1, "event": "approval-wanted", "project": "shop-app", "text": "2 projects change"}


def test_the_verb_asks_for_an_approval() -> None:
    host = configured()
    code, answer, _ = call(host.ports(), "notify", {**WANTED, "url": "https://ci.test/run/1", "by": "ann"})
    assert (code, answer) == (0, {"ok": True, "enqueued": 2, "warnings": []})
    slack, generic = (message["posts"][0]["body"] for message in spooled(host))
    assert slack["text"] == (
        ":raised_hand: *shop-app* (dev): approval wanted, by ann\n2 projects change\nhttps://ci.test/run/1"
    )
    assert (generic["event"], generic["url"], generic["at"]) == (
        "approval-wanted",
        "https://ci.test/run/1",
        AT,
    )


def test_the_verb_says_when_nobody_is_told() -> None:
    code, answer, _ = call(FakeHost().ports(), "notify", WANTED)
    assert (code, answer["enqueued"]) == (0, 0)
    assert "no webhook" in answer["warnings"][0]


def test_the_verb_fails_honestly() -> None:
    host = configured()
    code, answer, _ = call(replace(host.ports(), files=FullDisk(host)), "notify", WANTED)
    assert (code, answer["phase"]) == (1, "outbox")


@pytest.mark.parametrize(
    "change",
    [
        {"event": "succeeded"},
        {"project": "../etc"},
        {"project": "*"},
        {"text": ""},
        {"text": "x" * 2001},
        {"text": None},
        {"url": "javascript:alert(1)"},
        {"url": "https://a.test/\n<!channel>"},
        {"url": "https://a.test|evil"},
        {"digest": "sha256:1"},
        {"version": 2},
    ],
)
def test_the_verb_takes_approvals_only(change: dict[str, object]) -> None:
    host = configured()
    assert call(host.ports(), "notify", {**WANTED, **change})[0] == 2
    assert spooled(host) == []
