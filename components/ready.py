"""Waits for what Vultr calls active before it can be used: a locked server, a balancer without an address."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

import pulumi

from codeb.fleet.kinds import BALANCER, SERVER, Kind
from codeb.fleet.values import mapping, shown, text
from ops.vultr.client import Client, VultrError

_EVERY_S: Final = 2.0
_LONGEST_S: Final = 300.0


class Ready:
    """Asks one account; only updates wait. What can't be asked is not waited for: the plugin says what is wrong."""

    def __init__(
        self,
        client: Callable[[], Client],
        *,
        longest_s: float = _LONGEST_S,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client, self._longest_s, self._sleep = client, longest_s, sleep

    async def unlocked(self, instance: str) -> str:
        """The server's id, once it takes a disk: a while after it is made Vultr refuses that.

        Raises:
            pulumi.RunError: it stays locked.
        """
        if pulumi.runtime.is_dry_run():
            return instance
        free = await asyncio.to_thread(self._until, SERVER, instance, _is_free)
        if free is None:
            raise pulumi.RunError(
                f"server {shown(instance)} is locked at Vultr for {self._longest_s:.0f} s, and takes no disk: look at it in "
                "Vultr's console, then run `pulumi up` again"
            )
        return instance

    async def address(self, balancer: str, known: str | None) -> str:
        """The balancer's address: Vultr may call it active before it has one, and no record may be made without.

        Raises:
            pulumi.RunError: it gets none.
        """
        if known:
            return known
        found = await asyncio.to_thread(self._until, BALANCER, balancer, lambda answer: text(answer, "ipv4"))
        if not found and not pulumi.runtime.is_dry_run():
            raise pulumi.RunError(
                f"balancer {shown(balancer)} has no address yet, to which records could point: run `pulumi up` again in a "
                "few minutes"
            )
        return found or ""

    def _until(self, kind: Kind, id_: str, usable: Callable[[Mapping[str, object]], str]) -> str | None:
        """What `usable` finds, once it does; "" when nobody answers, None when the time is over: in previews at once."""
        waited = self._longest_s if pulumi.runtime.is_dry_run() else 0.0
        while True:
            try:
                found = usable(mapping(self._client().get(f"{kind.path}/{id_}").get(kind.item)))
            except VultrError:
                return ""
            if found or waited >= self._longest_s:
                return found or None
            self._sleep(_EVERY_S)
            waited += _EVERY_S


def _is_free(instance: Mapping[str, object]) -> str:
    return "" if text(instance, "server_status") == "locked" else "free"
