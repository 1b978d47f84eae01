"""The verb `deliver`: empties the spool; what its target does not take in time is given up.

systemd starts it when the folder is not empty (`codeb-outbox.path`), at boot too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import Final

from agent.documents.errors import BadDocument, Failed, remedy_of
from agent.documents.reader import Reader
from agent.host import paths
from agent.host.ports import Busy, NoReply, Ports, Reply
from agent.outbox import spool
from agent.outbox.spool import Message
from agent.outbox.targets import Target, load_targets

PATIENCE_S: Final = 1800  # how long a target may be out of order before its messages are given up
_TIMEOUT_MS: Final = 10_000
_FIRST_PAUSE_S: Final = 5
_LONGEST_PAUSE_S: Final = 300
_POLL_S: Final = 2  # while one target is waited for, others' new messages are looked for
_OTHER_RUN_S: Final = 2 * PATIENCE_S
_SHOWN: Final = 160


def deliver(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """Send what is in the folder until it is empty; what can't be delivered is given up. Raises Failed.

    One run at a time: a second one waits, and finds the folder empty.
    """
    document.version()
    document.end()
    try:
        with ports.files.lock(paths.OUTBOX_LOCK, _OTHER_RUN_S):
            return _Courier(ports).run()
    except (Busy, OSError) as error:
        remedy = remedy_of(error, "see `journalctl -u codeb-outbox`; it is tried again")
        raise Failed("outbox", str(error), remedy) from error


@dataclass
class _Courier:
    """One run of `deliver`. Times are seconds of the monotonic clock; `failures` count in a row, by target."""

    ports: Ports
    seen: dict[str, tuple[float, Message]] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    not_before: dict[str, float] = field(default_factory=dict)
    delivered: int = 0
    dropped: int = 0

    def run(self) -> dict[str, object]:
        while heads := self._heads():
            now = self.ports.clock.monotonic()
            waits = {name: self.not_before.get(message.target, now) - now for name, message in heads.items()}
            for name, message in heads.items():
                if waits[name] <= 0:
                    self._attempt(name, message)
            if min(waits.values()) > 0:
                self.ports.clock.sleep(min(_POLL_S, *waits.values()))
        return {"ok": True, "delivered": self.delivered, "dropped": self.dropped}

    def _heads(self) -> dict[str, Message]:
        """The oldest message of each target, by file name."""
        names = self.ports.files.listing(paths.OUTBOX)
        self.seen = {name: known for name, known in self.seen.items() if name in set(names)}
        heads: dict[str, tuple[str, Message]] = {}
        for name in names:
            message = self._known(name)
            if message is not None:
                heads.setdefault(message.target, (name, message))
        return dict(heads.values())

    def _known(self, name: str) -> Message | None:
        if name not in self.seen:
            content = self.ports.files.read(spool.path_of(name))
            if content is None:
                return None
            try:
                self.seen[name] = (self.ports.clock.monotonic(), spool.read(content))
            except BadDocument as error:
                self._drop(name, f"a message can't be read and is dropped: {error}")
                return None
        return self.seen[name][1]

    def _attempt(self, name: str, message: Message) -> None:
        target = load_targets(self.ports).find(message.target)
        if target is None:
            self._drop(name, f"{message.about}: dropped, its target is configured no more")
            return
        post = message.posts[0]
        body = json.dumps(post.body).encode()
        try:
            reply = self.ports.http.post(target.url + post.resource, body, target.headers, _TIMEOUT_MS)
        except NoReply as error:
            self._failed(target, str(error), 0)
            return
        if 200 <= reply.status < 300:
            self._accepted(name, message, target)
        elif reply.status == 429 or reply.status >= 500:
            self._failed(target, _answer(target, reply), self._retry_after(reply))
        else:
            self._drop(
                name, f"{message.about}: given up, {target.kind} at {target.host} {_answer(target, reply)}"
            )

    def _accepted(self, name: str, message: Message, target: Target) -> None:
        self.failures.pop(target.id, None)
        rest = replace(message, posts=message.posts[1:])
        if rest.posts:
            self.seen[name] = (self.seen[name][0], rest)
            self.ports.files.write(spool.path_of(name), rest.to_bytes(), 0o600)
            return
        self.ports.files.remove(spool.path_of(name))
        self.delivered += 1
        self.ports.journal.log(f"outbox: {message.about}: delivered to {target.kind} at {target.host}")

    def _failed(self, target: Target, cause: str, retry_after_s: float) -> None:
        """Leave the target alone for a while; messages that waited too long for it are given up."""
        failures = self.failures.get(target.id, 0)
        pause = min(_FIRST_PAUSE_S * 2**failures, _LONGEST_PAUSE_S)
        wait = min(max(pause, retry_after_s), PATIENCE_S)
        now = self.ports.clock.monotonic()
        self.failures[target.id] = failures + 1
        self.not_before[target.id] = now + wait
        if failures == 0:
            self.ports.journal.log(
                f"outbox: {target.kind} at {target.host} {cause}; tried again for {PATIENCE_S // 60} minutes"
            )
        for name, (since, message) in list(self.seen.items()):
            if message.target == target.id and now - since >= PATIENCE_S:
                gone = f"given up after {PATIENCE_S // 60} minutes, {target.kind} at {target.host} {cause}"
                self._drop(name, f"{message.about}: {gone}")

    def _drop(self, name: str, why: str) -> None:
        self.ports.journal.log(f"outbox: {why}")
        self.ports.files.remove(spool.path_of(name))
        self.seen.pop(name, None)
        self.dropped += 1

    def _retry_after(self, reply: Reply) -> float:
        """Seconds that the target asks us to wait: a number or a date; 0 when it doesn't say."""
        text = reply.headers.get("retry-after", "").strip()
        if text.isascii() and text.isdigit():
            return float(text[:9])
        try:
            return max(0.0, (parsedate_to_datetime(text) - self.ports.clock.now()).total_seconds())
        except (ValueError, TypeError):
            return 0.0


def _answer(target: Target, reply: Reply) -> str:
    """What a target said, in one line and without its secrets."""
    said = target.redact(" ".join(reply.body.decode("utf-8", "replace").split()))
    printable = "".join(character for character in said if character.isprintable())[:_SHOWN]
    return f"answered {reply.status}" + (f": {printable}" if printable else "")
