"""A service of monitoring as a Quadlet unit: the host's network, an ordinary user, no capabilities, a read-only image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from codeb import names
from codeb.plan import Plan
from codeb.render.bundle import Directory, HostBundle, HostFile, Service
from codeb.render.text import render
from codeb.render.watched.memory import Part, memory_of

NOBODY: Final = 65534
"""Who the images of Prometheus and Alertmanager run as."""


@dataclass(frozen=True)
class Watching:
    """One service. `volumes` are Quadlet's, `data` is where it finds its folder below `/srv/codeb`."""

    name: str
    description: str
    image: str
    part: Part
    user: int
    command: tuple[str, ...]
    data: str | None = None
    group: int | None = None
    volumes: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    before: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()
    reloads: bool = False
    stop_s: int = 30

    @property
    def unit(self) -> str:
        """The systemd service."""
        return f"{self.name}.service"

    @property
    def owner(self) -> str:
        """Who owns what it reads and writes."""
        return f"{self.user}:{self.user if self.group is None else self.group}"


def service_files(plan: Plan, watching: Watching) -> HostBundle:
    """Unit, data folder and service."""
    folder = f"{names.DATA_DIR}/{watching.name}"
    data = (f"{folder}:{watching.data}",) if watching.data else ()
    unit = render(
        "monitoring/service.container",
        name=watching.name,
        description=watching.description,
        image=watching.image,
        pull=plan.settings.image_pull,
        user=watching.user,
        group=watching.user if watching.group is None else watching.group,
        volumes=(*data, *watching.volumes),
        environment=watching.environment,
        command=watching.command,
        memory=memory_of(plan, watching.part),
        before=watching.before,
        stops=watching.stops,
        reloads=watching.reloads,
        stop_s=watching.stop_s,
    )
    return HostBundle(
        directories=(Directory(folder, "0700", watching.owner),) if watching.data else (),
        files=(HostFile(f"{names.QUADLET_DIR}/{watching.name}.container", unit, restarts=(watching.unit,)),),
        services=(Service(watching.unit),),
    )
