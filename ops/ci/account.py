"""What the account at Vultr says of a refresh: Vultr's plugin takes a failed read of a balancer or DNS record for "gone", so
what it misses is asked for once more, and nothing is concluded from an API in trouble."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from codeb.fleet import State, say
from codeb.fleet.values import shown
from ops.access import stack_values
from ops.machines import makes_servers
from ops.pulumi import PulumiError, Stack
from ops.vultr.case import NoFleet, read_case
from ops.vultr.client import Client, VultrError
from ops.vultr.refresh import not_gone


@dataclass(frozen=True)
class Account:
    """`findings`: what is there otherwise than the state has it; `trouble`: why nothing can be concluded."""

    findings: tuple[str, ...] = ()
    trouble: tuple[str, ...] = ()


def account(stack: Stack, folder: Path, missed: Collection[str], client: Client | None = None) -> Account:
    """Compare the account with the state; `missed` are names of resources that a refresh has not found."""
    if not makes_servers(stack_values(folder, stack.name)):
        return Account()
    try:
        case = read_case(stack, folder, client)
        left = State(tuple(each for each in case.state.resources if each.resource_name not in missed))
        wrongly = not_gone(case.client, case.state, left)
    except (NoFleet, PulumiError, VultrError) as error:
        return Account(trouble=(str(error),))
    found = tuple(say(case.findings))
    if case.strange:
        return Account(trouble=found)
    unasked = [f"{kind.name}: {shown(why)}" for kind, why in case.account.unasked.items()]
    still = [
        f"{each.kind.name} {shown(each.name)}: taken for gone, but {shown(why)}" for each, why in wrongly
    ]
    return Account(found, (*unasked, *still))
