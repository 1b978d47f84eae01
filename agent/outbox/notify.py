"""Tell people and Sentry what happened. A release only writes files here: nothing waits for the network.

What goes wrong here never fails a release: it is said in the journal.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable
from typing import Final, Protocol
from urllib.parse import quote

from agent.documents.errors import Failed, remedy_of
from agent.documents.reader import PROJECT, Reader
from agent.host.ports import Ports
from agent.outbox import spool, text
from agent.outbox.spool import Message, Post
from agent.outbox.targets import Target, Targets, load_targets
from agent.outbox.text import Event

_TEXT: Final = re.compile(r"[^\0]{1,2000}")
_URL: Final = re.compile(r"https?://[^\s\x00-\x1f\x7f<>|\"'\\]{1,1000}")
_MOVING: Final = frozenset({"", "latest"})


class Released(Protocol):
    """What Sentry is told of a release's spec (`agent.project.spec.Spec` is one)."""

    @property
    def project(self) -> str: ...
    @property
    def image(self) -> str: ...
    @property
    def stage(self) -> str: ...
    @property
    def sentry_project(self) -> str | None: ...


def tell(ports: Ports, event: Event) -> None:
    """Enqueue an event for every webhook. Never raises: what goes wrong is in the journal."""
    _never_failing(ports, f"{event.event} of {event.project}", lambda: _enqueue(ports, event))


def sentry_release(ports: Ports, spec: Released, digest: str, at: str) -> None:
    """Enqueue a release and its deploy for Sentry, if stack and project have it. `digest` is the image's.

    Never raises: what goes wrong is in the journal.
    """
    _never_failing(ports, f"Sentry's release of {spec.project}", lambda: _release(ports, spec, digest, at))


def notify(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """The verb: enqueue an event that happened elsewhere, `approval-wanted`. Raises BadDocument, Failed."""
    document.version()
    document.choice("event", "approval-wanted")
    event = Event(
        event="approval-wanted",
        project=document.text("project", PROJECT),
        by=document.text("by", default="") or by,
        at=ports.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        text=document.text("text", _TEXT),
        url=document.text("url", _URL) if document.has("url") else "",
    )
    document.end()
    try:
        count = _enqueue(ports, event)
    except OSError as error:
        remedy = remedy_of(error, "see `df -h` on the host, then run again")
        raise Failed("outbox", f"the message can't be written: {error}", remedy) from error
    warnings = [] if count else ["nobody is told: the stack has no webhook (docs/notifications.md)"]
    return {"ok": True, "enqueued": count, "warnings": warnings}


def sentry_version(project: str, image: str, digest: str) -> str:
    """`<project>@<tag>`; without a tag, and with one that always moves, `<project>@<first 12 of the digest>`."""
    name = image.partition("@")[0].rpartition("/")[2]
    tag = name.partition(":")[2]
    return f"{project}@{digest.partition(':')[2][:12] if tag in _MOVING else tag}"


def _enqueue(ports: Ports, event: Event) -> int:
    targets = load_targets(ports)
    return spool.enqueue(ports, (_message(target, event, targets) for target in targets.webhooks))


def _message(target: Target, event: Event, targets: Targets) -> Message:
    render = text.slack if target.kind == "slack" else text.document
    body = render(event, targets.stack)
    return Message(target.id, f"{event.event} of {event.project}", (Post(body),))


def _release(ports: Ports, spec: Released, digest: str, at: str) -> None:
    target = load_targets(ports).sentry
    if target is None or not spec.sentry_project:
        return
    version = sentry_version(spec.project, spec.image, digest)
    release = {"version": version, "projects": [spec.sentry_project], "dateReleased": at}
    deploy = {"environment": spec.stage, "dateFinished": at}
    posts = (
        Post(release, "releases/"),
        Post(deploy, f"releases/{quote(version, safe='')}/deploys/"),
    )
    spool.enqueue(ports, [Message(target.id, f"Sentry's release {version}", posts)])


def _never_failing(ports: Ports, what: str, action: Callable[[], object]) -> None:
    try:
        action()
    except OSError as error:
        ports.journal.log(f"notify: {what}: nobody is told: {error}")
    except Failed as error:
        ports.journal.log(f"notify: {what}: nobody is told: {error.failure.cause}; {error.failure.remedy}")
    except Exception as error:  # noqa: BLE001 - a release must not fail for a message; the text may hold a secret
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{type(error).__name__} at {place.filename.rpartition('/')[2]}:{place.lineno}"
        ports.journal.log(f"notify: {what}: nobody is told, a defect of the agent: {where}")
