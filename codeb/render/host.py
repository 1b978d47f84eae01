"""The bundle of a host, by its roles."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from codeb import names
from codeb.plan import Plan, ServerPlan
from codeb.render.admins import admins_document
from codeb.render.backup import backup_files
from codeb.render.base import base_files
from codeb.render.bundle import Directory, HostBundle
from codeb.render.data import data_files
from codeb.render.edge import edge_files, has_caddy
from codeb.render.machine import machine_files
from codeb.render.managed import managed_files
from codeb.render.objects import objects_files
from codeb.render.outside import outside_files
from codeb.render.watched import watched_files


def host_files(plan: Plan, server: ServerPlan, configured: Collection[str] = ()) -> HostBundle:
    """Everything that this server is to have, whatever projects run on it.

    `configured` names the secrets for the outside that the stack has (`outside_texts`).
    """
    bundle = base_files(plan, server) + outside_files(configured)
    if server.has("data"):
        bundle += data_files(plan, server) + backup_files(plan) + managed_files(plan) + objects_files(plan)
    if server.has("app"):
        bundle += HostBundle(directories=(Directory(names.PROJECTS_DIR, "0700"),))
    if has_caddy(plan, server):
        bundle += edge_files(plan, server)
    return bundle + watched_files(plan, server, configured) + machine_files(plan, server)


def host_bundle(plan: Plan, server: ServerPlan, configured: Collection[str] = ()) -> dict[str, Any]:
    """`host_files` as the document of `codeb-agent apply`, with secret markers."""
    document = host_files(plan, server, configured).document()
    return document | ({"admins": admins_document(plan)} if server.has("data") else {})
