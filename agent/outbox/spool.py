"""The spool: a folder of messages on their way out, each one file for one target.

A message holds what to say and the target's id, never a URL or a token.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from agent.documents.errors import BadDocument
from agent.documents.reader import Reader
from agent.host import paths
from agent.host.ports import Ports

MOST: Final = 1000  # messages in the folder; beyond, the oldest makes room


@dataclass(frozen=True)
class Post:
    """One request: the path below the target's URL ("" is the URL itself), and the JSON document to send."""

    body: Mapping[str, object]
    resource: str = ""


@dataclass(frozen=True)
class Message:
    """Requests to one target, each sent when the one before was accepted. `about` is for the journal."""

    target: str
    about: str
    posts: tuple[Post, ...]

    def to_bytes(self) -> bytes:
        posts = [{"resource": post.resource, "body": post.body} for post in self.posts]
        text = {"version": 1, "target": self.target, "about": self.about, "posts": posts}
        return json.dumps(text).encode()


def enqueue(ports: Ports, messages: Iterable[Message]) -> int:
    """Put messages into the folder, in order; how many. Raises OSError."""
    count = 0
    for message in messages:
        ports.files.directory(paths.OUTBOX, 0o700, "root:root")
        _make_room(ports)
        waiting = len(ports.files.listing(paths.OUTBOX))  # in order within one tick of the clock, too
        name = f"{ports.clock.now():%Y%m%dT%H%M%S.%f}Z-{waiting:04}-{count:03}-{secrets.token_hex(4)}.json"
        ports.files.write(path_of(name), message.to_bytes(), 0o600)
        count += 1
    return count


def path_of(name: str) -> str:
    """Where a message of this file name stands."""
    return f"{paths.OUTBOX}/{name}"


def _make_room(ports: Ports) -> None:
    names = ports.files.listing(paths.OUTBOX)
    for name in names[: max(0, len(names) - MOST + 1)]:
        ports.journal.log(f"outbox: {MOST} messages wait, the oldest is dropped: {name}")
        ports.files.remove(path_of(name))


def read(content: bytes) -> Message:
    """The message in a file. Raises BadDocument."""
    try:
        reader = Reader(json.loads(content), "")
    except ValueError as error:
        raise BadDocument("", f"is not JSON: {error}") from None
    reader.version()
    posts = tuple(Post(item.document("body"), item.text("resource")) for item in reader.children("posts"))
    message = Message(reader.text("target"), reader.text("about"), posts)
    reader.end()
    if not posts:
        raise BadDocument("posts", "is empty")
    return message
