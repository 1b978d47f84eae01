"""`codeb fleet replace`: make one server anew, on purpose.

An app server's successor is made first; the old one serves until the balancer has let it go. A server with a data disk goes
first, as a disk is one server's at a time: its agent ends what uses the disk (the verb `retire`), so that the successor
finds it whole.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from codeb.fleet import Known, Trouble
from codeb.fleet.kinds import ADDRESS, DISK, SERVER
from codeb.fleet.values import mapping, shown, text
from ops.access import AccessError, server_named
from ops.fleet import Ask, problem
from ops.ssh import SshError
from ops.vultr.case import Case, elsewhere, incomplete

RENEW: Final = "CODEB_RENEW"
"""By this variable the program lets the servers named in it be replaced; for others it ignores what would do so."""


@dataclass(frozen=True)
class Wanted:
    """What is asked for. `data`: what is on the server's own disk may be lost."""

    server: str
    identity: str | None = None
    data: bool = False
    yes: bool = False


def replace(case: Case, folder: Path, wanted: Wanted, confirm: Callable[[], bool], ask: Ask) -> int:
    """Say what will happen, ask, do it; 0 when the new server runs, 1 when not.

    Raises:
        PulumiError: the CLI could not be asked.
    """
    if not case.complete:
        return incomplete(case)
    if case.strange:
        return elsewhere(case)
    server = _found(case, wanted.server)
    why = _refusal(case, wanted, server)
    if why or server is None:
        print(why, file=sys.stderr)
        return 1
    for line in _said(case, wanted, server):
        print(line)
    arguments = ["--replace", server.urn]
    disks = _disks(case, server)
    why = _previewed(case, wanted, server, arguments) or ("" if confirm() else "nothing was changed")
    if why:
        print(why, file=sys.stderr)
        return 1
    if server.protect or disks:  # it fails while another run has the stack: before services end in vain
        case.stack.unprotect(server.urn)
    if disks:
        print(_quiet(folder, case.stack.name, wanted, ask))
    code = case.stack.run("up", ["--yes", "--skip-preview", *arguments], {RENEW: wanted.server})
    if code:
        again = f"codeb fleet replace {wanted.server} --stack {case.stack.name}"
        print(
            f"not done: `codeb fleet check --stack {case.stack.name}`, then again: {again}", file=sys.stderr
        )
    return 1 if code else 0


def _previewed(case: Case, wanted: Wanted, server: Known, arguments: list[str]) -> str:
    """Why not to go on, after a preview: for people, and so that settings which are refused end no services."""
    if server.protect or (wanted.yes and not _disks(case, server)):
        return ""
    failed = case.stack.run("preview", arguments, {RENEW: wanted.server})
    return "its preview failed: nothing was changed" if failed else ""


def _found(case: Case, name: str) -> Known | None:
    """The server of this name, by the output `fleet.servers`, else by its resource's name."""
    facts = mapping(mapping(mapping(case.state.outputs.get("fleet")).get("servers")).get(name))
    servers = [each for each in case.state.of(SERVER) if not each.doomed]
    by_id = [each for each in servers if each.id == text(facts, "id")]
    return next(iter([*by_id, *(each for each in servers if each.label == f"codeb-{name}")]), None)


def _refusal(case: Case, wanted: Wanted, server: Known | None) -> str:
    if server is None:
        names = sorted(each.label.removeprefix("codeb-") for each in case.state.of(SERVER) if not each.doomed)
        return f"{shown(wanted.server)}: no such server is at Vultr; there is {', '.join(map(shown, names)) or 'none'}"
    mine = {server.id, *(each.key for each in _disks(case, server))}
    wrong = [
        each
        for each in case.findings
        if each.id in mine and each.trouble in (Trouble.GONE, Trouble.ELSEWHERE)
    ]
    if wrong:
        return f"mend this first: {wrong[0].line()}"
    if server.protect and not wanted.data:
        return f"{wanted.server} has its data on its own disk, and it would be lost. When a backup has it: --data"
    return ""


def _disks(case: Case, server: Known) -> list[Known]:
    return [each for each in case.state.of(DISK) if text(each.inputs, "attachedToInstance") == server.id]


def _said(case: Case, wanted: Wanted, server: Known) -> list[str]:
    """What will happen."""
    disks = _disks(case, server)
    kept = [each for each in case.state.of(ADDRESS) if text(each.outputs, "instanceId") == server.id]
    lines = [f"{wanted.server} ({server.id}) is made anew, by its plan {text(server.inputs, 'plan')}"]
    if disks:
        names = ", ".join(shown(each.name) for each in disks)
        lines.append(
            f"its services end now; its data disk {names} goes to the new server, which then starts them"
        )
    elif server.protect:
        lines.append("ALL DATA ON IT IS LOST")
    else:
        lines.append(
            "the new one is made first; what the old one has on its own disk is lost (containers, logs)"
        )
    if not kept:
        lines.append("its addresses change; records and balancer follow in the same run")
    return lines


def _quiet(folder: Path, stack: str, wanted: Wanted, ask: Ask) -> str:
    """End what runs on the server, so that its disk is whole; in words how that went. The disk goes on either way."""
    try:
        server = server_named(folder, stack, wanted.server, wanted.identity)
        if server is None:
            return f"{wanted.server}: its address is not known: its disk is taken as it is"
        answer = ask(server.target, "retire", _document())
    except (AccessError, SshError) as error:
        return f"{wanted.server}: its agent does not answer ({shown(error)}): its disk goes on as after a power cut"
    said = problem("retire", answer)
    return (
        f"{wanted.server}: {shown(said)}"
        if said
        else f"{wanted.server}: its services have ended, its disk is free"
    )


def _document() -> dict[str, Any]:
    return {"version": 1}
