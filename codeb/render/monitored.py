"""What monitoring has of the agent: the series that it writes each minute, and where it finds those that it asks."""

from __future__ import annotations

import json

from codeb import names, watch_names
from codeb.plan import Plan
from codeb.plan.monitored import monitoring_places
from codeb.render.bundle import HostBundle, HostFile, Service
from codeb.render.text import render


def series_files() -> HostBundle:
    """For every server of a stack that is watched: what writes the series of its projects each minute."""
    service, timer = watch_names.METRICS_SERVICE, watch_names.METRICS_TIMER
    return HostBundle(
        files=(
            HostFile(f"{names.UNITS_DIR}/{service}", render(f"host/{service}")),
            HostFile(f"{names.UNITS_DIR}/{timer}", render(f"host/{timer}"), restarts=(timer,)),
        ),
        services=(Service(timer),),
    )


def places_file(plan: Plan) -> HostFile:
    """For the server with the role `monitoring`: where its services answer, which the agent's `ask` reads."""
    document = {"version": 1, **monitoring_places(plan)}
    return HostFile(watch_names.MONITORING_FILE, json.dumps(document, indent=1) + "\n")
