"""`codeb fleet refresh`: a `pulumi refresh` that changes nothing when the API is in trouble.

Vultr's plugin takes any failed read of a balancer or DNS record for "gone" and drops it from the state; the next update then
makes a second one. So the API is asked first, and what was dropped is looked for afterwards: when something of it is there
still, or can't be asked, the whole state is put back.

It reads what is at Vultr and nothing else, without the program: where the program wants a server that the state lost, a
refresh that runs it ends in an error of the engine's.
"""

from __future__ import annotations

import sys
from typing import Final

from codeb.fleet import Known, State, read_state
from codeb.fleet.values import shown
from ops.pulumi import keep
from ops.vultr.account import read_one
from ops.vultr.case import TROUBLE, Case, elsewhere, incomplete
from ops.vultr.client import Client, VultrError

_AT_VULTR: Final = ("urn:pulumi:**::vultr:**::**", "urn:pulumi:**$vultr:**::**")
"""Resources of Vultr's plugin, by themselves or in a component."""


def refresh(case: Case) -> int:
    """Refresh; 0 when done, 1 when Pulumi failed or the account is another one, 2 when the API was in trouble.

    In all but the first the state is as it was.

    Raises:
        PulumiError: the CLI could not be asked.
    """
    if not case.complete:
        return incomplete(case)
    if case.strange:
        return elsewhere(case)
    kept = keep(case.document, case.stack.name)
    targets = [word for urn in _AT_VULTR for word in ("--target", urn)]
    code = case.stack.run("refresh", ["--yes", "--skip-preview", "--run-program=false", *targets])
    wrongly = not_gone(case.client, case.state, read_state(case.stack.export()))
    if not wrongly:
        return 1 if code else 0
    for each, why in wrongly:
        print(
            f"{each.kind.name} {shown(each.name)} ({shown(each.key)}): dropped, but {shown(why)}",
            file=sys.stderr,
        )
    case.stack.restore(case.document)
    print(
        f"the API was in trouble: the state is as it was before ({kept}). Run it again later", file=sys.stderr
    )
    return TROUBLE


def not_gone(client: Client, before: State, after: State) -> list[tuple[Known, str]]:
    """What the state lost although the account has it, or can't be asked, with the reason."""
    left = after.by_key()
    found = []
    for each in before.resources:
        if (each.kind, each.key) in left or each.doomed:
            continue
        try:
            if read_one(client, each.kind, each.key) is not None:
                found.append((each, "the account has it"))
        except VultrError as error:
            found.append((each, str(error)))
    return found
