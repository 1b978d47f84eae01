"""Stores as real servers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from agent.host.s3 import Place
from agent.real.s3 import RealS3
from agent.real.s3_link import Link
from codeb import names
from components.backup import backup_policy
from tests.backup.accounts import LOCK, Accounts
from tests.backup.databases import sql
from tests.minio import PASSWORD, USER, Minio, minio_server
from tests.postgres import Cluster, postgres_cluster

_COUNT = count()
SECRET = "secret of backups"
SHOP = """
CREATE EXTENSION citext;
CREATE SCHEMA "odd ""schema"" | x";
CREATE TABLE orders (id int PRIMARY KEY, note text);
INSERT INTO orders SELECT n, 'address ' || n FROM generate_series(1, 5000) n;
CREATE TABLE "odd ""schema"" | x"."new
line'; DROP TABLE orders; --" AS SELECT 1 AS one;
CREATE TABLE empty ();
CREATE TABLE parts (day int) PARTITION BY LIST (day);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
INSERT INTO parts VALUES (1), (1);
CREATE TABLE parent (a int);
CREATE TABLE child () INHERITS (parent);
INSERT INTO parent VALUES (1);
INSERT INTO child VALUES (2), (3);
ALTER DATABASE shop_db SET app.jwt_secret = 'hush, "hush"';
ALTER ROLE shop IN DATABASE shop_db SET search_path = public, "odd ""schema"" | x";
"""


@pytest.fixture(scope="session")
def minio() -> Iterator[Minio]:
    with minio_server() as server:
        yield server


@pytest.fixture
def place(minio: Minio, request: pytest.FixtureRequest) -> Place:
    """An empty bucket with versions, named after the test."""
    name = f"{request.node.originalname.replace('_', '-')[:50].strip('-')}-{next(_COUNT)}"
    found = Place(
        f"https://127.0.0.1:{minio.port}", "us-east-1", name, USER, PASSWORD, str(minio.certificate)
    )
    link = Link(found)
    link.ask("PUT", headers=LOCK)
    link.close()
    return found


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """PostgreSQL with a database of names that nobody likes."""
    tls = {"ssl": "on", "fsync": "off", "idle_in_transaction_session_timeout": "10min"}

    def certificates(home: Path) -> dict[str, object]:
        return {"ssl_cert_file": home / "server.crt", "ssl_key_file": home / "server.key"}

    with postgres_cluster("postgres", settings=tls, prepare=certificates) as running:
        sql(running, "postgres", "CREATE ROLE shop LOGIN;\nCREATE DATABASE shop_db OWNER shop;\n")
        sql(running, "shop_db", SHOP)
        yield running


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accounts]:
    """An empty server of the module's own."""
    with minio_server() as server:
        yield Accounts(server, tmp_path_factory.mktemp("mc"))


@pytest.fixture(scope="module")
def account(accounts: Accounts) -> Place:
    """The bucket as `components.backup` makes it, by its own account; beside it are other buckets."""
    accounts.bucket(names.BACKUP_BUCKET, LOCK)
    for bucket in ("shop-files", "saved-files"):
        RealS3().put(accounts.bucket(bucket, LOCK), "x", b"of a visitor")
    return accounts.account(names.BACKUP_USER, SECRET, backup_policy(), names.BACKUP_BUCKET)
