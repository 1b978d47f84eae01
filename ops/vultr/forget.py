"""`codeb fleet forget`: take out of the state what the account has no more.

Vultr's plugin can't delete what is gone (its DELETE fails on a 404), so a destroy would fail for ever. A refresh would
drop it too, but only where the API's words are the ones that the plugin waits for, and it drops balancers and records for
any trouble. Here the API is asked, and a plain 404 counts.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence

from codeb.fleet import Known, edits
from codeb.fleet.kinds import SERVER
from codeb.fleet.values import shown
from ops.pulumi import Stack, keep
from ops.vultr.account import read_one
from ops.vultr.case import Case, elsewhere


def forget(case: Case, ids: Sequence[str], confirm: Callable[[], bool], *, emptied: bool = False) -> int:
    """Check, ask, forget; 0 when the state has none of them any more, 1 when something is not gone.

    In another account everything is gone: only `emptied` says that it is the right one.

    Raises:
        PulumiError, VultrError: state or account could not be asked.
    """
    if case.strange and not emptied:
        return elsewhere(case)
    known = {each.key: each for each in case.state.resources}
    gone: list[Known] = []
    refused = False
    for id_ in dict.fromkeys(ids):
        each = known.get(id_)
        if each is None:
            print(f"{shown(id_)}: the state has none such")
            continue
        if read_one(case.client, each.kind, each.key) is not None:
            refused = True
            print(
                f"{each.kind.name} {shown(each.name)} ({shown(id_)}): the account has it: nothing to forget",
                file=sys.stderr,
            )
        else:
            gone.append(each)
    if refused or not gone:
        return 1 if refused else 0
    entries = edits.lost_with(case.state, case.document, gone)
    for urn, _ in sorted(entries):
        print(f"to be forgotten: {urn}")
    if not confirm():
        print("nothing was changed", file=sys.stderr)
        return 1
    first = (
        f"`codeb fleet refresh --stack {case.stack.name}`, then "
        if any(each.kind is SERVER for each in gone)
        else ""
    )
    return edit(case.stack, case.document, edits.without(case.document, entries), first)


def edit(stack: Stack, before: Mapping[str, object], document: Mapping[str, object], first: str = "") -> int:
    """Put a changed state in the place of the one that was read, which is kept in a file. Raises PulumiError.

    `first` is what is to be done before an update.
    """
    if stack.export() != before:
        print("the state changed meanwhile, nothing was changed: run it again", file=sys.stderr)
        return 1
    print(f"state before: {keep(before, stack.name)}")
    stack.restore(document)
    print(f"done. {first}`pulumi up --stack {stack.name}` makes what is still wanted")
    return 0
