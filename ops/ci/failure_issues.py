"""One issue a distinct failure, updated instead of repeated. Ours is only what the bot wrote, whatever others claim."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ops.ci import failure_text
from ops.ci.failure_text import Failure, Seen
from ops.ci.github import GitHub, number_of

LABELS: Final = {
    "build-failure": ("b60205", "A workflow run failed"),
    "ai-analyzed": ("5319e7", "Written by codeb ci analyse"),
}


@dataclass(frozen=True)
class Reported:
    """An issue that was made, or updated."""

    number: int
    made: bool
    count: int
    url: str


class FailureIssues:
    """The issues of one repository. `pages` is the address of its pages, like `https://github.com/leo/shop`."""

    def __init__(self, github: GitHub, pages: str, bot: str) -> None:
        self._github = github
        self._pages = pages
        self._known = self._read(bot)
        self._labelled = False

    def report(self, failure: Failure) -> Reported:
        """Make the failure's issue, or bring the open one up to date. Raises CiError."""
        found = self._known.get(failure.fingerprint, [])
        opened = next((issue for issue in found if issue.get("state") == "open"), None)
        if opened is not None:
            return self._update(failure, opened)
        return self._make(failure, before=number_of(found[0]) if found else 0)

    def _update(self, failure: Failure, issue: Mapping[str, Any]) -> Reported:
        written = str(issue.get("body") or "")
        known = failure_text.seen_in(written)
        seen = known.again(failure.run) if known else _once(failure)
        kept = failure_text.analysis_in(written)
        text = failure_text.body(failure, seen, self._runs, kept=kept)
        title = str(issue.get("title")) if failure.verdict is None and kept else failure.title
        self._github.patch(f"/issues/{number_of(issue)}", {"title": title, "body": text})
        return self._reported(number_of(issue), seen, made=False)

    def _make(self, failure: Failure, before: int) -> Reported:
        self._have_labels()
        seen = _once(failure)
        text = failure_text.body(failure, seen, self._runs, before=before)
        document = {"title": failure.title, "body": text, "labels": list(LABELS)}
        made = self._github.post("/issues", document)
        return self._reported(number_of(made), seen, made=True)

    def _reported(self, number: int, seen: Seen, *, made: bool) -> Reported:
        return Reported(number, made, seen.count, f"{self._pages}/issues/{number}")

    @property
    def _runs(self) -> str:
        return f"{self._pages}/actions/runs/"

    def _have_labels(self) -> None:
        if self._labelled:
            return
        there = {str(label.get("name")) for label in self._github.pages("/labels")}
        for name, (colour, description) in LABELS.items():
            if name not in there:
                self._github.post("/labels", {"name": name, "color": colour, "description": description})
        self._labelled = True

    def _read(self, bot: str) -> dict[str, list[Mapping[str, Any]]]:
        """The bot's issues by fingerprint, the newest first."""
        known: dict[str, list[Mapping[str, Any]]] = {}
        for issue in self._github.pages("/issues", state="all", labels=",".join(LABELS)):
            seen = failure_text.seen_in(str(issue.get("body") or ""))
            user = issue.get("user")
            if (
                seen
                and isinstance(user, Mapping)
                and user.get("login") == bot
                and "pull_request" not in issue
            ):
                known.setdefault(seen.fingerprint, []).append(issue)
        return {key: sorted(found, key=lambda issue: -number_of(issue)) for key, found in known.items()}


def _once(failure: Failure) -> Seen:
    run = failure.run
    return Seen(failure.fingerprint, 1, run.number, run.number, run.attempt)
