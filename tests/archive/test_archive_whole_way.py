"""The whole way on a real PostgreSQL: received, shipped, and a server recovered from what is in the store."""

from __future__ import annotations

from datetime import UTC, datetime

from agent.archive import base, recovery, stock
from agent.archive.keeper import Keeper
from agent.documents.reader import Reader
from agent.store.settings import Settings
from tests.archive.conftest import connection, rows, shipped, stocked
from tests.archive.host import Host
from tests.postgres import Cluster


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
        shipped(keeper)
        before = datetime.now(UTC)
        db.execute("DELETE FROM kept")
        db.execute("SELECT pg_switch_wal()")
        db.execute("INSERT INTO kept VALUES (7)")
        shipped(keeper)

    found = stocked(here, settings)
    assert stock.point_in_time_from(found) == datetime.fromisoformat(str(taken["at"]))
    count = "SELECT count(*) FROM kept"
    with recovery.recovered(here.ports, settings, found, before) as instance:
        said = here.ports.runner.run(instance.psql("postgres"), stdin=count)
        assert said.out.strip() == "200", said
        assert instance.reached is not None
        assert instance.reached <= before
    shipped(keeper, "second")
    assert rows(here, settings, None, count, "second") == "1"
    assert here.ports.files.listing("/srv/codeb/archive") == ["ready", "receive"], "nothing of it is left"
    assert not [name for name in here.containers.running if name.startswith("codeb-recovery")]
