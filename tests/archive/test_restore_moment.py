"""A database as it was at a moment, by the archive of a real PostgreSQL, in place of the live one."""

from __future__ import annotations

import io
import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from agent import cli
from agent.archive import base
from agent.archive.keeper import Keeper
from agent.documents.reader import Reader
from tests.archive.conftest import connection, shipped
from tests.archive.host import Host
from tests.archive.test_archive_ship import Shifted
from tests.postgres import Cluster

BEFORE = "shop_db_before_restore"


class Waits:
    def watch(self) -> None:
        pass

    def gone(self) -> str:
        return ""

    def key(self) -> str:
        return ""


def ask(here: Host, verb: str, **document: object) -> dict[str, Any]:
    """A minute later, as moments have to be past."""
    out = io.StringIO()
    ports = replace(here.ports, asker=Waits(), clock=_Real(60))
    cli.run(ports, verb, json.dumps(document), out, io.StringIO(), "a test")
    return dict(json.loads(out.getvalue().splitlines()[-1]))


class _Real(Shifted):
    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def in_shop(cluster: Cluster, *statements: str) -> list[tuple[Any, ...]]:
    config = cluster.config
    with psycopg.connect(
        host=config["host"], port=config["port"], user=config["username"], password=config["password"],
        dbname="shop_db", sslmode="require", autocommit=True,
    ) as db:  # fmt: skip
        for statement in statements:
            cursor = db.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def test_a_wrong_delete_is_taken_back_to_the_moment_before_it(
    cluster: Cluster, here: Host, keeper: Keeper, document: Reader
) -> None:
    with connection(cluster) as db:
        db.execute("CREATE ROLE shop LOGIN")
        db.execute("CREATE DATABASE shop_db OWNER shop")
        db.execute("REVOKE ALL ON DATABASE shop_db FROM PUBLIC")
    in_shop(
        cluster,
        "SET ROLE shop",
        "CREATE TABLE orders (n int PRIMARY KEY)",
        "INSERT INTO orders SELECT generate_series(1, 500)",
    )
    try:
        keeper.look()
        assert base.base(here.ports, document, "a test")["ok"] is True
        in_shop(cluster, "INSERT INTO orders SELECT generate_series(501, 600)")
        shipped(keeper)
        right = datetime.now(UTC)
        in_shop(cluster, "DELETE FROM orders WHERE n > 3")
        shipped(keeper)
        at = f"{right:%Y-%m-%dT%H:%M:%S.%fZ}"
        early = ask(here, "restore", project="shop", at=f"{right + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}")
        assert "is not past yet" in early["cause"]
        dry = ask(here, "restore", project="shop", at=at, dry_run=True)
        assert (dry["ok"], dry["dry_run"]) == (True, True), dry
        answer = ask(here, "restore", project="shop", at=at)
        assert answer["ok"], answer
        assert (answer["rows"], answer["before"]) == (600, BEFORE)
        assert in_shop(cluster, "SELECT count(*) FROM orders") == [(600,)]
        owner = "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'orders'"
        assert in_shop(cluster, owner) == [("shop",)]
        assert here.ports.files.listing("/srv/codeb/archive") == ["ready", "receive"], "nothing of it is left"
        undone = ask(here, "restore-undo", project="shop")
        assert undone["ok"], undone
        assert in_shop(cluster, "SELECT count(*) FROM orders") == [(3,)]
        never = ask(here, "restore", project="shop", at="2020-01-01T00:00:00Z", replace=True)
        assert "the oldest base backup is of" in never["cause"]
    finally:
        with connection(cluster) as db:
            for name in ("shop_db", BEFORE, "shop_db_restoring"):
                db.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
            db.execute("DROP ROLE shop")
