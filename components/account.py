"""What the account at Vultr has beside the stack's state: said in previews and after failures, and never made twice.

The plugin makes a second server when a reply is lost, and forgets a balancer that it could not read (docs/fleet.md). What
carries this stack's mark and is not in the state would be made once more by an update, so an update stops before that.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pulumi

from codeb.fleet import (
    BY_NAME,
    KINDS,
    Account,
    Finding,
    Kind,
    State,
    Trouble,
    Wanted,
    compare,
    read_state,
    say,
)
from codeb.fleet.intent import intent_of
from codeb.fleet.kinds import DISK, RECORD, SERVER, role_of
from codeb.fleet.values import shown
from codeb.plan import Fleet, Plan
from components.running import check_place
from ops.pulumi import CliStack, PulumiError
from ops.vultr.account import read_account
from ops.vultr.client import Client, NotThere, VultrError

_SHOWN: Final = 12
_EXPORTS: Final = (0.2, 0.8)
"""Seconds before the state is asked for again."""
_COSTLY: Final = frozenset(
    {"server", "balancer", "data disk", "shared storage", "reserved IP", "managed database"}
)
"""Kinds of which a second one costs money or splits data; a second key or firewall group does neither."""


class AccountCheck:
    """One stack's account, asked as often as somebody wants to know."""

    def __init__(self, plan: Plan, fleet: Fleet, owner: str, api_key: str, folder: Path) -> None:
        self._fleet, self._owner, self._folder, self._key = fleet, owner, folder, api_key
        self._intent = intent_of(plan.settings, [project.manifest for project in plan.projects], owner)
        self._stack = pulumi.get_stack()
        self._said: set[str] = set()
        self._state: State | None = None
        self._unasked: Mapping[Kind, str] = {}
        self._zone_seen = False

    @property
    def state(self) -> State | None:
        """The stack's, as far as it could be read."""
        return self._state

    @property
    def settled(self) -> bool:
        """Whether servers or disks are there, as far as one knows: network and addresses can't move any more."""
        return self._state is None or any(each for kind in (SERVER, DISK) for each in self._state.of(kind))

    def before(self) -> None:
        """Say what is wrong; in an update start servers that are switched off, and stop before something is made twice.

        Raises:
            pulumi.RunError: what this run would make is there already, unknown to the state, or can't be looked for;
                the account is another one, or lacks the zone; servers can't follow.
        """
        findings = self._findings()
        self._say(findings)
        if self._state is not None:
            check_place(self._fleet, self._state)
        self._refuse_zone()
        if pulumi.runtime.is_dry_run():
            return
        strange = [finding for finding in findings if finding.trouble is Trouble.STRANGE]
        if strange:
            raise pulumi.RunError(f"{strange[0].line()}. Nothing was done")
        self._refuse_unseen()
        double = [finding for finding in findings if self._would_be_twice(finding)]
        if double:
            lines = "\n".join(finding.line() for finding in double)
            raise pulumi.RunError(
                f"Vultr has what this update would make once more; nothing was done:\n{lines}"
            )
        self._start([finding for finding in findings if finding.trouble is Trouble.OFF])

    def _refuse_zone(self) -> None:
        """Records come last: without their zone all else would be made before the update fails."""
        zone = self._fleet.zone
        if not zone or not self._fleet.records or self._zone_seen or RECORD in self._unasked:
            return
        try:
            Client(self._key).get(f"/domains/{zone}")
        except NotThere:
            raise pulumi.RunError(
                f"codeb:dnsZone: the account at Vultr hosts no zone {zone}: add it there (Network, DNS), or remove the line "
                "and make the records where the zone is"
            ) from None
        except VultrError:
            return  # the plugin says what is wrong

    def _refuse_unseen(self) -> None:
        """What the state lacks may be there all the same, and nobody could look."""
        if self._intent is None or self._state is None:
            return
        for kind, why in self._unasked.items():
            known = {each.role for each in self._state.of(kind) if not each.doomed}
            lacking = sorted(self._intent.labels.get(kind, frozenset()) - known)
            if lacking:
                raise pulumi.RunError(
                    f"this update would make {kind.name} {lacking[0]}, and Vultr can't be asked whether a lost reply or a "
                    f"killed run has left one: {shown(why)}. Nothing was done: run `pulumi up` again later"
                )

    def _would_be_twice(self, finding: Finding) -> bool:
        return (
            finding.trouble is Trouble.UNKNOWN
            and finding.what in _COSTLY
            and role_of(BY_NAME[finding.what], finding.name) in self._names()
        )

    def _start(self, off: Collection[Finding]) -> None:
        """No input of a server says whether it is on, so the plugin never starts one. It boots while the run goes on."""
        for finding in off:
            try:
                Client(self._key).send("POST", f"/instances/{finding.id}/start")
            except VultrError as error:
                pulumi.log.warn(f"{finding.title} is switched off and could not be started: {error}")
            else:
                pulumi.log.warn(f"{finding.title} was switched off, and is started")

    def hooks(self) -> pulumi.ResourceHookBinding:
        """What Vultr's resources are declared with: after a failure the account is looked at again."""
        return pulumi.ResourceHookBinding(on_error=[pulumi.ErrorHook("account", self._after_failure)])

    async def _after_failure(self, args: pulumi.ErrorHookArgs) -> bool:
        failed = frozenset(value for value in (args.new_inputs or {}).values() if isinstance(value, str))
        self._say(await asyncio.to_thread(self._findings, failed))
        return False

    def _findings(self, failed: frozenset[str] | None = None) -> Sequence[Finding]:
        """What is wrong, apart from what is being made just now; of the inputs of what has `failed`, all that is there.

        In the middle of an update the state is looked at before and after the account.

        A warning instead when account or state could not be asked.
        """
        try:
            self._state = state = read_state(self._export())
            zones = {self._fleet.zone} if self._fleet.zone else set()
            account = read_account(Client(self._key), state, self._owner, zones)
            if failed is not None:
                state = between(state, read_state(self._export()), account, failed)
        except PulumiError as error:
            return self._unknown(error)
        except VultrError as error:
            self._unasked = dict.fromkeys(KINDS, str(error))
            return self._unknown(error)
        self._unasked, self._zone_seen = account.unasked, bool(account.of(RECORD))
        wanted = {Wanted(record.name, record.type) for record in self._fleet.records}
        return compare(
            account,
            state,
            self._owner,
            self._stack,
            wanted=wanted,
            under_way=True,
            needless=lambda thing: self._intent is not None and not self._intent.wants(thing),
        )

    def _export(self) -> Mapping[str, Any]:
        """The state, which the CLI may be writing at this moment. Raises PulumiError."""
        for wait in _EXPORTS:
            try:
                return CliStack(self._folder, self._stack).export()
            except PulumiError:
                time.sleep(wait)
        return CliStack(self._folder, self._stack).export()

    def _unknown(self, error: Exception) -> Sequence[Finding]:
        pulumi.log.warn(f"The account at Vultr could not be compared with the state: {error}")
        return ()

    def _say(self, findings: Collection[Finding]) -> None:
        lines = [line for line in say(findings) if line not in self._said]
        self._said.update(lines)
        for line in lines[:_SHOWN]:
            pulumi.log.warn(line)
        if len(lines) > _SHOWN:
            pulumi.log.warn(
                f"{len(lines) - _SHOWN} more: `codeb fleet check --stack {self._stack}` shows them"
            )

    def _names(self) -> set[str]:
        machines = self._fleet.machines
        marked = {f"{self._owner}-{machine.server}" for machine in machines}
        return {machine.label for machine in machines} | marked | {self._owner, f"{self._owner}-certificates"}


def between(before: State, after: State, account: Account, failed: Collection[str]) -> State:
    """What the state had of an account that was asked between two looks at it: others come and go meanwhile."""
    there = {(thing.kind, thing.key) for thing in account}
    known, later = before.by_key(), after.by_key()
    stayed = (each for key, each in known.items() if key in later)
    came = (each for key, each in later.items() if key in there and key not in known)
    creating = (item for item in (*before.creating, *after.creating) if item[1] not in failed)
    return replace(before, resources=(*stayed, *came), creating=tuple(creating))
