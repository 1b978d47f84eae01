"""Manifests and settings: from YAML text to frozen, validated models, or to errors that say what to write.

The door is `load_manifests(sources, settings)` and `parse_settings(data)`. Sizes are bytes, durations are
milliseconds.
"""

from codeb.model.features import CronJob, Features, Maintenance
from codeb.model.hints import say_of_manifests
from codeb.model.loader import Manifests, ManifestSource, load_manifests
from codeb.model.manifest import (
    Alerts,
    Backup,
    Bucket,
    Cache,
    Database,
    Environment,
    Health,
    Manifest,
    Monitoring,
    Ports,
    Project,
    Resources,
    Servers,
    Storage,
)
from codeb.model.outside import Outside, parse_outside
from codeb.model.problems import DocumentErrors, ManifestErrors, Problem, SettingsErrors
from codeb.model.settings import Images, Role, Server, Settings, parse_settings
from codeb.model.sources import read_sources
from codeb.model.stack_file import PLAIN_KEYS, SECRET_KEYS, StackFile, read_stack_file, read_stack_values
from codeb.model.stack_secrets import Said, say_of_secrets
from codeb.model.types import size_text
from codeb.model.vulnerable import refuse_vulnerable

__all__ = [
    "PLAIN_KEYS",
    "SECRET_KEYS",
    "Alerts",
    "Backup",
    "Bucket",
    "Cache",
    "CronJob",
    "Database",
    "DocumentErrors",
    "Environment",
    "Features",
    "Health",
    "Images",
    "Maintenance",
    "Manifest",
    "ManifestErrors",
    "ManifestSource",
    "Manifests",
    "Monitoring",
    "Outside",
    "Ports",
    "Problem",
    "Project",
    "Resources",
    "Role",
    "Said",
    "Server",
    "Servers",
    "Settings",
    "SettingsErrors",
    "StackFile",
    "Storage",
    "load_manifests",
    "parse_outside",
    "parse_settings",
    "read_sources",
    "read_stack_file",
    "read_stack_values",
    "refuse_vulnerable",
    "say_of_manifests",
    "say_of_secrets",
    "size_text",
]
