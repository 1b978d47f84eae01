"""`codeb fleet remove`: take from the account what this stack made and its state does not know."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from codeb.fleet import KINDS, Account, Finding, Removal, Thing, Trouble, attached
from codeb.fleet.kinds import ADDRESS, BALANCER, DISK, FIREWALL, SERVER, SHARE
from codeb.fleet.values import is_id, mapping, mappings, shown, text
from ops.vultr.account import path
from ops.vultr.case import Case, again, incomplete
from ops.vultr.client import Client, NotThere, Refused, VultrError

_BUSY: Final = ("not ready", "attached to this vpc", "until it is detatched", "until it is detached")
_WAITS: Final = (1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True)
class Wanted:
    """What is asked for. `data`: what holds data may go too; `unmarked`: what no mark is on, too."""

    ids: tuple[str, ...]
    data: bool = False
    unmarked: bool = False


@dataclass(frozen=True)
class Decision:
    """What will go, in the order in which it can, what went before, and why something can't."""

    go: tuple[tuple[Finding, Thing], ...]
    absent: tuple[str, ...]
    refusals: tuple[str, ...]


def remove(
    case: Case,
    folder: Path,
    wanted: Wanted,
    confirm: Callable[[], bool],
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Decide, ask, remove; 0 when all is gone, 1 when something was refused or failed, 2 when not all could be asked.

    Nothing is removed when anything of what was asked for is refused, nor when the account changed while somebody thought.
    """
    if not case.complete:
        return incomplete(case)
    decision = decide(case, wanted)
    for id_ in decision.absent:
        print(f"{shown(id_)}: the account has none such, it is gone")
    for why in decision.refusals:
        print(why, file=sys.stderr)
    if decision.refusals:
        print("nothing was removed", file=sys.stderr)
        return 1
    if not decision.go:
        return 0
    for finding, _ in decision.go:
        print(f"to be removed: {described(finding)}")
    if not confirm():
        print("nothing was removed", file=sys.stderr)
        return 1
    now = decide(again(case, folder), wanted)
    if [each.id for each, _ in now.go] != [each.id for each, _ in decision.go] or now.refusals:
        print("account or state changed meanwhile, nothing was removed: run it again", file=sys.stderr)
        return 1
    removal = _Removing(case.client, case.account, sleep)
    return max([_one(removal, finding, thing) for finding, thing in now.go])


def described(finding: Finding) -> str:
    """What goes, and what it costs."""
    cost = "" if finding.monthly is None else f", ${finding.monthly:,.2f} a month"
    data = ", WITH ITS DATA" if finding.holds_data else ""
    return f"{finding.title}{cost}{data}"


def decide(case: Case, wanted: Wanted) -> Decision:
    """What of it may go: what has the stack's mark and the state does not know; on somebody's word what no mark is on."""
    things = {each.key: each for each in reversed(list(case.account))}
    of_kind = {(each.kind.name, each.key): each for each in case.account}
    findings = {each.id: each for each in case.findings if each.id and each.trouble is not Trouble.GONE}
    go, absent, refusals = [], [], []
    for id_ in dict.fromkeys(wanted.ids):
        finding = findings.get(id_)
        thing = of_kind.get((finding.what, id_)) if finding else things.get(id_)
        why = _refusal(case, wanted, id_, finding, thing)
        if why:
            refusals.append(f"{shown(id_)}: {why}")
        elif thing is None or finding is None:
            absent.append(id_)
        else:
            go.append((finding, thing))
    order = {kind: number for number, kind in enumerate(KINDS)}
    return Decision(tuple(sorted(go, key=lambda each: order[each[1].kind])), tuple(absent), tuple(refusals))


def _refusal(case: Case, wanted: Wanted, id_: str, finding: Finding | None, thing: Thing | None) -> str:
    """Why it may not go; "" when it may, or is not there."""
    if not is_id(id_):
        return "this is no id"
    if any(each.key == id_ for each in case.state.resources):
        return "the state has it: it is Pulumi's to delete, when the settings change. `codeb fleet forget` when it is gone"
    if thing is None:
        return ""
    if finding is None or finding.removal is Removal.NEVER:
        why = finding.cause if finding else "it does not carry this stack's mark"
        return f"{thing.kind.name} {shown(thing.name)}: {why}"
    if finding.removal is Removal.UNMARKED and not wanted.unmarked:
        return f"{finding.title}: no mark says that it is this stack's. When you know it is: --unmarked"
    return _in_use(case, wanted, finding, thing)


def _in_use(case: Case, wanted: Wanted, finding: Finding, thing: Thing) -> str:
    """What hangs on it: nothing of a running server is taken away, and data only on somebody's word."""
    strays = {
        each.id for each in case.findings if each.what == SERVER.name and each.removal is Removal.MARKED
    }
    ours = {each.id for each in case.state.of(SERVER)}
    second = thing.kind is ADDRESS and finding.trouble is Trouble.TWICE
    for user in _users(case.account, thing):
        name = next((each.name for each in case.account.of(SERVER) if each.id == user), user)
        if user in ours and not second:
            return f"{finding.title}: {shown(name)} uses it: adopt it, or take it off there first"
        if user and user not in strays | ours:
            return (
                f"{finding.title}: {shown(name)} uses it, which is not this stack's: take it off there first"
            )
    if finding.holds_data and not wanted.data:
        held = [
            f"{each.kind.name} {shown(each.name)} is attached" for each in case.account.with_data_of(thing.id)
        ]
        return f"{finding.title}: it holds data{''.join(f' ({each})' for each in held)}. When nobody needs them: --data"
    return ""


def _users(account: Account, thing: Thing) -> tuple[str, ...]:
    """The servers that use it."""
    if thing.kind is DISK:
        return (text(thing.data, "attached_to_instance"),)
    if thing.kind is SHARE:
        return attached(thing)
    if thing.kind is ADDRESS:
        return (text(thing.data, "instance_id"),)
    if thing.kind is FIREWALL:
        return tuple(
            each.id for each in account.of(SERVER) if text(each.data, "firewall_group_id") == thing.id
        )
    return ()


def _one(removing: _Removing, finding: Finding, thing: Thing) -> int:
    try:
        was_there = removing.remove(thing)
    except VultrError as error:
        print(f"{finding.title}: not removed: {error}", file=sys.stderr)
        return 1
    print(f"removed: {finding.title}" if was_there else f"{finding.title}: was gone already")
    return 0


class _Removing:
    """Deletions as the API wants them: what hangs on a resource comes off first."""

    def __init__(self, client: Client, account: Account, sleep: Callable[[float], None]) -> None:
        self._client, self._account, self._sleep = client, account, sleep

    def remove(self, thing: Thing) -> bool:
        """Remove it; False when it was not there. Raises VultrError."""
        where = path(thing.kind, thing.within, thing.id)
        if thing.kind is SERVER:
            self._free(thing, where)
        elif thing.kind is BALANCER and text(mapping(thing.data.get("generic_info")), "vpc"):
            self._try("PATCH", where, {"vpc": ""})
        elif thing.kind is DISK and text(thing.data, "attached_to_instance"):
            self._try("POST", f"{where}/detach", {"live": True})
        elif thing.kind is ADDRESS and text(thing.data, "instance_id"):
            self._try("POST", f"{where}/detach")
        elif thing.kind is SHARE:
            for server in attached(thing):
                self._client.delete(f"{where}/attachments/{server}")
        return self._delete(where)

    def _free(self, server: Thing, where: str) -> None:
        """Take everything off a server that outlives it."""
        for each in self._account.with_data_of(server.id):
            its = path(each.kind, each.within, each.id)
            if each.kind is DISK:
                self._try("POST", f"{its}/detach", {"live": True})
            else:
                self._client.delete(f"{its}/attachments/{server.id}")
        for each in self._account.of(ADDRESS):
            if text(each.data, "instance_id") == server.id:
                self._try("POST", f"{path(ADDRESS, '', each.id)}/detach")
        networks = [text(each, "id") for each in mappings(server.data.get("vpcs"))]
        if networks:
            self._try("PATCH", where, {"detach_vpc": networks})

    def _try(self, method: str, where: str, body: dict[str, object] | None = None) -> None:
        """A change that may have been made already: then the deletion goes through, or says why not."""
        try:
            self._client.send(method, where, body)
        except (NotThere, Refused):
            return

    def _delete(self, where: str) -> bool:
        for wait in _WAITS:
            try:
                return self._client.delete(where)
            except Refused as error:
                if not any(words in str(error).lower() for words in _BUSY):
                    raise
            self._sleep(wait)
        return self._client.delete(where)
