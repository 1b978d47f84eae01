"""What goes wrong is found and said, nothing is taken for what it isn't, and the database goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.archive import base, recovery, spool, stock
from agent.archive.document import Wanted
from agent.archive.keeper import BASE, RECEIVER, Keeper
from agent.archive.segments import SIZE
from agent.documents.errors import Failed
from agent.documents.reader import Reader
from agent.host import paths
from agent.store.settings import Settings
from tests.archive.conftest import DAYS, connection, rows, shipped, stocked, until, written
from tests.archive.host import Host, identity
from tests.postgres import Cluster

HERE, SECOND = "herehere", "secondsecond"
COUNT = "SELECT count(*) FROM fault"


@pytest.fixture
def begun(cluster: Cluster, here: Host, keeper: Keeper, document: Reader) -> datetime:
    """An archive with a base backup and one row behind it; the last moment that it has."""
    with connection(cluster) as db:
        db.execute("DROP TABLE IF EXISTS fault")
        db.execute("CREATE TABLE fault (n int)")
        keeper.look()
        assert base.base(here.ports, document, "a test")["ok"] is True
        db.execute("INSERT INTO fault VALUES (1)")
    shipped(keeper)
    reached = keeper.shipper.depots[0].reached
    assert reached
    return reached


def one_more(cluster: Cluster) -> None:
    with connection(cluster) as db:
        db.execute("INSERT INTO fault VALUES (2)")


def wakened(keeper: Keeper) -> None:
    """As after the pause that follows a refusal."""
    for depot in keeper.shipper.depots:
        depot._again = 0.0


def limited(here: Host, keeper: Keeper, segments: int) -> None:
    """A spool that so many segments fill."""
    keeper._wanted = Wanted(segments * SIZE, DAYS)
    keeper.shipper._most_spool = segments * SIZE


def test_while_no_store_is_reached_the_spool_fills_the_receiver_stops_and_the_database_goes_on(
    cluster: Cluster, here: Host, settings: Settings, keeper: Keeper, begun: datetime
) -> None:
    limited(here, keeper, 4)
    here.shelf.away |= {HERE, SECOND}

    def stopped() -> bool:
        written(cluster, 1)
        keeper.look()
        keeper.shipper.round()
        return RECEIVER not in here.containers.running

    until(stopped, "the receiver stops")
    size = spool.size(here.ports)
    written(cluster, 3)
    one_more(cluster)
    keeper.look()
    assert spool.size(here.ports) == size, "nothing more is taken over"
    assert "can't be reached" in keeper.problem
    assert "wait for a store" in keeper.problem

    here.shelf.away.clear()
    wakened(keeper)
    shipped(keeper)
    keeper.look()
    assert keeper.problem == ""
    assert stocked(here, settings).wal.segments, "it is there again"
    assert rows(here, settings, None, COUNT) == "2"


@pytest.mark.slow
def test_a_second_store_that_was_away_catches_up(
    cluster: Cluster, here: Host, settings: Settings, keeper: Keeper, begun: datetime
) -> None:
    here.shelf.away |= {SECOND}
    written(cluster, 6)
    shipped(keeper)
    assert spool.ready(here.ports) == [], "the store on this host has them: nobody needs them here"
    assert stock.point_in_time_from(stocked(here, settings)) is not None

    here.shelf.away.clear()
    wakened(keeper)
    one_more(cluster)
    shipped(keeper, "second")
    assert rows(here, settings, None, COUNT, "second") == "2"


@pytest.mark.slow
def test_what_only_the_second_store_took_stays_until_the_first_has_it(
    cluster: Cluster, here: Host, settings: Settings, keeper: Keeper, begun: datetime
) -> None:
    here.shelf.away |= {HERE}
    written(cluster, 3)
    one_more(cluster)
    shipped(keeper, "second")
    assert len(spool.ready(here.ports)) >= 3
    assert rows(here, settings, None, COUNT, "second") == "2"

    here.shelf.away.clear()
    wakened(keeper)
    shipped(keeper)
    assert spool.ready(here.ports) == []
    assert rows(here, settings, None, COUNT) == "2"


def test_a_slot_that_postgresql_gave_up_is_made_anew_and_the_hole_is_known(
    cluster: Cluster, here: Host, settings: Settings, keeper: Keeper, begun: datetime, document: Reader
) -> None:
    here.containers.started.clear()
    here.containers.handled(["systemctl", "stop", RECEIVER])
    with connection(cluster) as db:
        db.execute("ALTER SYSTEM SET max_slot_wal_keep_size = '32MB'")
        db.execute("ALTER SYSTEM SET max_wal_size = '32MB'")
        db.execute("SELECT pg_reload_conf()")

        def lost() -> bool:
            written(cluster, 4)
            db.execute("CHECKPOINT")
            [status] = db.execute("SELECT wal_status FROM pg_replication_slots").fetchall()
            return status == ("lost",)

        until(lost, "PostgreSQL gives the slot up rather than its disk")
        db.execute("ALTER SYSTEM RESET ALL")
        db.execute("SELECT pg_reload_conf()")
    one_more(cluster)

    keeper.look()
    assert "given the archive's slot up" in keeper.problem
    assert here.containers.started == [BASE]
    written(cluster, 2)
    shipped(keeper)
    found = stocked(here, settings)
    assert stock.windows(found)[-1].chain.missing is not None
    assert stock.point_in_time_from(found) is None
    with pytest.raises(Failed, match=r"WAL has a hole: .* lacks segment 0000"):
        rows(here, settings, None, COUNT)
    with pytest.raises(Failed, match=r"segment [0-9A-F]{24} is missing, and nothing behind it"):
        rows(here, settings, datetime.now(UTC), COUNT)
    assert rows(here, settings, begun, COUNT) == "1", "moments before the hole are still there"

    assert base.base(here.ports, document, "a test")["ok"] is True
    shipped(keeper)
    assert (
        stock.point_in_time_from(stocked(here, settings))
        == stock.windows(stocked(here, settings))[-1].base.at
    )
    assert rows(here, settings, None, COUNT) == "2"
    assert keeper.problem == ""


@pytest.mark.parametrize("what", ["segment", "tail", "base"])
def test_a_flipped_byte_is_found_and_named(
    cluster: Cluster, here: Host, settings: Settings, keeper: Keeper, begun: datetime, what: str
) -> None:
    written(cluster, 2)
    one_more(cluster)
    shipped(keeper)
    wal = stock.windows(stocked(here, settings))[-1].chain
    parts = {"segment": str(wal.segments[-1]), "tail": str(wal.tail[-1]), "base": "base.tar"}
    [key] = here.shelf.keys(HERE, f"/{parts[what]}.zst")
    here.shelf.flip(HERE, key)

    with pytest.raises(Failed, match="is damaged") as caught:
        rows(here, settings, None, COUNT)

    named = stock.windows(stocked(here, settings))[-1].base.id if what == "base" else parts[what]
    assert named in caught.value.failure.cause
    assert [name for name in here.ports.files.listing(paths.ARCHIVE) if name.startswith("recovery-")] == []
    if what == "segment":
        assert rows(here, settings, None, COUNT, "second") == "2", "the other store has it as it was"


def test_a_segment_that_is_gone_from_the_store_is_named(
    cluster: Cluster, here: Host, settings: Settings, keeper: Keeper, begun: datetime
) -> None:
    written(cluster, 3)
    shipped(keeper)
    gone = stock.windows(stocked(here, settings))[-1].chain.segments[1]
    [key] = here.shelf.keys(HERE, f"/{gone}.zst")
    del here.shelf.objects_[HERE, key]

    with pytest.raises(Failed, match=f"lacks segment {gone}"):
        rows(here, settings, None, COUNT)


def test_another_key_opens_nothing(here: Host, settings: Settings, begun: datetime) -> None:
    found = stocked(here, settings)
    here.ports.files.write(paths.BACKUP_KEY, f"{identity()[0]}\n".encode(), 0o600)

    with (
        pytest.raises(Failed, match="is sealed for another key than this stack's"),
        recovery.recovered(here.ports, settings, found, None),
    ):
        pass
    assert stocked(here, settings).bases == (), "nor is a document taken for one of ours"
    assert "was not written with this stack's key" in next(iter(stocked(here, settings).wrong.values()))


def test_a_base_backup_without_its_document_doesn_t_exist(
    here: Host, settings: Settings, begun: datetime
) -> None:
    [key] = here.shelf.keys(HERE, "base.json")
    del here.shelf.objects_[HERE, key]

    with pytest.raises(Failed, match="there is no base backup of cluster"):
        rows(here, settings, None, COUNT)


def test_a_moment_before_the_first_base_backup_and_one_to_come_are_refused(
    here: Host, settings: Settings, begun: datetime
) -> None:
    with pytest.raises(Failed, match="the oldest base backup is of"):
        rows(here, settings, begun.replace(year=2020), COUNT)
    with pytest.raises(Failed, match="WAL ends before 2099"):
        rows(here, settings, begun.replace(year=2099), COUNT)


def test_a_recovery_without_room_on_the_disk_doesn_t_begin(
    here: Host, settings: Settings, begun: datetime
) -> None:
    found = stocked(here, settings)
    large = replace(found, bases=tuple(replace(each, plain_size=1 << 60) for each in found.bases))

    with pytest.raises(Failed, match="MiB are free"), recovery.recovered(here.ports, settings, large, None):
        pass


def test_a_receiver_that_was_killed_goes_on_where_it_was(
    cluster: Cluster, here: Host, settings: Settings, keeper: Keeper, begun: datetime
) -> None:
    for _ in range(3):
        written(cluster, 1)
        here.containers.running[RECEIVER].kill()
        here.containers.running[RECEIVER].wait()
        one_more(cluster)
        shipped(keeper)

    assert stock.windows(stocked(here, settings))[-1].chain.missing is None
    assert rows(here, settings, None, COUNT) == "4"


def test_a_file_that_a_full_disk_cut_short_is_removed_before_the_receiver_starts(
    cluster: Cluster, here: Host, settings: Settings, keeper: Keeper, begun: datetime
) -> None:
    here.containers.handled(["systemctl", "stop", RECEIVER])
    folder = Path(here.containers.below(paths.ARCHIVE_RECEIVE))
    [partial] = folder.glob("*.partial")
    with partial.open("r+b") as file:
        file.truncate(SIZE // 2)

    here.containers.prepared()
    assert list(folder.glob("*.partial")) == []
    one_more(cluster)
    shipped(keeper)
    here.containers.prepared()
    assert list(folder.glob("*.partial")), "a whole one stays"
    assert rows(here, settings, None, COUNT) == "2"


def test_another_cluster_s_wal_is_not_shipped_as_this_one_s(
    here: Host, keeper: Keeper, begun: datetime
) -> None:
    name = "00000001000000FF00000001"
    here.ports.files.write(f"{paths.ARCHIVE_READY}/{name}", bytes(SIZE))

    keeper.shipper.round()

    assert here.shelf.keys(HERE, name) == []
    assert spool.ready(here.ports) == []
    assert name in keeper.shipper.strange
