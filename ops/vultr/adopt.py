"""`codeb fleet adopt`: take back into the state what a refresh dropped, or a lost reply or a killed run left.

What the program would create is asked of a preview, which knows name, parent and provider of everything. Pulumi then imports
what is there in its place. Some inputs the plugin never reads: they are taken over from the program, so that the next
preview has nothing to do.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from codeb.fleet import Removal, Thing, adoption, edits, read_state
from codeb.fleet.adoption import Pair
from codeb.fleet.kinds import FIREWALL, KINDS, RULE
from codeb.fleet.values import shown
from ops.pulumi import keep
from ops.vultr.case import Case, incomplete


def adopt(case: Case, ids: Sequence[str], confirm: Callable[[], bool]) -> int:
    """Find out, ask, import; 0 when the state has all of them, 1 when something was refused.

    Raises:
        PulumiError: the preview or the import failed; the state is as it was.
    """
    if not case.complete:
        return incomplete(case)
    things, refused = _chosen(case, ids)
    for why in refused:
        print(why, file=sys.stderr)
    if refused or not things:
        return 1 if refused else 0
    pairs, needless = adoption.pair(things, adoption.creations(case.stack.preview()), case.owner)
    for thing in needless:
        print(
            f"{_title(thing)}: the program wants no such one (any more): `codeb fleet remove` takes it away",
            file=sys.stderr,
        )
    if needless:
        return 1
    for thing, wanted in pairs:
        print(f"to be taken into the state: {_title(thing)} as {wanted.resource_name}")
    if not confirm():
        print("nothing was changed", file=sys.stderr)
        return 1
    return _import(case, pairs)


def _chosen(case: Case, ids: Sequence[str]) -> tuple[list[Thing], list[str]]:
    """The resources to take over, with a group its rules; and why others can't be."""
    things = {(each.kind.name, each.key): each for each in case.account}
    findings = {each.id: each for each in case.findings if each.removal is Removal.MARKED}
    known = {each.key for each in case.state.resources}
    chosen: list[Thing] = []
    refused = []
    for id_ in dict.fromkeys(ids):
        finding = findings.get(id_)
        if id_ in known:
            print(f"{shown(id_)}: the state has it")
        elif finding is None:
            refused.append(
                f"{shown(id_)}: `codeb fleet check` does not find it as this stack's and unknown to the state"
            )
        else:
            chosen.append(things[finding.what, id_])
    groups = {each.id for each in chosen if each.kind is FIREWALL}
    chosen += [each for each in case.account.of(RULE) if each.within in groups and each.key not in ids]
    return sorted(chosen, key=lambda each: -KINDS.index(each.kind)), refused


def _import(case: Case, pairs: Sequence[Pair]) -> int:
    there = {str(each.get("urn")) for each in case.document.get("deployment", {}).get("resources", [])}
    missing = {
        urn
        for _, each in pairs
        for urn in (each.parent, adoption.provider_of(each))
        if urn and urn not in there
    }
    if missing:
        targets = " ".join(f"--target '{urn}'" for urn in sorted(missing))
        print(
            f"the state lacks what it belongs to: run `pulumi up --stack {case.stack.name} {targets}`, then this again",
            file=sys.stderr,
        )
        return 1
    print(f"state before: {keep(case.document, case.stack.name)}")
    case.stack.adopt(adoption.import_file(pairs))
    document = case.stack.export()
    case.stack.restore(edits.completed(document, pairs))
    left = {each.urn for _, each in pairs} - {each.urn for each in read_state(document).resources}
    for urn in sorted(left):
        print(f"{urn}: Pulumi did not import it", file=sys.stderr)
    return 1 if left else 0


def _title(thing: Thing) -> str:
    return f"{thing.kind.name} {shown(thing.name)} ({shown(thing.key)})"
