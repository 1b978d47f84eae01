"""`codeb fleet forget --server`: take out of the state what was done on a server that does not answer any more.

Whatever takes a server away asks its agent first: to leave, to take the platform off. A server that died answers nothing, so
the update that takes it away fails for ever. What is at Vultr stays in the state: the update deletes that.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codeb.fleet import edits
from codeb.fleet.values import shown
from ops.access import AccessError, server_named
from ops.fleet import Ask
from ops.pulumi import Stack
from ops.ssh import SshError
from ops.vultr.forget import edit


@dataclass(frozen=True)
class Wanted:
    """The server's name; `identity` is a key other than the stack's own."""

    server: str
    identity: str | None = None


def forget_server(stack: Stack, folder: Path, wanted: Wanted, confirm: Callable[[], bool], ask: Ask) -> int:
    """Check, ask, forget; 0 when the state has nothing of it any more, 1 when it answers, or data lies on it.

    Raises:
        PulumiError: the state could not be asked.
    """
    document = stack.export()
    entries = edits.done_on(document, wanted.server)
    name = shown(wanted.server)
    if not entries:
        print(f"{name}: the state has nothing that was done on such a server")
        return 0
    why = _data(document, entries, name) or _answers(folder, stack.name, wanted, ask)
    if why:
        print(why, file=sys.stderr)
        return 1
    for urn, _ in sorted(entries):
        print(f"to be forgotten: {urn}")
    if not confirm():
        print("nothing was changed", file=sys.stderr)
        return 1
    return edit(stack, document, edits.without(document, entries))


def _data(document: Mapping[str, Any], entries: set[edits.Entry], name: str) -> str:
    kept = edits.lies_on(document, entries)
    if not kept:
        return ""
    return (
        f"{name} is a data server: {shown(kept[0])} lies on it, and {len(kept) - 1} more. Where it is lost: `codeb rebuild "
        "server` (docs/worst-day.md). Nothing was changed"
    )


def _answers(folder: Path, stack: str, wanted: Wanted, ask: Ask) -> str:
    """Why not to forget it: its agent is there. "" when nobody answers, or nobody knows where it is."""
    try:
        server = server_named(folder, stack, wanted.server, wanted.identity)
        if server is None:
            print(
                f"{shown(wanted.server)}: the last update has taken it out of the stack's outputs, so it can't be asked "
                "whether it answers: look at it first (Vultr's console). One that lives is better left to `pulumi up`"
            )
            return ""
        ask(server.target, "status", {"version": 1})
    except (AccessError, SshError) as error:
        print(f"{shown(wanted.server)} does not answer: {shown(error)}")
        return ""
    return f"{shown(wanted.server)} answers: `pulumi up` can do with it what it wants. Nothing was changed"
