"""`backup platform`: what rebuilds everything goes to the data server, which seals and stores it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ops import fleet, words
from ops.access import Server
from ops.backup import data_server
from ops.fleet import Ask, Reply
from ops.pulumi import PulumiError
from ops.result import Result, failed


def platform(
    export: Callable[[], Mapping[str, Any]], servers: Sequence[Server], ask: Ask, wait_s: int, by: str
) -> Result:
    """Bring the stack's state (`export`, secrets in it encrypted) and what other servers have to the data server.

    Ok when it is in every store and nothing is missing. A server that can't be asked is left out, which is said.
    """
    server = data_server(servers)
    if server is None:
        return failed("the stack has no server with the role data: there is nowhere to keep a backup")
    try:
        state = export()
    except PulumiError as error:
        return failed(error)
    others = fleet.ask_each(
        [each for each in servers if each is not server], "belongings", {"version": 1}, ask
    )
    parts = {name: each.document.get("tar") for name, each in others.items() if each.ok}
    document = {"version": 1, "state": json.dumps(state), "parts": parts, "wait_s": wait_s, "by": by}
    reply = fleet.ask_each([server], "platform", document, ask)[server.name]
    missing = [_missing(name, each) for name, each in others.items() if not each.ok]
    if not reply.document.get("id"):
        return failed(f"{server.name}: {words.clean(reply.problem or 'the agent gave no answer')}")
    return Result(
        {**reply.document, "ok": reply.ok and not missing, "server": server.name, "missing": missing},
        (_said(reply.document),),
        (*_problems(reply), *missing),
    )


def _problems(reply: Reply) -> tuple[str, ...]:
    said = reply.document.get("problem") or reply.problem
    return (words.clean(f"platform: {said}"),) if said else ()


def _missing(name: str, reply: Reply) -> str:
    return words.clean(f"{name}: what it has is not in it: {reply.problem}")


def _said(found: Mapping[str, Any]) -> str:
    stores = " and ".join(str(store) for store in found.get("stores") or ())
    others = ", ".join(str(name) for name in found.get("servers") or ())
    also = f" and what {others} have" if others else ""
    return words.clean(
        f"platform: {found.get('id')}, {words.size(found.get('bytes'))}, with the stack's state{also}, in {stores}"
    )
