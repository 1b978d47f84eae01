"""Settings of a stack: the plain keys `codeb:…` of `Pulumi.<stack>.yaml`. Secret values never come here."""

from codeb.model.settings.autoscale import MOST_SERVERS, Autoscale
from codeb.model.settings.backup import Backups, SecondPlace
from codeb.model.settings.base import Provider, Role
from codeb.model.settings.images import Images
from codeb.model.settings.managed import Managed, ManagedPostgres
from codeb.model.settings.managed_valkey import ManagedValkey
from codeb.model.settings.members import Member
from codeb.model.settings.monitoring import Export, LogStore, Monitoring
from codeb.model.settings.objects import ManagedObjects
from codeb.model.settings.pools import Balancer, Pool
from codeb.model.settings.previews import Previews
from codeb.model.settings.rotation import Rotation
from codeb.model.settings.servers import Server
from codeb.model.settings.vault import Vault
from codeb.model.settings.whole import Settings, parse_settings

__all__ = [
    "MOST_SERVERS",
    "Autoscale",
    "Backups",
    "Balancer",
    "Export",
    "Images",
    "LogStore",
    "Managed",
    "ManagedObjects",
    "ManagedPostgres",
    "ManagedValkey",
    "Member",
    "Monitoring",
    "Pool",
    "Previews",
    "Provider",
    "Role",
    "Rotation",
    "SecondPlace",
    "Server",
    "Settings",
    "Vault",
    "parse_settings",
]
