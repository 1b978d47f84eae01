"""A login of a protected project: its password hashed, and the manifest's file edited."""

from __future__ import annotations

import re
import secrets
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import bcrypt

from codeb.model import ManifestErrors
from codeb.model.document import read_document
from ops.manifest_file import check, decoded, source_of, write
from ops.result import Result
from ops.words import clean
from ops.yaml_edit import EditError, drop, put

COST: Final = 10
"""Of bcrypt, 50 ms of a core a guess: edges check passwords, so each wrong one costs all sites of a server this much."""
_SHORTEST, _LONGEST_BYTES = 8, 72
_USERS: Final = ("features", "protect", "users")
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
_WORDS: Final = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


@dataclass(frozen=True)
class Wanted:
    """A login of `project`; without a password it is to go. `made` says that the password is ours to tell."""

    project: str
    user: str
    password: str | None = field(default=None, repr=False)
    made: bool = False


def made_password() -> str:
    """A password of 120 random bits."""
    return secrets.token_urlsafe(15)


def refusal_of(password: str) -> str | None:
    """What is wrong with a password; None when nothing is."""
    if len(password) < _SHORTEST:
        return f"a password has at least {_SHORTEST} characters"
    if len(password.encode(errors="replace")) > _LONGEST_BYTES:
        return f"a password has at most {_LONGEST_BYTES} bytes, as bcrypt reads no more"
    if not password.isprintable():
        return "a password is one line of visible characters"
    return None


def protect(wanted: Wanted, folder: Path) -> Result:
    """Set or remove a login in the manifest of `folder` that has the project. Nothing is changed on any host."""
    wrong = refusal_of(wanted.password) if wanted.password is not None else None
    if wrong:
        return _refused(wanted, wrong)
    try:
        source = source_of(wanted.project, folder)
        text, bom = decoded(source)
        before = read_document(source.path, text).value
        users = _users(before)
        if wanted.password is None and wanted.user not in users:
            return _refused(wanted, f"{source.path} has no login {wanted.user}")
        edited, after = _edited(wanted, text, before)
        check(source.path, edited, after)
        write(Path(source.path), (bom + edited).encode())
    except ManifestErrors as error:
        return _refused(wanted, *(clean(problem) for problem in error.problems))
    except EditError as error:
        return _refused(wanted, f"{error}. Edit features.protect.users by hand; nothing was changed.")
    return _done(wanted, source.path, after)


def _users(value: Any) -> dict[str, Any]:
    for key in _USERS:
        value = value.get(key, {})
    return dict(value)


def _edited(wanted: Wanted, text: str, before: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The text as it is to be, and what it has to say. Raises EditError."""
    after = deepcopy(before)
    if wanted.password is None:
        parents = [after]
        for key in _USERS:
            parents.append(parents[-1][key])
        for parent, key in reversed(list(zip(parents, (*_USERS, wanted.user), strict=True))):
            del parent[key]
            if parent:
                break
        return drop(text, (*_USERS, wanted.user)), after
    users = after
    for key in _USERS:
        users = users.setdefault(key, {})
    hashed = bcrypt.hashpw(wanted.password.encode(), bcrypt.gensalt(COST)).decode()
    users[wanted.user] = hashed
    known = wanted.user in _users(before)
    return put(text, (*_USERS, wanted.user if known else _key(wanted.user)), hashed), after


def _key(user: str) -> str:
    """A name as a key, in quotes where YAML would make something else of it."""
    return user if _PLAIN.fullmatch(user) and user.lower() not in _WORDS else f'"{user}"'


def _refused(wanted: Wanted, *problems: str) -> Result:
    document = {"ok": False, "project": wanted.project, "user": wanted.user, "problems": list(problems)}
    return Result(document, problems=tuple(f"error: {clean(problem)}" for problem in problems))


def _done(wanted: Wanted, path: str, after: dict[str, Any]) -> Result:
    protection = after.get("features", {}).get("protect", {})
    is_open = not protection
    document: dict[str, object] = {
        "ok": True,
        "project": wanted.project,
        "user": wanted.user,
        "file": path,
        "change": "removed" if wanted.password is None else "set",
        "users": sorted(protection.get("users", {})),
        "open": is_open,
    }
    lines = [f"{clean(path)}: login {wanted.user} {document['change']}, from the next `pulumi up` on"]
    if is_open:
        lines.append(f"{wanted.project} has no login and no address left: everybody gets in then")
    if wanted.made and wanted.password is not None:
        document["password"] = wanted.password
        lines.append(f"password, shown this once: {wanted.password}")
    return Result(document, tuple(lines))
