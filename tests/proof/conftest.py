"""The host of the archive's tests, with a project whose database has backups; names that nobody likes are in it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from agent import cli
from agent.host import paths
from agent.host.ports import Ports
from tests.archive.conftest import cluster, here, settings, stack, until  # noqa: F401 - fixtures
from tests.archive.host import Host
from tests.backup.conftest import SHOP
from tests.backup.databases import sql
from tests.postgres import Cluster

ODD_ROLE = '"it\'s; DROP ROLE shop; -- \\ :role"'
CLEAN = f"""
DROP DATABASE IF EXISTS shop_db WITH (FORCE);
DROP DATABASE IF EXISTS blog_db WITH (FORCE);
DROP ROLE IF EXISTS shop;
DROP ROLE IF EXISTS {ODD_ROLE};
"""
MORE = f"""
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON orders TO {ODD_ROLE} USING (note = current_user);
GRANT SELECT ON orders TO {ODD_ROLE};
CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM orders;
ALTER DATABASE shop_db SET default_transaction_read_only = on;
"""  # noqa: S608 - a constant


@pytest.fixture
def shop(cluster: Cluster, here: Host) -> Iterator[Host]:  # noqa: F811
    """The host, with the databases of its projects shop and blog."""
    sql(cluster, "postgres", CLEAN)
    made = f"CREATE ROLE shop LOGIN;\nCREATE ROLE {ODD_ROLE};\n"
    sql(cluster, "postgres", f"{made}CREATE DATABASE shop_db OWNER shop;\nCREATE DATABASE blog_db;\n")
    sql(cluster, "shop_db", SHOP + MORE)
    webhook = {"kind": "generic", "url": "https://hooks.example.com/x"}
    notify = {"version": 1, "stack": "live", "webhooks": [webhook], "sentry": None}
    here.ports.files.write(paths.NOTIFY, json.dumps(notify).encode(), 0o600)
    yield here
    sql(cluster, "postgres", CLEAN)


def ask(ports: Ports, verb: str, **document: object) -> dict[str, Any]:
    """The answer to a verb; what it told before is `told`."""
    out = io.StringIO()
    code = cli.run(ports, verb, json.dumps(document), out, io.StringIO(), "admin")
    *told, answer = [json.loads(line) for line in out.getvalue().splitlines()]
    assert (code == 0) is (answer["ok"] is True)
    return {**answer, "told": told}


def saved(host: Host, project: str = "shop") -> str:
    """A backup's id, which is younger than any before: ids of one second have no order."""
    answer = ask(host.ports, "backup", project=project)
    assert answer["ok"], answer
    found = str(answer["projects"][0]["id"])
    until(lambda: f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}" > found.partition("-")[0], "the next second comes")
    return found


def proven(host: Host, project: str = "shop") -> dict[str, Any]:
    """What `prove` says of a project."""
    (found,) = ask(host.ports, "prove", project=project)["projects"]
    return dict(found)


def told(host: Host) -> list[dict[str, Any]]:
    """What webhooks get."""
    names = host.ports.files.listing(paths.OUTBOX)
    messages = [json.loads(host.ports.files.read(f"{paths.OUTBOX}/{name}") or b"") for name in names]
    return [post["body"] for message in messages for post in message["posts"]]
