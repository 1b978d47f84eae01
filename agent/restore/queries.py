"""Every statement of a restore, for psql; what comes from outside goes along as `agent.backup.queries` says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from agent.backup.queries import OVER, with_document

LOGIN: Final = "codeb.restore"
"""Who a dump's statements run as; no project's id leads to a name with a dot."""
SWAP_S: Final = 60

__all__ = [
    "LOGIN",
    "OVER",
    "analyze",
    "create",
    "extensions",
    "login",
    "public",
    "role",
    "schemas",
    "settings",
    "swap",
    "table",
]


def create(live: str, new: str, note: str) -> str:
    """An empty database that is as the live one is; what had its name goes."""
    return _query("create", live=live, new=new, note=note)


def login(owner: str | None, verifier: str = "") -> str:
    """Let the role of restores log in as the owner of a database and nobody else, or (None) not at all."""
    return _query("login", login=LOGIN, owner=owner, verifier=verifier)


def role(owner: str) -> str:
    """Act as the owner."""
    return _query("role", owner=owner)


def schemas() -> str:
    """Give the owner of the database its schemas."""
    return _query("schemas")


def extensions(names: Sequence[str]) -> str:
    """Those that aren't there yet."""
    return _query("extensions", names=list(names))


def settings(live: str, new: str, given: Sequence[str] | None, of_roles: Mapping[str, Sequence[str]]) -> str:
    """Settings `name=value` of the database and of roles in it; None: as the live one's are now."""
    found = None
    if given is not None:
        every = [("", text) for text in given] + [
            (role, text) for role, texts in of_roles.items() for text in texts
        ]
        found = [_setting(role, text) for role, text in every]
    return _query("settings", live=live, new=new, settings=found)


def public() -> str:
    """What everybody may do with the database, a word a line."""
    return _query("public")


def analyze() -> str:
    """Statistics for the planner, which no dump has."""
    return "SET statement_timeout = 0;\nANALYZE;\n"


def swap(live: str, renames: Sequence[tuple[str, str]], aside: str, note: str, meanwhile: str) -> str:
    """Give databases other names at once; `aside` is what the one is called then that is kept."""
    return _query(
        "swap",
        live=live,
        renames=[list(each) for each in renames],
        aside=aside,
        note=note,
        meanwhile=meanwhile,
    )


def table(name: str) -> str:
    """Statements that bring a table elsewhere: a JSON object, or no line."""
    return _query("table", table=name)


def _setting(role: str, text: str) -> dict[str, str]:
    name, _, value = text.partition("=")
    return {"role": role, "name": name, "value": value}


def _query(name: str, **document: object) -> str:
    return with_document("agent.restore", name, document)
