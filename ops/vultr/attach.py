"""`codeb fleet attach`: put a data disk back at its server, and let the state know.

Vultr's plugin changes a disk by a PATCH of label and size before it detaches and attaches; Vultr refuses a PATCH that
changes nothing. So an update moves a disk only together with its label, which follows the server's id, and not when a disk
was attached elsewhere by hand or an attachment failed. Here the API is told directly.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from codeb.fleet import Known, Thing
from codeb.fleet.kinds import DISK, SERVER
from codeb.fleet.values import shown, text
from ops.vultr.case import Case, incomplete
from ops.vultr.client import Client, Refused


def attach(case: Case, ids: Sequence[str], confirm: Callable[[], bool]) -> int:
    """Look, ask, attach, refresh; 0 when each disk is where it belongs and the state knows, 1 when something was refused.

    Raises:
        PulumiError, VultrError: the CLI or the API did not do it; run it again.
    """
    if not case.complete:
        return incomplete(case)
    chosen, refused = _chosen(case, ids)
    for why in refused:
        print(why, file=sys.stderr)
    if refused or not chosen:
        return 1
    for disk, thing, server in chosen:
        print(_said(disk, thing, server))
    if not confirm():
        print("nothing was changed", file=sys.stderr)
        return 1
    for _, thing, server in chosen:
        try:
            move(case.client, thing, server.id)
        except Refused as error:
            again = "a server that was just made is locked for a while: run it again"
            print(f"{shown(thing.key)}: {error}: {again}", file=sys.stderr)
            return 1
    targets = [word for disk, _, _ in chosen for word in ("--target", disk.urn)]
    return 1 if case.stack.run("refresh", ["--yes", "--skip-preview", "--run-program=false", *targets]) else 0


def move(client: Client, disk: Thing, server: str) -> None:
    """Detach it from where it is and attach it where it belongs. Raises VultrError."""
    at = text(disk.data, "attached_to_instance")
    if at == server:
        return
    if at:
        client.send("POST", f"/blocks/{disk.id}/detach", {"live": True})
    client.send("POST", f"/blocks/{disk.id}/attach", {"instance_id": server, "live": True})


def _chosen(case: Case, ids: Sequence[str]) -> tuple[list[tuple[Known, Thing, Known]], list[str]]:
    """Disks, as the state and the account have them, with their servers; and why others can't be attached."""
    known = {each.key: each for each in case.state.of(DISK) if not each.doomed}
    things = {each.key: each for each in case.account.of(DISK)}
    there = {each.id for each in case.account.of(SERVER)}
    servers = {each.id: each for each in case.state.of(SERVER) if not each.doomed and each.id in there}
    chosen, refused = [], []
    for id_ in dict.fromkeys(ids):
        if id_ not in known or id_ not in things:
            refused.append(f"{shown(id_)}: it is no data disk that both the state and the account have")
        elif (server := servers.get(case.state.server_of(known[id_]))) is None:
            refused.append(
                f"{shown(id_)}: its server is not there: `pulumi up` makes it and attaches the disk"
            )
        else:
            chosen.append((known[id_], things[id_], server))
    return chosen, refused


def _said(disk: Known, thing: Thing, server: Known) -> str:
    at = text(thing.data, "attached_to_instance")
    if at == server.id:
        return f"data disk {shown(disk.name)} is at {shown(server.name)}: the state is to know"
    away = f", away from {shown(text(thing.data, 'attached_to_instance_label') or at)}" if at else ""
    return f"data disk {shown(disk.name)} goes to {shown(server.name)} ({shown(server.id)}){away}"
