"""What the stand-in knows: repositories, tokens, issues, runs, approvals. One JSON file, written at each change.

Tokens are in it as hashes only. Sources of what GitHub refuses: docs.github.com/rest (version 2022-11-28).
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from lab.host.cache import write_atomically

BOT: Final = "github-actions[bot]"
PAGES: Final = "https://github.com"
Json = dict[str, Any]


class NoSuchThingError(Exception):
    """GitHub's 404."""


class RefusedError(Exception):
    """GitHub's no: `status` and what it says."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Step:
    """A step of a job that has ended, with its log. `started` is in seconds since the epoch."""

    name: str
    conclusion: str
    started: float
    lines: Sequence[tuple[float, str]] = ()


@dataclass(frozen=True)
class Job:
    """A job that has ended: GitHub's word for how, and its steps in order."""

    name: str
    conclusion: str
    steps: Sequence[Step] = ()


@dataclass(frozen=True)
class Fault:
    """What the next `count` calls of a method, whose path has `path` in it, are answered instead."""

    status: int
    method: str = "*"
    path: str = ""
    count: int = 1


def now() -> str:
    """As GitHub writes a moment."""
    return moment(datetime.now(UTC).timestamp())


def moment(seconds: float) -> str:
    """A moment in seconds since the epoch, as GitHub writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Hub:
    """All of it, kept in `folder`. Safe from several threads."""

    folder: Path
    state: Json = field(init=False, repr=False)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.state = {"repositories": {}, "tokens": {}, "runs": {}, "faults": [], "last_id": 1000}
        if self.file.exists():
            self.state = json.loads(self.file.read_text())

    @property
    def file(self) -> Path:
        """Where all of it is."""
        return self.folder / "github.json"

    @contextmanager
    def changing(self) -> Iterator[Json]:
        """The state, to be changed and kept."""
        with self.lock:
            yield self.state
            write_atomically(self.file, json.dumps(self.state, indent=1, ensure_ascii=False), 0o600)

    def identity(self) -> int:
        """A number that nothing has had yet; inside of `changing`."""
        self.state["last_id"] += 1
        return int(self.state["last_id"])

    def repository(self, name: str) -> Json:
        """What is known of a repository. Raises NoSuchThingError."""
        found: Json | None = self.state["repositories"].get(name)
        if found is None:
            raise NoSuchThingError(name)
        return found

    def add_repository(self, name: str, environments: Mapping[str, Sequence[str]] | None = None) -> None:
        """A private repository, unless it is there; `environments` says who reviews which."""
        with self.changing() as state:
            known = state["repositories"].setdefault(
                name, {"last_number": 0, "issues": {}, "labels": {}, "dispatches": [], "environments": {}}
            )
            known["environments"] = {key: list(who) for key, who in (environments or {}).items()}

    def add_token(self, repository: str, *permissions: str, login: str = BOT, run: int = 0) -> str:
        """A token for one repository with permissions like `issues:write`; of a workflow's run, or a person's."""
        token = f"{'ghs' if login == BOT else 'github_pat'}_{secrets.token_urlsafe(27)}"
        with self.changing() as state:
            state["tokens"][_digest(token)] = {
                "login": login,
                "repository": repository,
                "permissions": sorted(permissions),
                "run": run,
            }
        return token

    def forget_tokens(self, run: int) -> None:
        """A run has ended, and with it its token."""
        with self.changing() as state:
            state["tokens"] = {key: one for key, one in state["tokens"].items() if one["run"] != run}

    def who(self, authorization: str) -> Json | None:
        """Whose token a header has; None without a header.

        Raises:
            RefusedError: it is nobody's.
        """
        if not authorization:
            return None
        found: Json | None = self.state["tokens"].get(_digest(authorization.partition(" ")[2]))
        if found is None:
            raise RefusedError(401, "Bad credentials")
        return found

    def add_fault(self, fault: Fault) -> None:
        """Have calls fail."""
        with self.changing() as state:
            state["faults"].append(asdict(fault))

    def fault(self, method: str, path: str) -> int:
        """The status that a call is answered instead of what it asks for; 0 for none."""
        with self.lock:
            for fault in self.state["faults"]:
                if fault["method"] in ("*", method) and fault["path"] in path and fault["count"] > 0:
                    with self.changing():
                        fault["count"] -= 1
                    return int(fault["status"])
        return 0

    def dispatches(self, repository: str) -> list[Json]:
        """Events that were sent and not taken yet, which are taken with this: `event_type` and `client_payload`."""
        with self.changing():
            waiting = [one for one in self.repository(repository)["dispatches"] if not one["taken"]]
            for one in waiting:
                one["taken"] = True
            return [{key: one[key] for key in ("event_type", "client_payload")} for one in waiting]


def user(login: str) -> Json:
    """An account in an answer."""
    return {
        "login": login,
        "type": "Bot" if login.endswith("[bot]") else "User",
        "html_url": f"{PAGES}/{login}",
    }


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
