"""The pools of a stack that scale themselves: their servers by settings and registry, and when they last changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from codeb.fleet.values import mapping, text
from codeb.model import (
    Asked,
    Autoscale,
    Member,
    Pool,
    load_manifests,
    parse_settings,
    read_sources,
    read_stack_values,
)
from codeb.plan import PlanError, Scale, counts, make_plan, merged, read_kept, scaled


@dataclass(frozen=True)
class Group:
    """A pool with its servers in order. `next` would come, `there` is what the last update says of the stack.

    `decided` is when the last step was begun, in seconds since 1970; None for none.
    """

    pool: Pool
    rules: Autoscale
    members: tuple[Member, ...]
    next: Member
    there: frozenset[str]
    decided: float | None

    @property
    def servers(self) -> tuple[str, ...]:
        """Names of the servers."""
        return tuple(each.server for each in self.members)

    @property
    def others(self) -> tuple[Member, ...]:
        """Servers of the pool that are not there now, and of which a deletion that was refused may have left something."""
        numbers = range(len(self.members) + 1, self.rules.max + 1)
        return tuple(replace(self.next, number=number) for number in numbers)

    @property
    def unfinished(self) -> str:
        """Why nothing can be decided: the stack is not as settings and registry say; "" when it is."""
        if self.there == set(self.servers):
            return ""
        has, wanted = ", ".join(sorted(self.there)) or "none", ", ".join(self.servers)
        return f"the stack has {has} where {wanted} should be: `pulumi up` first"


def read_groups(folder: Path, stack: str, outputs: Mapping[str, Any]) -> list[Group]:
    """Pools with `autoscale`, in the order of the settings.

    Raises:
        DocumentErrors: the settings are wrong.
        PlanError: the registry can't be understood.
    """
    settings = parse_settings(read_stack_values(folder / f"Pulumi.{stack}.yaml"), stack)
    decided, _ = counts(settings, read_kept(outputs.get("registry")), Asked())
    settings = scaled(settings, decided)
    machines = mapping(mapping(outputs.get("fleet")).get("servers"))
    groups = []
    for index, pool in settings.vultr_pools:
        if pool.autoscale is None:
            continue
        members = tuple(each for each in settings.members if each.pool_index == index)
        there = frozenset(
            name for name, facts in machines.items() if text(mapping(facts), "pool") == pool.name
        )
        coming = Member(pool, index, len(members) + 1, settings.domain)
        last = _last(decided.get(pool.name))
        groups.append(Group(pool, pool.autoscale, members, coming, there, last))
    return groups


def unplannable(folder: Path, stack: str, group: Group, count: int, outputs: Mapping[str, Any]) -> str:
    """Why the stack can't be with so many servers in the pool, as a project asks for more; "" when it can.

    Raises:
        DocumentErrors: settings or manifests are wrong.
        PlanError: the registry can't be understood.
    """
    settings = parse_settings(read_stack_values(folder / f"Pulumi.{stack}.yaml"), stack)
    registry = outputs.get("registry")
    found = merged(load_manifests(read_sources(folder / settings.manifests), settings), settings, registry)
    wanted = {**found.kept.pools, group.pool.name: Scale(count, count)}
    try:
        make_plan(settings, found.manifests, registry, replace(found.kept, pools=wanted))
    except PlanError as error:
        return f"{error.problems[0].where}: {error.problems[0].cause}"
    return ""


def _last(scale: Scale | None) -> float | None:
    """The later one of the last step that was done and the last that was tried."""
    times = [scale.since, scale.tried.at if scale.tried else ""] if scale else []
    return max((datetime.fromisoformat(each).timestamp() for each in times if each), default=None)
