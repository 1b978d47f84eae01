"""How many servers pools with `autoscale` have: what is asked for now, else what was decided before, within the settings.

A pool that nobody has decided about has what `count` says. When `count` is edited afterwards, the edit has the last word, as
a manifest's image has; `min` and `max` always have it. A step counts as done only when its run is through: until then the
registry has the number of before, with what was tried, so that no later run goes on with what an API refuses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from codeb.model import Asked, AskedCount, Pool, Problem, Settings
from codeb.model.asked import problem
from codeb.plan.kept import Kept, Scale, Tried


def scaled(settings: Settings, counts: Mapping[str, Scale]) -> Settings:
    """The settings with the numbers of servers that were decided."""
    if not counts:
        return settings
    pools = tuple(
        pool.model_copy(update={"count": counts[pool.name].count}) if pool.name in counts else pool
        for pool in settings.pools
    )
    return settings.model_copy(update={"pools": pools})


def counts(settings: Settings, before: Kept, asked: Asked) -> tuple[dict[str, Scale], dict[str, Scale]]:
    """Of each pool that was decided about: what it is to have, and what of that the registry has while the run is on."""
    found: dict[str, Scale] = {}
    meanwhile: dict[str, Scale] = {}
    for name, pool in _pools(settings).items():
        held = _held(pool, before.pools.get(name))
        wanted = asked.pools.get(name)
        if wanted is None or (held and held.count == wanted.count):
            found |= {name: held} if held else {}
            continue
        found[name] = Scale(wanted.count, pool.size, wanted.at, wanted.reason)
        meanwhile[name] = replace(
            held or Scale(pool.size, pool.size), tried=Tried(wanted.count, wanted.at, wanted.reason)
        )
    return found, {**found, **meanwhile}


def count_problems(settings: Settings, asked: Asked) -> Iterator[Problem]:
    """Numbers that can't be asked for."""
    pools = _pools(settings)
    for name, wanted in asked.pools.items():
        yield from _problems(name, wanted, pools.get(name))


def count_notes(settings: Settings, before: Kept, found: Mapping[str, Scale], asked: Asked) -> Iterator[str]:
    """What there is to say of decided numbers."""
    pools = _pools(settings)
    for name, held in sorted(before.pools.items()):
        pool = pools.get(name)
        if pool is None:
            yield f"pool {name}: no longer scales itself; the number that was decided, {held.count}, ends."
        elif name not in found:
            yield f"pool {name}: codeb:pools says {pool.size} now, in place of the {held.count} that was decided."
        elif name not in asked.pools and found[name].count != held.count:
            yield f"pool {name}: {found[name].count} servers in place of {held.count}, by autoscale's min and max."
    for name in sorted(asked.pools.keys() & found.keys()):
        yield f"pool {name}: {found[name].count} servers, as was asked for: {found[name].reason}."
    held_now = [
        f"{name} {found[name].count} (count {pools[name].size})"
        for name in sorted(found.keys() - asked.pools.keys())
        if found[name].count != pools[name].size
    ]
    if held_now:
        yield f"Numbers of servers that were decided hold (registry.pools): {', '.join(held_now)}."


def _problems(name: str, wanted: AskedCount, pool: Pool | None) -> Iterator[Problem]:
    at = f"pools.{name}"
    if pool is None or pool.autoscale is None:
        yield problem(at, "no pool of this name has autoscale", "Give it autoscale in codeb:pools first.")
        return
    least, most = pool.autoscale.min, pool.autoscale.max
    if not least <= wanted.count <= most:
        cause = f"{wanted.count} is not between autoscale's min and max"
        yield problem(f"{at}.count", cause, f"Ask for {least} to {most}, or edit codeb:pools.")


def _held(pool: Pool, held: Scale | None) -> Scale | None:
    """What was decided before, unless the settings have another count since, and within their limits."""
    if held is None or held.start != pool.size or pool.autoscale is None:
        return None
    least, most = pool.autoscale.min, pool.autoscale.max
    return replace(held, count=min(most, max(least, held.count)))


def _pools(settings: Settings) -> dict[str, Pool]:
    return {pool.name: pool for _, pool in settings.vultr_pools if pool.autoscale is not None}
