"""`doctor`: everything that is wrong with the stack's servers, and with what it has at Vultr."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ops import fleet, words
from ops.access import Server
from ops.fleet import Ask, Reply
from ops.result import Result

Check = Callable[[], Mapping[str, Any]]
"""The comparison with the account, as `ops.vultr.check.result` gives it."""


def doctor(servers: Sequence[Server], ask: Ask, account: Check | None) -> Result:
    """Ask every server's agent, and the account where there is one; ok when nothing is wrong."""
    replies = list(fleet.ask_each(servers, "doctor", {"version": 1}, ask).values())
    compared = account() if account else None
    found = {"ok": _well(replies, compared), "servers": [_one(reply) for reply in replies]}
    found |= {"account": compared} if compared is not None else {}
    lines = [line for reply in replies if _answered(reply) for line in _said(reply)]
    lines += _said_of_account(compared) if compared is not None else []
    silent = [reply for reply in replies if not _answered(reply)]
    return Result(
        found,
        tuple(lines),
        tuple(f"{words.clean(reply.server)}: {words.clean(reply.problem)}" for reply in silent),
    )


def _well(replies: Sequence[Reply], compared: Mapping[str, Any] | None) -> bool:
    return all(reply.document.get("ok") for reply in replies) and (
        compared is None or bool(compared.get("ok"))
    )


def _one(reply: Reply) -> dict[str, object]:
    return {
        "server": reply.server,
        "ok": bool(reply.document.get("ok")),
        "problem": "" if _answered(reply) else reply.problem,
        "problems": reply.document.get("problems", []),
        "put_aside": _put_aside(reply),
    }


def _answered(reply: Reply) -> bool:
    return isinstance(reply.document.get("problems"), list)


def _said(reply: Reply) -> list[str]:
    found = [each for each in reply.document["problems"] if isinstance(each, dict)]
    well = "all is well" if reply.document.get("ok") else words.count(len(found), "problem")
    lines = [f"{words.clean(reply.server)}: {well}"]
    for each in found:
        lines += [f"  - {words.clean(each.get('what'))}", f"    {words.clean(each.get('remedy'))}"]
    return lines + [f"  {words.clean(each)}" for each in _put_aside(reply)]


def _put_aside(reply: Reply) -> list[object]:
    """What restores have put aside there, which is nothing wrong."""
    found = reply.document.get("put_aside")
    return found if isinstance(found, list) else []


def _said_of_account(compared: Mapping[str, Any]) -> list[str]:
    lines = compared.get("lines", [])
    well = "all is well" if compared.get("ok") else words.count(len(lines), "finding")
    return [f"Vultr: {well}", *(f"  - {line}" for line in lines)]
