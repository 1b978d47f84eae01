"""`cost`: what a stack costs a month, by its last update, and what the edited settings would change."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from codeb.model import (
    DocumentErrors,
    Manifest,
    load_manifests,
    parse_settings,
    read_sources,
    read_stack_values,
)
from codeb.plan import Costs, PlanError, cost_line, make_plan, merged
from ops import words
from ops.pulumi import PulumiError, ask
from ops.result import Result, failed

_WITHOUT_TAX: Final = "US dollars a month without tax"


Outputs = Callable[[], Mapping[str, Any]]
"""Asks for the stack's outputs. Raises PulumiError."""


def outputs(folder: Path, stack: str) -> Mapping[str, Any]:
    """The Pulumi CLI's answer. Raises PulumiError."""
    text = ask(folder, stack, "stack", "output", "--json")
    try:
        found = json.loads(text or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise PulumiError("`pulumi stack output --json` printed no document")
    return found


def cost(folder: Path, stack: str, outputs: Outputs) -> Result:
    """What runs, and what would run after an update with the settings as they are now."""
    try:
        last = outputs()
    except PulumiError as error:
        return failed(error)
    try:
        planned, manifests = _planned(folder, stack, last.get("registry"))
    except (DocumentErrors, PlanError) as error:
        return failed(error)
    now = _last(last)
    lines = _lines(stack, now) if isinstance(now, Mapping) else [f"stack {stack} has not been deployed yet"]
    projects = _alone(planned, manifests)
    lines += [
        f"{words.clean(name)} has its pool to itself: {_usd(amount)}" for name, amount in projects.items()
    ]
    change = cost_line(planned, now if isinstance(now, Mapping) else None)
    lines.append(f"after the next `pulumi up`: {change or ('the same' if now else 'nothing that is known')}")
    document = {
        "ok": True,
        "stack": stack,
        "now": now if isinstance(now, Mapping) else None,
        "planned": planned.output,
        "change": change,
        "projects": projects,
    }
    return Result(document, tuple(lines))


def _last(outputs: Mapping[str, Any]) -> object:
    """The output `costs`; a stack that makes no servers has none: all of its servers are its owner's."""
    servers = outputs.get("servers")
    own = {"items": {}, "unknown": list(servers)} if isinstance(servers, Mapping) else None
    return outputs.get("costs", own)


def _planned(folder: Path, stack: str, registry: Any) -> tuple[Costs, Sequence[Manifest]]:
    """Raises DocumentErrors and PlanError."""
    settings = parse_settings(read_stack_values(folder / f"Pulumi.{stack}.yaml"), stack)
    written = load_manifests(read_sources(folder / settings.manifests), settings)
    found = merged(written, settings, registry)
    return make_plan(settings, found.manifests, registry, found.kept).costs, tuple(found.manifests)


def _alone(costs: Costs, manifests: Sequence[Manifest]) -> dict[str, float]:
    """What a project costs where its pool has no other: of shared servers nobody can say whose what is."""
    pools: dict[str, list[str]] = {}
    for manifest in manifests:
        pools.setdefault(manifest.servers.pool, []).append(manifest.id)
    known = costs.output["pools"] if not costs.unknown else {}
    return {ids[0]: known[pool] for pool, ids in pools.items() if len(ids) == 1 and pool in known}


def _lines(stack: str, now: Mapping[str, Any]) -> list[str]:
    rows = [
        [part, words.clean(name), _usd(amount)]
        for part, key in (("server", "servers"), ("pool", "pools"))
        for name, amount in _amounts(now.get(key))
    ]
    unknown = now.get("unknown")
    own = unknown if isinstance(unknown, list) else []
    rows += [["server", words.clean(name), "unknown: a server of your own"] for name in own]
    known = _usd(now.get("monthly")) if now.get("items") else ""
    rows.append(
        ["stack", stack, " and ".join(filter(None, [known, "what is unknown" if own else ""])) or _usd(0)]
    )
    table = words.table(("WHAT", "NAME", "MONTHLY"), rows)
    day = f", prices of {words.clean(now['as_of'])}" if now.get("as_of") else ""
    return [*table, "", f"{_WITHOUT_TAX}{day}"]


def _amounts(found: object) -> list[tuple[str, float]]:
    if not isinstance(found, Mapping):
        return []
    return [(str(name), amount) for name, amount in found.items() if isinstance(amount, int | float)]


def _usd(amount: object) -> str:
    return f"${amount:,.2f}" if isinstance(amount, int | float) else "unknown"
