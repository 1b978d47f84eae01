"""Containers that end by themselves and are started again by systemd: between two ends they look healthy."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from agent.host import commands, paths
from agent.host.ports import Ports

WINDOW_S: Final = 600
WORKERS: Final = "codeb-*-w-*@*.service"
"""Services of workers, as systemd takes a pattern."""
LOOP: Final = 2
"""Ends by itself within the window, from which on a container is no more called healthy: once may be an accident."""


@dataclass(frozen=True)
class Crashes:
    """How often a service's container ended by itself within the window, and with what status it did so last."""

    count: int = 0
    exit_code: int | None = None

    @property
    def loop(self) -> bool:
        """Whether it goes on."""
        return self.count >= LOOP

    def __str__(self) -> str:
        times = "once" if self.count == 1 else f"{self.count} times"
        code = "" if self.exit_code is None else f", last with exit code {self.exit_code}"
        return f"ended by itself and was started again {times} in the last {WINDOW_S // 60} minutes{code}"


NONE: Final = Crashes()


def wrong(reason: str, crashed: Crashes) -> str:
    """What is wrong with a container that was just asked for its health: `reason`, and that it keeps ending."""
    return "; ".join(filter(None, (reason, str(crashed) if crashed.loop else "")))


def of_worker(services: Sequence[str], running: Sequence[str], crashed: Mapping[str, Crashes]) -> str:
    """What is wrong with a worker's processes, "" for nothing."""
    down = [service for service in services if service not in running]
    said = [f"{', '.join(down)} {'does' if len(down) == 1 else 'do'} not run"] if down else []
    loops = [(service, found) for service in running if (found := crashed.get(service, NONE)).loop]
    return "; ".join([*said, *(f"{service} {found}" for service, found in loops)])


def look(ports: Ports, services: Iterable[str]) -> dict[str, Crashes]:
    """The services (names or patterns of units) that ended by themselves lately.

    systemd counts restarts since somebody started the unit, whenever they were; Podman says when its containers ended. It is
    asked only when a unit that was restarted has started within the window: mostly not at all.
    """
    since = ports.clock.now().timestamp() - WINDOW_S
    restarted = dict(_restarted(ports.runner.run(commands.restarts([*services])).out, since))
    if not restarted:
        return {}
    ends = _ends(ports.runner.run(commands.all_died(since)).out)
    return {
        service: Crashes(min(count, len(codes)), codes[-1])
        for service, count in restarted.items()
        if (codes := ends.get(paths.container_of(service)))
    }


def _restarted(shown: str, since: float) -> Iterator[tuple[str, int]]:
    for block in shown.split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        count = values.get("NRestarts", "")
        at = values.get("StateChangeTimestamp", "").removeprefix("@")
        if count.isdigit() and int(count) and at.isdigit() and int(at) >= since:
            yield values.get("Id", ""), int(count)


def _ends(rows: str) -> Mapping[str, list[int | None]]:
    """Exit codes of the containers that ended, by name, in order."""
    found: dict[str, list[int | None]] = {}
    for row in rows.splitlines():
        try:
            event = json.loads(row)
        except ValueError:
            continue
        if isinstance(event, dict):
            code = event.get("ContainerExitCode")
            found.setdefault(str(event.get("Name")), []).append(code if isinstance(code, int) else None)
    return found
