"""Which edges are yet to be sent visitors: those wait until they serve, while those that have theirs keep them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from codeb.fleet.kinds import BALANCER, SERVER
from codeb.fleet.state import State
from codeb.fleet.values import mapping, texts

_EDGE = "edge"


def arriving(
    edges: Collection[str],
    state: State | None,
    before: Mapping[str, Any],
    renewed: Collection[str] = (),
) -> frozenset[str]:
    """The edges, by name, that no visitor comes to before they serve.

    Nobody arrives where nobody has been served yet: on a stack's first way up names have to lead to its edges at once, as
    certificates are ordered by them.

    Args:
        state: the stack's, None where it can't be read.
        before: the output `fleet` of the last update that ended well.
        renewed: those that this run makes anew.
    """
    known = _attached(state)
    if known is None:
        known = _served(before)
    if not known and not _served(before):
        return frozenset()
    return frozenset(edge for edge in edges if edge not in known or edge in renewed)


def _attached(state: State | None) -> frozenset[str] | None:
    """The servers that the state's balancer has; None where there is none, or no state."""
    balancers = [each for each in (state.of(BALANCER) if state else ()) if not each.doomed]
    if state is None or not balancers:
        return None
    ids = {id_ for each in balancers for id_ in texts(each.inputs.get("attachedInstances"))}
    return frozenset(
        each.label.removeprefix("codeb-") for each in state.of(SERVER) if each.id in ids and not each.doomed
    )


def _served(before: Mapping[str, Any]) -> frozenset[str]:
    """The edges that visitors came to when the last update had ended."""
    servers = mapping(before.get("servers"))
    return frozenset(name for name, facts in servers.items() if _EDGE in (mapping(facts).get("roles") or ()))
