"""`vultr:index/database:Database`: a managed database, of which the plugin marks no password as a secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from lab.providers.bridge.schema import Attribute, Kind
from lab.providers.protocol import Properties
from lab.providers.vultr.answers import PanicError, decoded, unwrapped
from lab.providers.vultr.resource import VultrResource, any_case, filled, saying, text
from lab.providers.vultr.waiting import until

TYPE: Final = "vultr:index/database:Database"
_PENDING: Final = ("Rebalancing", "Rebuilding", "Configuring", "Error")
_SENT: Final = {
    "databaseEngine": "database_engine",
    "databaseEngineVersion": "database_engine_version",
    "region": "region",
    "plan": "plan",
    "label": "label",
    "tag": "tag",
    "vpcId": "vpc_id",
    "maintenanceDow": "maintenance_dow",
    "maintenanceTime": "maintenance_time",
    "clusterTimeZone": "cluster_time_zone",
    "trustedIps": "trusted_ips",
    "evictionPolicy": "eviction_policy",
    "password": "password",
}
_BACKUP: Final = {"backupHour": "backup_hour", "backupMinute": "backup_minute"}
_CHANGED: Final = {key: name for key, name in _SENT.items() if key != "databaseEngine"} | _BACKUP
_NOT_OF: Final[Mapping[str, frozenset[str]]] = {
    "valkey": frozenset({"planDisk", "clusterTimeZone"}),
    "": frozenset({"evictionPolicy"}),
}
"""What a read leaves as it was, by engine."""
_OPTIONAL: Final = Attribute(computed=True)
_SHOWN: Final = Attribute(output_only=True)


class Database(VultrResource):
    """The attributes are those that PostgreSQL and Valkey have; others' (MySQL, Kafka) have no stand-in."""

    path, wrapper = "/databases", "database"
    fields: ClassVar = {
        "date_created": str,
        "plan": str,
        "plan_disk": int,
        "plan_ram": int,
        "plan_vcpus": int,
        "plan_replicas": int,
        "region": str,
        "database_engine": str,
        "database_engine_version": str,
        "vpc_id": str,
        "status": str,
        "label": str,
        "tag": str,
        "dbname": str,
        "host": str,
        "port": str,
        "user": str,
        "password": str,
        "maintenance_dow": str,
        "maintenance_time": str,
        "backup_hour": str,
        "backup_minute": str,
        "latest_backup": str,
        "trusted_ips": list,
        "cluster_time_zone": str,
        "eviction_policy": str,
    }
    gone, unread = "invalid database ID", "error getting database ({id}): "
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "databaseEngine": Attribute(required=True, replaces=True),
        "databaseEngineVersion": Attribute(required=True),
        "region": Attribute(required=True, suppress=any_case),
        "plan": Attribute(required=True),
        "label": Attribute(required=True),
        "tag": _OPTIONAL,
        "vpcId": _OPTIONAL,
        "maintenanceDow": _OPTIONAL,
        "maintenanceTime": _OPTIONAL,
        "backupHour": _OPTIONAL,
        "backupMinute": _OPTIONAL,
        "clusterTimeZone": _OPTIONAL,
        "trustedIps": Attribute(Kind.SET, computed=True),
        "evictionPolicy": _OPTIONAL,
        "password": _OPTIONAL,
        "planDisk": Attribute(Kind.INT, computed=True),
        "planReplicas": Attribute(Kind.INT, computed=True),
        "planRam": Attribute(Kind.INT, output_only=True),
        "planVcpus": Attribute(Kind.INT, output_only=True),
        "dateCreated": _SHOWN,
        "status": _SHOWN,
        "dbname": _SHOWN,
        "host": _SHOWN,
        "port": _SHOWN,
        "user": _SHOWN,
        "latestBackup": _SHOWN,
    }

    def insert(self, wanted: dict[str, Any]) -> str:
        with saying("error creating database: "):
            made = self.make(filled({name: wanted[key] for key, name in _SENT.items() if key != "password"}))
        return str(made["id"])

    def complete(self, id_: str, wanted: Properties) -> None:
        """Backups' hour and minute are sent once it runs, empty where nobody has said them."""
        with saying(f"error while waiting for Managed Database {id_} to be in an active state: "):
            until(self._api, lambda: self._status(id_), "Running", _PENDING)
        body = {name: text(wanted[key]) for key, name in _BACKUP.items()}
        with saying(f"error updating Managed Database {id_} : "):
            self._api.ask("PUT", self.place(id_, wanted), body)

    def found(self, answer: Any) -> dict[str, Any]:
        """Without these two the real plugin dies."""
        values = unwrapped(answer, self.wrapper)
        for name in _BACKUP.values():
            if isinstance(values, Mapping) and values.get(name) is None:
                raise PanicError(name)
        foreign = _NOT_OF.get(str(values.get("database_engine")), _NOT_OF[""])
        return {name: value for name, value in super().found(answer).items() if name not in foreign}

    def alter(self, id_: str, old: Properties, wanted: dict[str, Any], changed: frozenset[str]) -> str:
        body = {name: wanted[key] for key, name in _CHANGED.items() if key in changed}
        with saying(f"error updating Managed Database {id_} : "):
            self._api.ask("PUT", self.place(id_, old), body)
        return id_

    def remove(self, id_: str, old: Properties) -> None:
        with saying(f"error destroying Managed Database ({id_}): "):
            self._api.tell("DELETE", self.place(id_, old))

    def _status(self, id_: str) -> str:
        with saying(f"error retrieving Managed Database {id_} : "):
            answer = unwrapped(self._api.get(self.place(id_, {})), self.wrapper)
            return str(decoded(answer, {"status": str}, self.wrapper)["status"])
