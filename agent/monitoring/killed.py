"""Processes that the kernel has killed for their memory, counted by service: control groups forget at each start."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from agent.host.ports import Ports
from agent.monitoring import programs
from agent.monitoring.memory import Memory


def count(ports: Ports, services: Collection[str], memory: Memory) -> Memory:
    """What is known by now of these services; others are forgotten. A journal that can't be read changes nothing."""
    counts = {service: memory.killed.get(service, 0) for service in services}
    found = ports.runner.run(programs.killed_for_memory(memory.cursor))
    if not found.ok:
        ports.journal.log(f"metrics: the journal can't be read: {found.text.splitlines()[:1]}")
        return replace(memory, killed=counts)
    cursor = memory.cursor
    for row in _rows(found.out):
        cursor = str(row.get("__CURSOR") or cursor)
        unit = row.get("UNIT")
        if unit in counts:
            counts[str(unit)] += 1
    return replace(memory, cursor=cursor, killed=counts)


def _rows(lines: str) -> Iterator[Mapping[str, Any]]:
    for line in lines.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            yield row
