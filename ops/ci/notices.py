"""One comment on a pull request, or one open issue, that is kept up to date instead of repeated: found by a hidden marker on
its first line. A person's comment that has the marker is left alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ops.ci.context import CiError
from ops.ci.github import GitHub, number_of
from ops.words import clean

_COLOUR: Final = "fbca04"
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,200}")


def marker(kind: str, name: str) -> str:
    """A line that nobody sees. Raises CiError for a name that could end it."""
    if not _NAME.fullmatch(name) or "--" in name:
        raise CiError(
            f"{clean(name)} has two hyphens in a row: comments and issues can't be found by such a name"
        )
    return f"<!-- codeb:{kind}:{name} -->"


def comment(github: GitHub, pull: int, mark: str, body: str) -> str:
    """Put the comment on a pull request, or bring it up to date; its address. Raises CiError."""
    ours = _ours(github, list(github.pages(f"/issues/{pull}/comments")), mark)
    document = {"body": f"{mark}\n{body}"}
    found = (
        github.patch(f"/issues/comments/{number_of(ours, 'id')}", document)
        if ours
        else github.post(f"/issues/{pull}/comments", document)
    )
    return str(found.get("html_url", ""))


def has_comment(github: GitHub, pull: int, mark: str) -> bool:
    """Whether there is one. Raises CiError."""
    return _ours(github, list(github.pages(f"/issues/{pull}/comments")), mark) is not None


def open_issue(github: GitHub, label: str, mark: str) -> Mapping[str, Any] | None:
    """The open issue with this label and marker. Raises CiError."""
    issues = [
        each for each in github.pages("/issues", labels=label, state="open") if "pull_request" not in each
    ]
    return _ours(github, issues, mark)


def issue(github: GitHub, label: str, mark: str, title: str, body: str) -> str:
    """Open the issue, or bring the open one up to date; its address. Raises CiError."""
    ours = open_issue(github, label, mark)
    document = {"title": title, "body": f"{mark}\n{body}"}
    if ours:
        found = github.patch(f"/issues/{number_of(ours)}", document)
    else:
        _have_label(github, label)
        found = github.post("/issues", {**document, "labels": [label]})
    return str(found.get("html_url", ""))


def _have_label(github: GitHub, label: str) -> None:
    if all(each.get("name") != label for each in github.pages("/labels")):
        github.post(
            "/labels", {"name": label, "color": _COLOUR, "description": "Kept up to date by codeb ci"}
        )


def close_issue(github: GitHub, number: int, why: str) -> None:
    """Say why, and close it. Raises CiError."""
    github.post(f"/issues/{number}/comments", {"body": why})
    github.patch(f"/issues/{number}", {"state": "closed", "state_reason": "completed"})


def _ours(github: GitHub, found: Sequence[Mapping[str, Any]], mark: str) -> Mapping[str, Any] | None:
    """The first that begins with the marker and was written by a bot, or by whom the token is of."""
    marked = [each for each in found if str(each.get("body") or "").split("\n", 1)[0].strip() == mark]
    for each in marked:
        if _author(each).get("type") == "Bot":
            return each
    if not marked:
        return None
    login = github.login()
    return next((each for each in marked if login and _author(each).get("login") == login), None)


def _author(found: Mapping[str, Any]) -> Mapping[str, Any]:
    user = found.get("user")
    return user if isinstance(user, Mapping) else {}
