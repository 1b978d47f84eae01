"""`env`: which variables the serving release has, and where each comes from. No value leaves a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ops import fleet, words
from ops.access import Server
from ops.fleet import Ask, Reply
from ops.result import Result

_SERVICES: Final = (("DATABASE_", "database"), ("REDIS_", "cache"), ("MINIO_", "storage"))
_MASK: Final = "*****"


def variables(project: str, stack: str, servers: Sequence[Server], ask: Ask) -> Result:
    """Ask every server for names; ok when each answered and one of them runs the project."""
    document = {"version": 1, "project": project}
    replies = list(fleet.ask_each(servers, "environment", document, ask).values())
    having = [reply for reply in replies if reply.ok and isinstance(reply.document.get("release"), Mapping)]
    found: dict[str, dict[str, Any]] = {}
    for reply in having:
        for each in _variables(reply):
            entry = found.setdefault(str(each["name"]), {"secret": each.get("secret"), "servers": []})
            entry["servers"].append(reply.server)
    entries = [
        {
            "name": name,
            "source": source(name, each["secret"]),
            "secret": each["secret"],
            "servers": each["servers"],
        }
        for name, each in sorted(found.items())
    ]
    problems = [f"{words.clean(r.server)}: {words.clean(r.problem)}" for r in replies if not r.ok]
    if not having and len(problems) < len(replies):
        problems.append(words.nowhere(project, stack, [words.clean(r.server) for r in replies if r.ok]))
    shown = {
        "ok": bool(having) and all(reply.ok for reply in replies),
        "project": project,
        "releases": {reply.server: reply.document["release"] for reply in having},
        "variables": entries,
        "problems": {reply.server: reply.problem for reply in replies if not reply.ok},
    }
    return Result(shown, tuple(_table(entries, having)), tuple(problems))


def source(name: str, secret: bool | None) -> str:
    """Where a variable comes from, as far as its name and whether it is secret tell.

    The platform's own names are a table (`codeb.render.environment`); a manifest may put a value of its own in the place of
    one, which names don't show.
    """
    from codeb.render.environment import VARIABLES

    known = name in VARIABLES or name.startswith("MINIO_BUCKET_")
    if known:
        return next((of for start, of in _SERVICES if name.startswith(start)), "platform")
    if secret is None:
        return "manifest or projectSecrets"
    return "projectSecrets" if secret else "manifest"


def _variables(reply: Reply) -> list[Mapping[str, Any]]:
    found = reply.document.get("variables", [])
    return (
        [each for each in found if isinstance(each, Mapping) and "name" in each]
        if isinstance(found, list)
        else []
    )


def _table(entries: Sequence[Mapping[str, Any]], having: Sequence[Reply]) -> list[str]:
    if not entries:
        return []
    rows = []
    for each in entries:
        some = "" if len(each["servers"]) == len(having) else f" (on {', '.join(each['servers'])} only)"
        kind = {True: "secret", False: "plain", None: "unknown"}[each["secret"]]
        rows.append([words.clean(each["name"]), _MASK, kind, words.clean(f"{each['source']}{some}")])
    releases = dict.fromkeys(str(reply.document["release"].get("id", "-")) for reply in having)
    return [
        *words.table(("NAME", "VALUE", "KIND", "SOURCE"), rows),
        "",
        f"of release {words.clean('/'.join(releases))}",
    ]
