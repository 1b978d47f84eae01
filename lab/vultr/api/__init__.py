"""The endpoints: one module for each kind of thing, a table of all routes."""

from __future__ import annotations

from lab.vultr.api import (
    blocks,
    catalog,
    database_users,
    databases,
    domains,
    firewalls,
    instances,
    load_balancers,
    object_storages,
    reserved_ips,
    ssh_keys,
    vfs,
    vpcs,
)
from lab.vultr.api.call import ApiError, Handler, Route

_ROUTES: list[Route] = [
    *ssh_keys.ROUTES,
    *vpcs.ROUTES,
    *firewalls.ROUTES,
    *instances.ROUTES,
    *blocks.ROUTES,
    *reserved_ips.ROUTES,
    *load_balancers.ROUTES,
    *domains.ROUTES,
    *vfs.ROUTES,
    *databases.ROUTES,
    *database_users.ROUTES,
    *object_storages.ROUTES,
    *catalog.ROUTES,
]


def route(method: str, path: str) -> tuple[Handler, dict[str, str]]:
    """Who answers a path below /v2, and what its variable parts are; an ApiError when nobody does."""
    found = [(one, ids) for one in _ROUTES if (ids := one.match(path)) is not None]
    for one, ids in found:
        if one.method == method:
            return one.handler, ids
    raise ApiError(405, "Method not allowed") if found else ApiError(404, "Not found")
