"""Workers of a project that goes, as the host shows them: a killed run may have started others than the record names."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from agent.host import commands, paths
from agent.host.ports import Ports

_STOP_TIMEOUT = re.compile(r"^StopTimeout=(\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Workers:
    """Paths of their units and links; `services`: what systemd knows of them, `stop_s`: the longest they take to end."""

    files: tuple[str, ...]
    links: tuple[str, ...]
    services: tuple[str, ...]
    stop_s: int


def of(ports: Ports, project: str) -> Workers:
    """All of them, of both colours."""
    texts = _units(ports, project)
    templates = {name.removesuffix("@.container") for name in texts}
    links = [name for name in ports.files.listing(paths.BOOT) if name.rpartition("@")[0] in templates]
    times = [int(found) for text in texts.values() for found in _STOP_TIMEOUT.findall(text)]
    return Workers(
        files=tuple(paths.quadlet(name) for name in texts),
        links=tuple(f"{paths.BOOT}/{name}" for name in links),
        services=tuple(_services(ports, sorted(templates))) if templates else (),
        stop_s=max(times, default=0),
    )


def _units(ports: Ports, project: str) -> Mapping[str, str]:
    """Name and text of their units. The label tells a worker `x-blue-w-y` of `shop` from `y` of `shop-blue-w-x`."""
    found = {}
    for name in ports.files.listing(paths.QUADLET):
        starts = tuple(paths.worker(project, colour, "") for colour in paths.COLOURS)
        if name.startswith(starts) and name.endswith("@.container"):
            text = (ports.files.read(paths.quadlet(name)) or b"").decode("utf-8", "replace")
            if f"Label=codeb.project={project}" in text.splitlines():
                found[name] = text
    return found


def _services(ports: Ports, templates: list[str]) -> list[str]:
    """Those that run, wait to be started again, or failed."""
    said = ports.runner.run(commands.instances(templates)).out
    try:
        units = [str(row["unit"]) for row in json.loads(said or "[]")]
    except (ValueError, KeyError, TypeError):
        units = []
    return [unit for unit in units if unit.rpartition("@")[0] in templates]
