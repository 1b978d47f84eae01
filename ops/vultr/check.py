"""`codeb fleet check`: what is there twice, unknown, gone or otherwise than the program made it."""

from __future__ import annotations

import sys
from pathlib import Path

from codeb.fleet import Finding, say
from ops.pulumi import Stack
from ops.result import written
from ops.vultr.case import TROUBLE, Case, read_case
from ops.vultr.client import Client


def check(stack: Stack, folder: Path, *, as_json: bool = False, client: Client | None = None) -> int:
    """Compare and say; 0 when all is as it should be, 1 with findings, 2 when something could not be asked.

    Raises:
        NoFleet, PulumiError, VultrError: nothing could be compared.
    """
    case = read_case(stack, folder, client)
    if as_json:
        print(written(result(case), indent=2))
    else:
        _print(case)
    if not case.complete:
        return TROUBLE
    return 1 if say(case.findings) else 0


def result(case: Case) -> dict[str, object]:
    """The same for programs."""
    return {
        "ok": case.complete and not say(case.findings),
        "complete": case.complete,
        "owner": case.owner,
        "findings": [each.document() for each in case.findings if each.wrong],
        "lines": say(case.findings),
        "others": [each.title for each in case.findings if not each.wrong],
    }


def _print(case: Case) -> None:
    lines = say(case.findings)
    for line in lines:
        print(line)
    for each in case.findings:
        if not each.wrong:
            print(f"{each.title}: {each.cause}")
    wasted = _wasted(case.findings)
    if wasted:
        print(f"What the state does not know costs ${wasted:,.2f} a month")
    if not case.complete:
        print(
            "The check is not complete: the API did not answer for all. Run it again later", file=sys.stderr
        )
    elif not lines:
        count = len(case.state.resources)
        print(f"All is as the state has it: {count} resources with the mark {case.owner}")


def _wasted(findings: tuple[Finding, ...]) -> float:
    return sum(each.monthly or 0 for each in findings if each.removal is not each.removal.NEVER)
