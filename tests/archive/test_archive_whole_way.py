"""The whole way on a real PostgreSQL: received, shipped, and a server recovered from what is in the store."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import psycopg
import pytest

from agent.archive import base, recovery, stock
from agent.archive.ship import Keeper
from agent.documents.reader import Reader
from agent.store.settings import Settings
from tests.archive.conftest import stocked
from tests.archive.host import Host
from tests.postgres import Cluster

PATIENCE_S = 60


def connection(cluster: Cluster) -> psycopg.Connection[tuple[object, ...]]:
    config = cluster.config
    return psycopg.connect(
        host=config["host"],
        port=config["port"],
        user=config["username"],
        password=config["password"],
        dbname="postgres",
        sslmode="require",
        autocommit=True,
    )


def until(found: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not found():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def shipped(keeper: Keeper, cluster: Cluster) -> None:
    """Ship until everything that is committed now is in the store on this host."""
    now = datetime.now(UTC)
    keeper.look()

    def there() -> bool:
        keeper.look()
        keeper.shipper.round()
        reached = keeper.shipper.depots[0].reached
        return reached is not None and reached > now

    until(there, "what was committed is in the store")


def test_a_server_is_recovered_to_a_moment_and_to_the_end(
    cluster: Cluster, here: Host, settings: Settings, keeper: Keeper, document: Reader
) -> None:
    with connection(cluster) as db:
        db.execute("CREATE TABLE IF NOT EXISTS kept (n int, at timestamptz DEFAULT clock_timestamp())")
        db.execute("INSERT INTO kept SELECT generate_series(1, 100)")
        keeper.look()
        assert here.containers.started == ["codeb-base.service"], "the first time a base backup is asked for"
        taken = base.base(here.ports, document, "a test")
        assert taken["ok"] is True, taken
        db.execute("INSERT INTO kept SELECT generate_series(101, 200)")
        shipped(keeper, cluster)
        before = datetime.now(UTC)
        db.execute("DELETE FROM kept")
        db.execute("SELECT pg_switch_wal()")
        db.execute("INSERT INTO kept VALUES (7)")
        shipped(keeper, cluster)

    found = stocked(here, settings)
    assert stock.point_in_time_from(found) == datetime.fromisoformat(str(taken["at"]))
    count = "SELECT count(*) FROM kept"
    with recovery.recovered(here.ports, settings, found, before) as instance:
        said = here.ports.runner.run(instance.psql("postgres"), stdin=count)
        assert said.out.strip() == "200", said
        assert instance.reached is not None
        assert instance.reached <= before
    with recovery.recovered(here.ports, settings, stocked(here, settings, "second"), None) as instance:
        said = here.ports.runner.run(instance.psql("postgres"), stdin=count)
        assert said.out.strip() == "1", said
    assert here.ports.files.listing("/srv/codeb/archive") == ["ready", "receive"], "nothing of it is left"
    assert not [name for name in here.containers.running if name.startswith("codeb-recovery")]
