"""Something to tell, whom to tell it, and a delivery to a real HTTP server while time in memory passes at once."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from agent.outbox.text import Event
from agent.real.http import RealHttp
from lab.receiver import Receiver
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.verbs import call

NOTIFY = "/etc/codeb/secrets/notify.json"
OUTBOX = "/var/lib/codeb/outbox/"
PATH = "/services/T0/B0/HookSecret"
AT = "2026-11-23T04:00:00Z"
FAILED = Event(
    event="failed", project="shop-app", by="ann@laptop", at=AT, domain="shop.test", image="reg.test/shop:2",
    digest="sha256:" + "ab" * 32, release="r12", duration_s=65.4, phase="health", cause="answered 503",
    remedy="see the log lines", put_back="everything: blue goes on serving",
)  # fmt: skip


@dataclass(frozen=True)
class Released:
    """What Sentry is told of."""

    project: str = "shop-app"
    image: str = "reg.test:5000/team/shop:1.2.3"
    stage: str = "production"
    sentry_project: str | None = "shop"


def told(receiver: Receiver, *kinds: str, sentry: bool = False) -> FakeHost:
    """A host whose targets are this receiver."""
    host = FakeHost()
    webhooks = [{"kind": kind, "url": f"{receiver.url}{PATH}{kind}"} for kind in kinds]
    account = {"url": receiver.url, "organization": "leo", "token": "SentrySecretToken"}
    document = {"version": 1, "stack": "dev", "webhooks": webhooks, "sentry": account if sentry else None}
    host.put(NOTIFY, json.dumps(document), 0o600)
    return host


def deliver(host: FakeHost, http: RealHttp | None = None) -> dict[str, Any]:
    """Deliver all that waits, as systemd does."""
    code, answer, err = call(replace(host.ports(), http=http or RealHttp()), "deliver", "")
    assert (code, answer["ok"]) == (0, True), err
    assert left(host) == []
    assert "Secret" not in "".join(host.journal), "the journal shows a secret"
    return answer


def left(host: FakeHost) -> list[str]:
    """What still waits."""
    return [path for path in host.files if path.startswith(OUTBOX)]
