"""What somebody asks for, and what is prepared for him: the documents of `session` and `attach`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Final

from agent.documents.errors import BadDocument
from agent.documents.reader import PROJECT, Reader

KINDS: Final = ("exec", "run", "db", "cache", "storage")
TOKEN: Final = re.compile(r"[0-9a-f]{32}")
_SERVICES: Final = ("db", "cache", "storage")
_WORD: Final = re.compile(r"[^\0]{0,65536}")
_LONGEST: Final = 100_000
_MOST_WORDS: Final = 1000
_WHY: Final = re.compile(r"[^\0]{0,2000}")
_LOGIN: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,62}(?:\.[0-9]{1,3})?")
"""A user of a data service; those of a later rotation have its number behind a dot."""
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?")
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}")


@dataclass(frozen=True)
class Login:
    """How a project logs in to a data service; `place` is its database, Redis index or first bucket."""

    host: str
    port: int
    user: str
    place: str
    password: str = field(repr=False)

    def document(self) -> dict[str, object]:
        """The document that `read_login` reads."""
        return asdict(self)


@dataclass(frozen=True)
class Wish:
    """A session that is asked for. `login` comes from the app's server when the service is on another."""

    kind: str
    project: str
    command: tuple[str, ...]
    terminal: bool
    idle_minutes: int
    by: str
    why: str
    login: Login | None = None


@dataclass(frozen=True)
class Prepared:
    """A session that can begin: what `attach` runs.

    `argv` are the words after `podman run` and its PID namespace, or none for `exec`, which has a `process` of the OCI
    runtime instead, for the container `container` whose control group is `cgroup`. `environment` holds what is secret.
    """

    project: str
    kind: str
    by: str
    at: float
    terminal: bool
    idle_minutes: int
    what: str
    argv: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    container: str = ""
    cgroup: str = ""
    process: Mapping[str, object] | None = field(default=None, repr=False)

    def to_bytes(self) -> bytes:
        """The file's content."""
        return json.dumps(asdict(self)).encode()


def read_wish(document: Reader, by: str) -> Wish:
    """Raises BadDocument."""
    document.version()
    kind = document.choice("kind", *KINDS)
    command = document.texts("command", _WORD)
    if len(command) > _MOST_WORDS or sum(len(word.encode()) + 1 for word in command) > _LONGEST:
        raise BadDocument("command", f"has more than {_MOST_WORDS} words or {_LONGEST} bytes")
    if (kind in _SERVICES) == bool(command) or (command and not command[0]):
        raise BadDocument("command", "exec and run take a command, consoles none")
    login = document.maybe("login")
    if login and kind not in _SERVICES:
        raise BadDocument("login", "only consoles log in")
    wish = Wish(
        kind=kind,
        project=document.text("project", PROJECT),
        command=command,
        terminal=document.flag("terminal"),
        idle_minutes=document.whole("idle_minutes", 1, 24 * 60, default=60),
        by=document.text("by", _WHY, default="") or by,
        why=document.text("why", _WHY, default=""),
        login=read_login(login) if login else None,
    )
    document.end()
    return wish


def read_login(reader: Reader) -> Login:
    """Raises BadDocument; no error shows the password."""
    login = Login(
        host=reader.text("host", _HOST),
        port=reader.whole("port", 1, 65535),
        user=reader.text("user", _LOGIN),
        place=reader.text("place", _NAME),
        password=reader.secret("password"),
    )
    reader.end()
    return login


def read_prepared(content: bytes) -> Prepared:
    """What `Prepared.to_bytes` wrote."""
    document = json.loads(content)
    return Prepared(**{**document, "argv": tuple(document["argv"])})
