"""Servers that the stack has made itself: their addresses and host keys are in its outputs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ops.pulumi import PulumiError, ask

_SECONDS: Final = 60


class MachinesError(Exception):
    """The stack does not tell its servers; the message says why and what to do."""


def makes_servers(values: Mapping[str, Any]) -> bool:
    """Whether the stack has servers of its own making, by its settings `codeb:…` as text."""
    pools = values.get("pools")
    said = (
        [pool.get("provider") for pool in pools if isinstance(pool, Mapping)]
        if isinstance(pools, list)
        else []
    )
    return values.get("provider") == "vultr" or "vultr" in said


def machines(folder: Path, stack: str) -> list[dict[str, Any]]:
    """The servers of the output `fleet`, each as an entry of `codeb:servers`.

    Raises:
        MachinesError: there is no such output, or it could not be asked.
    """
    servers = _output(folder, stack).get("servers")
    if not isinstance(servers, dict):
        raise MachinesError(f"stack {stack} has no output fleet.servers: {_FIRST}")
    return [
        {"name": name, "roles": facts.get("roles", [])}
        | {key: facts[key] for key in ("address", "hostKey", "pool") if key in facts}
        for name, facts in servers.items()
        if isinstance(facts, dict)
    ]


_FIRST: Final = "its first `pulumi up` makes the servers"


def _output(folder: Path, stack: str) -> Mapping[str, Any]:
    try:
        found = json.loads(ask(folder, stack, "stack", "output", "fleet", "--json", seconds=_SECONDS))
    except PulumiError as error:
        raise MachinesError(f"{error}. If the stack is new, {_FIRST}") from None
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}
