"""A managed database is a real PostgreSQL: TLS by an authority of its own, and an administrator who is no superuser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from cloud import Cloud

from lab.vultr.ports import DatabaseSpec, MachineError, Served

SPEC = DatabaseSpec("db-1", "16", "vultradmin", "AVNS_0123456789abcdef", "defaultdb")


@pytest.fixture(scope="module")
def served(cloud: Cloud) -> Iterator[Served]:
    yield cloud.machines.make_database(SPEC)
    cloud.machines.drop_database(SPEC.id)


def connect(cloud: Cloud, served: Served, **changes: Any) -> psycopg.Connection[Any]:
    known = {
        "host": served.host, "port": served.port, "user": SPEC.user, "password": SPEC.password,
        "dbname": SPEC.database, "sslmode": "verify-full", "sslrootcert": cloud.machines.authority(SPEC.id),
    }  # fmt: skip
    return psycopg.connect(**(known | changes), autocommit=True, connect_timeout=10)


def test_its_administrator_makes_roles_and_databases_and_is_no_superuser(
    cloud: Cloud, served: Served
) -> None:
    with connect(cloud, served) as admin:
        admin.execute("CREATE ROLE shop LOGIN PASSWORD 'of-the-shop'")
        admin.execute("GRANT shop TO vultradmin")
        admin.execute("CREATE DATABASE shop_db OWNER shop")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            admin.execute("SELECT pg_read_file('/etc/passwd')")
    with connect(cloud, served, user="shop", password="of-the-shop", dbname="shop_db") as shop:
        shop.execute("CREATE TABLE kept (a int)")


def test_nobody_comes_in_without_tls_or_with_another_password(cloud: Cloud, served: Served) -> None:
    for wrong in ({"sslmode": "disable", "sslrootcert": None}, {"password": "of-nobody"}):
        with pytest.raises(psycopg.OperationalError):
            connect(cloud, served, **wrong)


def test_what_it_keeps_is_there_after_a_restart_at_the_same_address(cloud: Cloud, served: Served) -> None:
    notes = cloud.machines.ground.book.read()
    cloud.machines.ground.database(SPEC.id, notes.databases[SPEC.id]).appliance.stop()
    assert cloud.machines.make_database(SPEC) == served
    with connect(cloud, served, user="shop", password="of-the-shop", dbname="shop_db") as shop:
        assert shop.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_a_version_that_the_lab_has_no_programs_of_is_refused(cloud: Cloud) -> None:
    with pytest.raises(MachineError, match="no 18"):
        cloud.machines.make_database(DatabaseSpec("db-2", "18", "vultradmin", "AVNS_00", "defaultdb"))
    assert "db-2" not in cloud.machines.ground.book.read().databases
