"""A stack at Vultr and its account, read together: what all commands of `codeb fleet` start from."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from codeb.fleet import (
    Account,
    Finding,
    State,
    Wanted,
    compare,
    is_strange,
    mark_of,
    owner_in,
    read_state,
    say,
)
from codeb.fleet.intent import Intent, intent_of
from codeb.fleet.kinds import RECORD
from codeb.fleet.values import mapping, mappings, shown, text
from codeb.model import (
    DocumentErrors,
    load_manifests,
    parse_settings,
    read_sources,
    read_stack_values,
)
from codeb.plan import PlanError, merged, scaled
from codeb.secrets import RootSecret, SecretError
from ops.access import stack_values
from ops.machines import makes_servers
from ops.pulumi import Stack
from ops.vultr.account import read_account
from ops.vultr.client import Client, WrongKey

TROUBLE: Final = 2
"""Exit status when the account, or a part of it, could not be asked: nothing is concluded from silence."""

KEY_VARIABLE: Final = "VULTR_API_KEY"


class NoFleet(Exception):
    """The stack has nothing at Vultr that could be compared; the message says why."""


@dataclass(frozen=True)
class Case:
    """What is there. `document` is the exported state that `state` was read from."""

    stack: Stack
    client: Client
    document: Mapping[str, Any] = field(repr=False)
    state: State
    account: Account
    owner: str
    findings: tuple[Finding, ...]

    @property
    def complete(self) -> bool:
        """Whether the API answered for every kind."""
        return not self.account.unasked

    @property
    def strange(self) -> bool:
        """Whether the key is another account's, as far as one can tell."""
        return is_strange(self.account, self.state, self.owner)


def read_case(stack: Stack, folder: Path, client: Client | None = None) -> Case:
    """Ask state and account, and compare.

    Raises:
        NoFleet: nothing is known of this stack at Vultr.
        PulumiError, VultrError: one of them could not be asked at all.
    """
    document = stack.export()
    state = read_state(document)
    settings = stack_values(folder, stack.name)
    owner = owner_in(state) or _mark(stack, folder, settings)
    if owner is None:
        raise NoFleet(
            f"stack {stack.name} has nothing at Vultr in its state, and no root secret that tells its mark: its first "
            "`pulumi up` has not begun"
        )
    client = client or Client(api_key(stack, settings))
    account = read_account(client, state, owner, _zones(state, text(settings, "dnsZone")))
    intent = _intent(folder, stack.name, owner, state.outputs.get("registry"))
    wanted, needless = _wanted(state), (lambda thing: intent is not None and not intent.wants(thing))
    if intent is not None:
        wanted = {*intent.records, *(wanted or ())}
    findings = compare(account, state, owner, stack.name, wanted=wanted, needless=needless)
    return Case(stack, client, document, state, account, owner, findings)


def elsewhere(case: Case) -> int:
    """Say that the account is not the stack's, and that nothing was changed therefore."""
    for line in say(case.findings):
        print(line, file=sys.stderr)
    print("nothing was changed", file=sys.stderr)
    return 1


def incomplete(case: Case) -> int:
    """Say what could not be asked, and that nothing was changed therefore."""
    for kind, why in case.account.unasked.items():
        print(f"{kind.name}: {shown(why)}", file=sys.stderr)
    print("the API does not answer for all: nothing was changed, run it again later", file=sys.stderr)
    return TROUBLE


def again(case: Case, folder: Path) -> Case:
    """The same, read anew."""
    return read_case(case.stack, folder, case.client)


def api_key(stack: Stack, settings: Mapping[str, Any]) -> str:
    """The account's key, as the program takes it: the stack's secret, else the environment's. Raises WrongKey."""
    from_environment = os.environ.get(KEY_VARIABLE, "").strip()
    found = stack.config("vultrApiKey").strip() if "vultrApiKey" in settings or not from_environment else ""
    if not (found or from_environment):
        raise WrongKey(
            "no Vultr API key: run `pulumi config set --secret codeb:vultrApiKey`, or put it into the environment as "
            f"{KEY_VARIABLE}"
        )
    return found or from_environment


def _mark(stack: Stack, folder: Path, settings: Mapping[str, Any]) -> str | None:
    """The mark by the root secret, for a state that tells none: before the first update is through, and after a destroy."""
    if not makes_servers(settings):
        return None
    file = text(settings, "rootSecretFile")
    try:
        return mark_of(
            stack.name, RootSecret((folder / file).read_text() if file else stack.config("rootSecret"))
        )
    except (OSError, ValueError, SecretError):
        return None


def _intent(folder: Path, stack: str, owner: str, registry: object) -> Intent | None:
    """What the settings want now, which a killed run may not have got as far as its outputs; None when they are wrong."""
    try:
        settings = parse_settings(read_stack_values(folder / f"Pulumi.{stack}.yaml"), stack)
        written = load_manifests(read_sources(folder / settings.manifests), settings)
        found = merged(written, settings, registry)
    except (DocumentErrors, PlanError):
        return None
    return intent_of(scaled(settings, found.kept.pools), found.manifests, owner)


def _zones(state: State, zone: str) -> set[str]:
    """The zones in which the stack has records, or may have had some."""
    said = (text(mapping(state.outputs.get("fleet")), "zone"), zone)
    return {each for each in (*(each.within for each in state.of(RECORD)), *said) if each}


def _wanted(state: State) -> set[Wanted] | None:
    """The records that the program declares, by the output `fleet.records`; None when it does not say."""
    fleet = mapping(state.outputs.get("fleet"))
    if not isinstance(fleet.get("records"), list):
        return None
    return {Wanted(text(each, "name"), text(each, "type")) for each in mappings(fleet["records"])}
