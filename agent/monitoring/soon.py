"""After a verb that has changed a project its series are written anew, by systemd: nobody waits for them."""

from __future__ import annotations

from agent.host import commands, paths
from agent.host.ports import Ports


def soon(ports: Ports) -> None:
    """Have `metrics` run from its start, where this host has its unit. Nothing of it can fail the verb."""
    if ports.files.read(paths.unit(paths.METRICS_SERVICE)) is not None:
        ports.runner.run(commands.restart_soon(paths.METRICS_SERVICE))
