"""All dashboards of a stack, as Grafana reads them."""

from __future__ import annotations

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from codeb.dashboards.backups import backups
from codeb.dashboards.hosts import hosts
from codeb.dashboards.platform import platform
from codeb.dashboards.project import project
from codeb.dashboards.services import services
from codeb.dashboards.stores import LogStore


def dashboards(store: LogStore) -> dict[str, str]:
    """File name to JSON of each dashboard, for the log store that the stack has."""
    made = {
        "platform": platform(),
        "project": project(store),
        "services": services(),
        "hosts": hosts(),
        "backups": backups(),
    }
    encoder = JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return {f"{name}.json": encoder.encode(each.build()) + "\n" for name, each in made.items()}
