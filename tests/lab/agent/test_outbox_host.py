"""Messages on a real host: systemd starts the delivery, a reboot loses nothing, and nobody waits for a dead receiver."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from agent_lab import NAME, AgentHost

from codeb.model import parse_outside
from codeb.render.outside import NOTIFY, outside_files, outside_texts
from lab.host.processes import wait_until
from lab.receiver import BRIDGE, Answer, Receiver

WANTED = {
    "version": 1,
    "event": "approval-wanted",
    "project": "agent-one",
    "text": "<two> projects change",
    "by": "ci",
}
TARGETS = "/etc/codeb/secrets/notify.json"
OUTBOX = "/var/lib/codeb/outbox"


@pytest.fixture
def watched(host: AgentHost, lab_receiver: Receiver) -> Iterator[AgentHost]:
    """The host with the outbox's units, and one webhook of each kind at the receiver."""
    host.sh("install", "-d", "-m", "700", OUTBOX)
    for file in outside_files(()).files:
        host.put(file.path, file.content)
    host.sh("systemctl", "daemon-reload")
    point(host, lab_receiver.url)
    host.sh("systemctl", "enable", "--now", "codeb-outbox.path")
    yield host
    host.sh("systemctl", "disable", "--now", "codeb-outbox.path")
    host.sh("systemctl", "stop", "codeb-outbox.service")
    host.sh("rm", "-rf", OUTBOX, TARGETS, *(file.path for file in outside_files(()).files))


def point(host: AgentHost, url: str) -> None:
    outside = parse_outside({"notifications": {"slack": f"{url}/slack", "webhook": f"{url}/own"}})
    host.put(TARGETS, outside_texts(outside, "dev")[NOTIFY], "600")


def left(host: AgentHost) -> list[str]:
    return host.sh("ls", OUTBOX).split()


def test_a_message_arrives_by_itself(watched: AgentHost, lab_receiver: Receiver) -> None:
    lab_receiver.answers = [Answer(500), Answer(200), Answer(429, headers={"Retry-After": "1"})]
    answer = watched.agent("notify", WANTED)
    assert (answer.code, answer.document["enqueued"]) == (0, 2), answer.err
    start = time.monotonic()
    assert wait_until(lambda: len(lab_receiver.requests) >= 4 and not left(watched), 30), (
        lab_receiver.requests
    )
    print(f"two messages, one of them after a 500, in {time.monotonic() - start:.1f} s")
    [own, *_] = lab_receiver.documents("/own")
    assert (own["event"], own["stack"], own["text"]) == ("approval-wanted", "dev", "<two> projects change")
    assert "&lt;two&gt; projects change" in lab_receiver.documents("/slack")[-1]["text"]

    def journal() -> str:
        return watched.sh("journalctl", "-t", "codeb-agent", "--no-pager")

    assert wait_until(lambda: f"delivered to slack at {BRIDGE}" in journal(), 10), journal()
    assert lab_receiver.url.removeprefix("http://") not in journal(), "no URL in the journal"
    assert wait_until(
        lambda: "inactive" in watched.sh("systemctl", "is-active", "codeb-outbox.service", check=False), 10
    )


def test_what_waits_is_delivered_after_a_reboot(watched: AgentHost, lab_receiver: Receiver) -> None:
    watched.sh("systemctl", "stop", "codeb-outbox.path")
    assert watched.agent("notify", WANTED).code == 0
    assert len(left(watched)) == 2
    watched.lab.reboot(NAME)
    lab_receiver.wait(2, 60)


def test_a_dead_receiver_holds_up_nobody(watched: AgentHost, lab_receiver: Receiver) -> None:
    point(watched, f"http://{BRIDGE}:9")
    answer = watched.agent("notify", WANTED)
    assert answer.code == 0
    assert left(watched), "it waits in the outbox, and whoever sent it does not"
    dead = "refused the connection; tried again for 30 minutes"
    assert wait_until(lambda: dead in watched.sh("journalctl", "-t", "codeb-agent", "--no-pager"), 15)
    assert watched.sh("systemctl", "is-active", "codeb-outbox.path").strip() == "active"
    point(watched, lab_receiver.url)
    assert watched.agent("notify", WANTED).code == 0
    assert lab_receiver.wait(1), "the corrected URL is used at once"
    assert wait_until(lambda: not left(watched), 20), (
        "messages of URLs that are configured no more are dropped"
    )
    shown = watched.sh("systemctl", "show", "codeb-outbox.service", "codeb-outbox.path", "--property=Result")
    assert set(shown.split()) == {"Result=success"}


def test_many_messages_in_a_burst_all_arrive(watched: AgentHost, lab_receiver: Receiver) -> None:
    start = time.monotonic()
    for number in range(10):
        assert watched.agent("notify", {**WANTED, "text": f"message {number}"}).code == 0
    assert wait_until(lambda: len(lab_receiver.requests) == 20 and not left(watched), 30)
    print(f"ten times two messages: {time.monotonic() - start:.1f} s")
    texts = [document["text"] for document in lab_receiver.documents("/own")]
    assert texts == [f"message {number}" for number in range(10)]
