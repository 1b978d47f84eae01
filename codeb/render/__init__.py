"""From the plan to text: files of a host, releases of projects. Pure, and without a single secret value."""

from codeb.render.admins import admins_document, rotated
from codeb.render.backup import final_document, second_texts
from codeb.render.bundle import Directory, HostBundle, HostFile, Service
from codeb.render.environment import VARIABLES, project_environment
from codeb.render.host import host_bundle, host_files
from codeb.render.managed_cache import CacheAccess, cache_access
from codeb.render.objects import storage_needs, with_storage_keys
from codeb.render.outside import outside_texts
from codeb.render.project import release_document, remove_document, route_document
from codeb.render.watched.elsewhere import export_texts

__all__ = [
    "VARIABLES",
    "CacheAccess",
    "Directory",
    "HostBundle",
    "HostFile",
    "Service",
    "admins_document",
    "cache_access",
    "export_texts",
    "final_document",
    "host_bundle",
    "host_files",
    "outside_texts",
    "project_environment",
    "release_document",
    "remove_document",
    "rotated",
    "route_document",
    "second_texts",
    "storage_needs",
    "with_storage_keys",
]
