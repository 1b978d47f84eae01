"""/databases: PostgreSQL and Valkey that Vultr runs. What they serve is made by the machines.

Who logs in to one is in `database_users`.
"""

from __future__ import annotations

import secrets
from typing import Final

from lab.vultr.api.call import Answer, ApiError, Call, Route, public
from lab.vultr.api.catalog import region
from lab.vultr.api.lists import listing
from lab.vultr.files import Json

GONE = "invalid database ID"
ADMIN = "vultradmin"
DATABASE = "defaultdb"
VERSIONS: Final = {"pg": ("13", "14", "15", "16", "17", "18"), "valkey": ("7", "8.1", "9.0")}
EVICTIONS: Final = (
    *("noeviction", "allkeys-lru", "volatile-lru", "allkeys-random", "volatile-random"),
    *("volatile-ttl", "volatile-lfu", "allkeys-lfu"),
)
# engine, plan: CPUs, MB of memory, GB of disk, servers that stand by
_POSTGRES_PLANS: Final = {
    "vultr-dbaas-hobbyist-cc-1-25-1": (1, 1024, 25, 0),
    "vultr-dbaas-startup-cc-1-55-2": (1, 2048, 55, 0),
    "vultr-dbaas-business-cc-1-55-2": (1, 2048, 55, 1),
    "vultr-dbaas-startup-cc-2-80-4": (2, 4096, 80, 0),
    "vultr-dbaas-business-cc-2-80-4": (2, 4096, 80, 1),
    "vultr-dbaas-premium-cc-2-80-4": (2, 4096, 80, 2),
}
_VALKEY_PLANS: Final = {
    "vultr-dbaas-startup-rp-intel-1-12-2": (1, 2048, 12, 0),
    "vultr-dbaas-business-rp-intel-1-12-2": (1, 2048, 12, 1),
}
PLANS: Final = {"pg": _POSTGRES_PLANS, "valkey": _VALKEY_PLANS}
_TEXTS: Final = (
    "label",
    "tag",
    "maintenance_dow",
    "maintenance_time",
    "cluster_time_zone",
    "backup_hour",
    "backup_minute",
)
_DEFAULTS: Final = {"maintenance_dow": "sunday", "maintenance_time": "00:00", "cluster_time_zone": "UTC"}


def create(call: Call) -> Answer:
    engine = call.given("database_engine", str)
    if engine not in PLANS:
        raise ApiError(400, "Invalid database_engine")
    network = call.given("vpc_id", str, "")
    if network and network not in call.account["vpcs"]:
        raise ApiError(400, "Invalid vpc_id")
    item = {
        "region": region(call),
        "plan": _plan(call, engine),
        "database_engine": engine,
        "database_engine_version": _version(call, engine),
        "vpc_id": network,
        **{name: call.given(name, str, _DEFAULTS.get(name, "")) for name in _TEXTS},
        "trusted_ips": call.texts("trusted_ips") or [],
        **({"eviction_policy": _eviction(call, "noeviction")} if engine == "valkey" else {}),
        "_users": {},
        "_password": f"AVNS_{secrets.token_hex(12)}",
        "_ready_at": call.ready_at(call.settings.database_s),
        "_host": "",
        "_port": 0,
        "_failed": False,
    }
    call.given("label", str)
    database = call.add("databases", item)
    call.effect("make_database", database["id"], touches=[database["id"]])
    return Answer(202, lambda account: {"database": view(database, call.now)})


def read(call: Call) -> Answer:
    database = call.item("databases", GONE)
    return Answer(200, lambda account: {"database": view(database, call.now)})


def update(call: Call) -> Answer:
    """PUT; what is empty stays as it is."""
    database = call.item("databases", GONE)
    database |= {name: given for name in _TEXTS if (given := call.given(name, str, ""))}
    trusted = call.texts("trusted_ips")
    if trusted is not None:
        database["trusted_ips"] = trusted
    if call.given("plan", str, ""):
        database["plan"] = _plan(call, database["database_engine"])
    if "eviction_policy" in database:
        database["eviction_policy"] = _eviction(call, database["eviction_policy"])
    version = call.given("database_engine_version", str, "")
    if version and version != database["database_engine_version"]:
        raise ApiError(400, "Version upgrades are requested at /version-upgrade")
    return Answer(202, lambda account: {"database": view(database, call.now)})


def delete(call: Call) -> Answer:
    database = call.item("databases", GONE)
    del call.account["databases"][database["id"]]
    call.effect("drop_database", database["id"], touches=[database["id"]])
    return Answer(204)


def all_of_them(call: Call) -> Answer:
    found = call.account["databases"].values()
    return listing(call, "databases", found, lambda one: view(one, call.now))


def view(database: Json, now: float) -> Json:
    """A database as answered: `Rebuilding` until the machines have it, and as long as the settings say."""
    vcpus, ram, disk, replicas = PLANS[database["database_engine"]][database["plan"]]
    ready = now >= database["_ready_at"] and bool(database["_host"])
    status = "Error" if database["_failed"] else "Running" if ready else "Rebuilding"
    postgres = {"dbname": DATABASE, "pg_available_extensions": []}
    return public(database) | {
        "plan_vcpus": vcpus,
        "plan_ram": ram,
        "plan_disk": disk,
        "plan_replicas": replicas,
        "status": status,
        "host": database["_host"],
        "port": str(database["_port"] or ""),
        "user": ADMIN,
        "password": database["_password"],
        "latest_backup": database["date_created"],
        "read_replicas": [],
        **(postgres if database["database_engine"] == "pg" else {}),
    }


def _eviction(call: Call, default: str) -> str:
    policy: str = call.given("eviction_policy", str, "") or default
    if policy not in EVICTIONS:
        raise ApiError(400, "Invalid eviction_policy")
    return policy


def _plan(call: Call, engine: str) -> str:
    plan: str = call.given("plan", str)
    if plan not in PLANS[engine]:
        raise ApiError(400, "Invalid plan")
    return plan


def _version(call: Call, engine: str) -> str:
    version: str = call.given("database_engine_version", str)
    if version not in VERSIONS[engine]:
        raise ApiError(400, "Invalid database_engine_version")
    return version


ROUTES = [
    Route("POST", "/databases", create),
    Route("GET", "/databases", all_of_them),
    Route("GET", "/databases/{id}", read),
    Route("PUT", "/databases/{id}", update),
    Route("DELETE", "/databases/{id}", delete),
]
