"""Issues, pull requests, their comments, labels: one row of numbers a repository, as at GitHub."""

from __future__ import annotations

from typing import Any, Final

from lab.delivery.github.hub import PAGES, Hub, Json, NoSuchThingError, RefusedError, now, user

LONGEST: Final = 65_536
_STATES: Final = ("open", "closed")


def listed(hub: Hub, repository: str, query: dict[str, str]) -> list[Json]:
    """Issues and pull requests, the newest first; filtered by `state` (open unless said otherwise) and `labels`."""
    wanted = {label for label in query.get("labels", "").split(",") if label}
    state = query.get("state", "open")
    found = [
        issue
        for issue in hub.repository(repository)["issues"].values()
        if state in ("all", issue["state"]) and wanted <= {label["name"] for label in issue["labels"]}
    ]
    return [_shown(issue) for issue in sorted(found, key=lambda issue: -int(issue["number"]))]


def one(hub: Hub, repository: str, number: str) -> Json:
    """An issue or a pull request."""
    return _shown(_issue(hub, repository, number))


def make(hub: Hub, repository: str, document: Json, login: str) -> Json:
    """A new issue. Labels that nobody made are made."""
    title = document.get("title")
    if not isinstance(title, str) or not title.strip():
        raise RefusedError(422, "Validation Failed: title is missing")
    with hub.changing():
        made = _new(hub, repository, title, _body(document), login)
        labels = hub.repository(repository)["labels"]
        for name in document.get("labels") or []:
            made["labels"].append(
                labels.setdefault(name, {"name": name, "color": "ededed", "description": None})
            )
        return _shown(made)


def change(hub: Hub, repository: str, number: str, document: Json) -> Json:
    """Other words, labels or another state."""
    if document.get("state", "open") not in _STATES:
        raise RefusedError(422, "Validation Failed: state is neither open nor closed")
    with hub.changing():
        issue = _issue(hub, repository, number)
        for key in ("title", "state", "state_reason"):
            if key in document:
                issue[key] = document[key]
        if "body" in document:
            issue["body"] = _body(document)
        issue["updated_at"] = now()
        return _shown(issue)


def comments(hub: Hub, repository: str, number: str) -> list[Json]:
    """What was said, the oldest first."""
    return list(_issue(hub, repository, number)["comments"])


def comment(hub: Hub, repository: str, number: str, document: Json, login: str) -> Json:
    """A new comment."""
    with hub.changing():
        issue = _issue(hub, repository, number)
        identity = hub.identity()
        made = {
            "id": identity,
            "body": _body(document, required=True),
            "user": user(login),
            "created_at": now(),
            "updated_at": now(),
            "html_url": f"{issue['html_url']}#issuecomment-{identity}",
        }
        issue["comments"].append(made)
        return dict(made)


def change_comment(hub: Hub, repository: str, identity: str, document: Json) -> Json:
    """Other words in a comment."""
    with hub.changing():
        for issue in hub.repository(repository)["issues"].values():
            for found in issue["comments"]:
                if str(found["id"]) == identity:
                    found.update(body=_body(document, required=True), updated_at=now())
                    return dict(found)
    raise NoSuchThingError(identity)


def labels(hub: Hub, repository: str) -> list[Json]:
    """All labels of a repository."""
    return list(hub.repository(repository)["labels"].values())


def make_label(hub: Hub, repository: str, document: Json) -> Json:
    """A new label."""
    with hub.changing():
        known = hub.repository(repository)["labels"]
        if document.get("name") in known:
            raise RefusedError(422, "Validation Failed: name already_exists")
        made = {key: document.get(key) for key in ("name", "color", "description")}
        known[str(document["name"])] = made
        return dict(made)


def pull(hub: Hub, repository: str, number: str) -> Json:
    """A pull request."""
    issue = _issue(hub, repository, number)
    if "pull_request" not in issue:
        raise NoSuchThingError(number)
    return {key: issue[key] for key in ("number", "title", "state", "user", "html_url", "head", "base")}


def open_pull(hub: Hub, repository: str, title: str, branch: str, sha: str, login: str) -> int:
    """Somebody opens a pull request of a branch of the same repository; its number."""
    with hub.changing():
        made = _new(hub, repository, title, "", login)
        made["html_url"] = f"{PAGES}/{repository}/pull/{made['number']}"
        made["pull_request"] = {"html_url": made["html_url"]}
        made["head"] = {"ref": branch, "sha": sha, "repo": {"full_name": repository}}
        made["base"] = {"ref": "main", "repo": {"full_name": repository}}
        return int(made["number"])


def move_pull(hub: Hub, repository: str, number: int, sha: str) -> None:
    """Somebody pushes to its branch."""
    with hub.changing():
        _issue(hub, repository, str(number))["head"]["sha"] = sha


def _new(hub: Hub, repository: str, title: str, body: str, login: str) -> Json:
    known = hub.repository(repository)
    known["last_number"] += 1
    number = known["last_number"]
    made: Json = {
        "id": hub.identity(),
        "number": number,
        "title": title,
        "body": body,
        "state": "open",
        "state_reason": None,
        "user": user(login),
        "labels": [],
        "comments": [],
        "created_at": now(),
        "updated_at": now(),
        "html_url": f"{PAGES}/{repository}/issues/{number}",
    }
    known["issues"][str(number)] = made
    return made


def _issue(hub: Hub, repository: str, number: str) -> Json:
    found: Json | None = hub.repository(repository)["issues"].get(number)
    if found is None:
        raise NoSuchThingError(number)
    return found


def _shown(issue: Json) -> Json:
    return {**issue, "comments": len(issue["comments"])}


def _body(document: Json, *, required: bool = False) -> str:
    body: Any = document.get("body") or ""
    if not isinstance(body, str) or (required and not body.strip()):
        raise RefusedError(422, "Validation Failed: body is missing")
    if len(body) > LONGEST:
        raise RefusedError(422, f"Validation Failed: body is too long (maximum is {LONGEST} characters)")
    return body
