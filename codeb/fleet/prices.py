"""What a resource of the account costs a month, in US dollars without tax."""

from __future__ import annotations

from collections.abc import Callable

from codeb.catalogue import catalogue
from codeb.fleet.account import Thing
from codeb.fleet.kinds import ADDRESS, BALANCER, DATABASE, DISK, SERVER, SHARE
from codeb.fleet.values import mapping, number, text

Price = Callable[[Thing], float | None]


def monthly(thing: Thing) -> float | None:
    """As the API says it, else as the catalogue does; None for what is free or not known."""
    if thing.kind is DISK:
        return number(thing.data.get("cost"))
    if thing.kind is SHARE:
        return number(mapping(thing.data.get("billing")).get("monthly"))
    cents = {ADDRESS: catalogue().reserved_ip_cents, BALANCER: catalogue().balancer_cents}.get(thing.kind)
    if thing.kind is SERVER:
        size = catalogue().sizes.get(text(thing.data, "plan"))
        cents = size.cents if size else None
    if thing.kind is DATABASE:
        plan = catalogue().managed_plan(text(thing.data, "plan"))
        cents = plan.cents if plan else None
    return None if cents is None else cents / 100
