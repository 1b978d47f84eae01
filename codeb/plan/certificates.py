"""Where an edge keeps the certificates that it orders."""

from __future__ import annotations

from codeb import names
from codeb.plan.types import Plan, ServerPlan


def shared_folder(plan: Plan, server: ServerPlan) -> str | None:
    """Where this edge has mounted the file system in which all edges keep certificates; None when it keeps its own."""
    if not server.has("edge") or not plan.settings.orders:
        return None
    shared = plan.fleet.shared if plan.fleet else None
    if shared and server.name in shared.servers:
        return names.SHARED_DIR
    return plan.settings.certificates_folder
