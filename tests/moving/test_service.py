"""The service from nothing: the simulated account makes a PostgreSQL, and its administrator makes our resources in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from lab.providers import factory
from lab.providers.postgresql import database, extension, grant, grant_role, role
from lab.providers.protocol import Provider, State
from lab.providers.vultr import database as service
from lab.vultr.nowhere import Nowhere
from lab.vultr.ports import DatabaseSpec, Served
from lab.vultr.simulator import Simulator
from tests.moving.both import asked, tried
from tests.plugins.client import Plugin, plugin
from tests.plugins.conftest import with_tls
from tests.plugins.life import change, make, remove, urn
from tests.postgres import Cluster, postgres_cluster

INPUTS = {
    "databaseEngine": "pg",
    "databaseEngineVersion": "16",
    "region": "icn",
    "plan": "vultr-dbaas-business-cc-2-80-4",
    "label": "codeb-test-0a1b2c-postgres",
    "trustedIps": ["10.64.0.0/20"],
}


class WithPostgres(Nowhere):
    """Machines that serve databases: one real server each, whose administrator is no superuser."""

    def __init__(self) -> None:
        super().__init__()
        self._running = ExitStack()
        self.clusters: list[Cluster] = []

    def make_database(self, spec: DatabaseSpec) -> Served:
        cluster = self._running.enter_context(
            postgres_cluster("avnadmin", settings={"fsync": "off"}, prepare=with_tls)
        )
        made = f"CREATE ROLE {spec.user} LOGIN CREATEROLE CREATEDB PASSWORD '{spec.password}';\n"
        asked(cluster, "postgres", f"{made}CREATE DATABASE {spec.database} OWNER {spec.user};\n")
        self.clusters.append(cluster)
        return Served("127.0.0.1", int(cluster.config["port"]))

    def close(self) -> None:
        self._running.close()


@pytest.fixture(scope="module")
def machines() -> Iterator[WithPostgres]:
    made = WithPostgres()
    yield made
    made.close()


@pytest.fixture(scope="module")
def made(
    machines: WithPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Provider, State]]:
    """The plugin's database at the simulated account."""
    folder: Path = tmp_path_factory.mktemp("account")
    with Simulator(folder, machines) as vultr, pytest.MonkeyPatch.context() as patch:
        for name, value in {**vultr.environment(), "CODEB_VULTR_PACE": "0.001"}.items():
            patch.setenv(name, value)
        provider = factory("vultr", "2.27.1")
        provider.configure({"apiKey": vultr.key()})
        checked = provider.check(service.TYPE, urn(service.TYPE), {}, INPUTS, b"")
        assert checked.failures == ()
        yield provider, provider.create(service.TYPE, urn(service.TYPE), checked.inputs)


@pytest.fixture(scope="module")
def admin(made: tuple[Provider, State]) -> Iterator[Plugin]:
    """The PostgreSQL plugin as `components.managed` configures it."""
    _, state = made
    config = {
        "host": str(state.outputs["host"]), "port": str(state.outputs["port"]), "username": str(state.outputs["user"]),
        "password": str(state.outputs["password"]), "database": str(state.outputs["dbname"]), "sslmode": "require",
        "superuser": "false",
    }  # fmt: skip
    with plugin("postgresql", config) as running:
        yield running


def test_the_account_serves_a_database_that_a_refresh_finds_unchanged(made: tuple[Provider, State]) -> None:
    provider, state = made
    outputs = state.outputs
    assert (outputs["status"], outputs["user"], outputs["dbname"]) == ("Running", "vultradmin", "defaultdb")
    known = (service.TYPE, urn(service.TYPE), state.id, INPUTS, outputs)
    assert not provider.diff(*known, INPUTS).changes
    assert provider.read(*known).outputs["host"] == outputs["host"]
    assert provider.diff(*known, {**INPUTS, "plan": "vultr-dbaas-premium-cc-2-80-4"}).replaces == ()


def _of(cluster: Cluster, query: str, where: str = "shop_db") -> str:
    return asked(cluster, where, query).strip()


def test_a_project_s_side_there_is_made_by_an_administrator_who_is_no_superuser(
    machines: WithPostgres, admin: Plugin
) -> None:
    """In the order of `components.databases`: without the membership no database is made for another role."""
    cluster = machines.clusters[0]
    things: list[tuple[str, dict[str, Any], State]] = []

    def declare(type_: str, **news: Any) -> None:
        things.append((type_, *make(admin, type_, **news)))

    declare(role.TYPE, name="shop", login=True, password="of-the-shop", connectionLimit=20)
    declare(grant_role.TYPE, role="vultradmin", grantRole="shop")
    declare(database.TYPE, name="shop_db", owner="shop")
    declare(grant.TYPE, database="shop_db", role="public", objectType="database", privileges=[])
    declare(extension.TYPE, name="citext", database="shop_db")
    declare(role.TYPE, name="shop.2", login=True, password="of-the-second", roles=["shop"], assumeRole="shop")
    declare(grant_role.TYPE, role="vultradmin", grantRole="shop.2")
    assert (
        _of(cluster, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'shop_db';\n") == "shop"
    )
    asked(cluster, "postgres", "CREATE ROLE stranger LOGIN PASSWORD 'strange';\n")
    assert tried(cluster, "shop_db", "SELECT 1;\n", "stranger", "strange").returncode != 0
    assert (
        tried(cluster, "shop_db", "CREATE TABLE t (a citext);\n", "shop.2", "of-the-second").returncode == 0
    )
    assert _of(cluster, "SELECT tableowner FROM pg_tables WHERE tablename = 't';\n") == "shop"
    _, inputs, state = things[0]
    things[0] = (
        role.TYPE,
        *change(
            admin, role.TYPE, inputs, state, name="shop", login=True, password="another", connectionLimit=9
        ),
    )
    asked(cluster, "shop_db", "DROP TABLE t;\n")
    for type_, inputs, state in reversed(things):
        if (
            type_ == grant.TYPE
        ):  # PUBLIC has nothing, before and after: a read finds that as long as the database is there
            admin.delete(type_, urn(type_), state.id, inputs, state.outputs)
        else:
            remove(admin, type_, inputs, state)
    assert _of(cluster, "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'shop%';\n", "postgres") == "0"
