"""The servers at Vultr that the pools ask for, by their names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from codeb import names
from codeb.model.settings.base import Role
from codeb.model.settings.pools import Pool


@dataclass(frozen=True)
class Member:
    """One server at Vultr. `number` counts from 1 within its pool, `pool_index` is the pool's place in the list."""

    pool: Pool
    pool_index: int
    number: int
    domain: str

    @property
    def server(self) -> str:
        """Its name in the stack: `app-1`."""
        return names.server(self.pool.stem, self.number)

    @property
    def label(self) -> str:
        """How Vultr's console shows it: `codeb-app-1`."""
        return names.server_label(self.pool.stem, self.number)

    @property
    def hostname(self) -> str:
        """Its own host name: `app1.example.com`."""
        return names.server_hostname(self.pool.stem, self.number, self.domain)

    @property
    def roles(self) -> tuple[Role, ...]:
        """What it does."""
        return self.pool.roles or ()


def members_of(pools: Iterable[tuple[int, Pool]], domain: str, *, most: bool = False) -> Iterator[Member]:
    """The servers of these pools, in the order of the settings; with `most` those too that may come by themselves."""
    for index, pool in pools:
        for number in range(1, (pool.most if most else pool.size) + 1):
            yield Member(pool, index, number, domain)
