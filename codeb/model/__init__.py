"""Manifests and settings: from YAML text to frozen, validated models, or to errors that say what to write.

The door is `load_manifests(sources, settings)` and `parse_settings(data)`. Sizes are bytes, durations are
milliseconds.
"""

from codeb.model.asked import Asked, AskedCount, Opening, RequestErrors, parse_request
from codeb.model.backup_secrets import BackupCredentials, parse_backup_credentials
from codeb.model.cloud_secrets import BalancerCertificate, CloudSecrets, parse_cloud_secrets
from codeb.model.features import CronJob, Features, Maintenance, Worker
from codeb.model.headers import Headers
from codeb.model.hints import say_of_manifests
from codeb.model.hosts import Alias, overlap
from codeb.model.loader import Derived, Manifests, ManifestSource, load_manifests, with_derived
from codeb.model.manifest import (
    Alerts,
    Backup,
    Environment,
    Health,
    Manifest,
    Monitoring,
    Ports,
    Project,
    Resources,
    Servers,
)
from codeb.model.monitoring_secrets import MonitoringCredentials, parse_monitoring_credentials
from codeb.model.outside import Outside, parse_outside
from codeb.model.problems import DocumentErrors, ManifestErrors, Problem, SettingsErrors
from codeb.model.protect import Protect
from codeb.model.redirects import Redirect, most_specific_first
from codeb.model.services import Bucket, Cache, Database, Storage
from codeb.model.settings import (
    Autoscale,
    Balancer,
    Images,
    Member,
    Pool,
    Previews,
    Role,
    Server,
    Settings,
    Vault,
    parse_settings,
)
from codeb.model.sources import read_sources
from codeb.model.stack_file import PLAIN_KEYS, SECRET_KEYS, StackFile, read_stack_file, read_stack_values
from codeb.model.stack_secrets import Said, say_of_secrets
from codeb.model.types import size_text
from codeb.model.vault_secrets import VaultCredentials, parse_vault_credentials
from codeb.model.vulnerable import refuse_vulnerable

__all__ = [
    "PLAIN_KEYS",
    "SECRET_KEYS",
    "Alerts",
    "Alias",
    "Asked",
    "AskedCount",
    "Autoscale",
    "Backup",
    "BackupCredentials",
    "Balancer",
    "BalancerCertificate",
    "Bucket",
    "Cache",
    "CloudSecrets",
    "CronJob",
    "Database",
    "Derived",
    "DocumentErrors",
    "Environment",
    "Features",
    "Headers",
    "Health",
    "Images",
    "Maintenance",
    "Manifest",
    "ManifestErrors",
    "ManifestSource",
    "Manifests",
    "Member",
    "Monitoring",
    "MonitoringCredentials",
    "Opening",
    "Outside",
    "Pool",
    "Ports",
    "Previews",
    "Problem",
    "Project",
    "Protect",
    "Redirect",
    "RequestErrors",
    "Resources",
    "Role",
    "Said",
    "Server",
    "Servers",
    "Settings",
    "SettingsErrors",
    "StackFile",
    "Storage",
    "Vault",
    "VaultCredentials",
    "Worker",
    "load_manifests",
    "most_specific_first",
    "overlap",
    "parse_backup_credentials",
    "parse_cloud_secrets",
    "parse_monitoring_credentials",
    "parse_outside",
    "parse_request",
    "parse_settings",
    "parse_vault_credentials",
    "read_sources",
    "read_stack_file",
    "read_stack_values",
    "refuse_vulnerable",
    "say_of_manifests",
    "say_of_secrets",
    "size_text",
    "with_derived",
]
