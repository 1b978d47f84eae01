"""The archive goes on: after a run that ended, on a new timeline, and in a real store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from agent.archive import base, bases, recovery, ship, spool, stock, windows
from agent.archive.document import Wanted
from agent.archive.keeper import BASE, Keeper
from agent.archive.recovery import Instance
from agent.documents.reader import Reader
from agent.host import paths
from agent.host.s3 import Place
from agent.real.s3 import RealS3
from agent.real.s3_link import Link
from agent.store.settings import Settings, Store
from tests.archive.conftest import DAYS, connection, rows, shipped, stocked, written
from tests.archive.host import Host
from tests.minio import PASSWORD, USER, minio_server
from tests.postgres import Cluster

COUNT = "SELECT count(*) FROM going"


@pytest.fixture
def begun(cluster: Cluster, here: Host, keeper: Keeper, document: Reader) -> None:
    """An archive with a base backup and one row behind it."""
    with connection(cluster) as db:
        db.execute("DROP TABLE IF EXISTS going")
        db.execute("CREATE TABLE going (n int)")
        keeper.look()
        assert base.base(here.ports, document, "a test")["ok"] is True
        db.execute("INSERT INTO going VALUES (1)")
    shipped(keeper)


def one_more(cluster: Cluster) -> None:
    with connection(cluster) as db:
        db.execute("INSERT INTO going VALUES (2)")


@pytest.mark.usefixtures("begun")
def test_the_next_run_goes_on_within_the_same_segment(
    cluster: Cluster, here: Host, settings: Settings, keeper: Keeper
) -> None:
    for _ in range(3):
        one_more(cluster)
        with ExitStack() as stack:
            later = ship.opened(here.ports, settings, Wanted(1 << 30, DAYS), stack)
            shipped(later)

    wal = stock.windows(stocked(here, settings))[-1].chain
    assert len(here.shelf.keys("herehere", f"{wal.last}.")) >= 4, "each run has sent a piece"
    assert rows(here, settings, None, COUNT) == "4"


def in_second(here: Host, settings: Settings, system: str) -> list[str]:
    """The base backups in the second place that lead up to now."""
    store = settings.store("second")
    assert store is not None
    return [each.id for each in stock.recoverable(stock.stock(here.ports, store.place, system))]


@pytest.mark.usefixtures("begun")
def test_a_store_that_came_later_is_given_the_newest_base_backup_and_all_wal(
    cluster: Cluster, here: Host, settings: Settings, document: Reader
) -> None:
    system = stocked(here, settings).system
    newest = stocked(here, settings).bases[-1]
    here.shelf.objects_ = {key: found for key, found in here.shelf.objects_.items() if key[0] == "herehere"}
    here.shelf.unread.add("secondsecond")
    here.containers.started.clear()
    with ExitStack() as stack:
        later = ship.opened(here.ports, settings, Wanted(1 << 30, DAYS), stack)
        one_more(cluster)
        shipped(later)
        windows.Windows(here.ports, settings, later.shipper.depots).look()
        assert here.containers.started == [BASE]
        here.shelf.away.add("secondsecond")
        refused = base.base(here.ports, document, "a test")
        here.shelf.away.clear()
        assert refused["id"] != newest.id, (
            "nobody knows what a store has that doesn't answer: a new one is taken"
        )
        assert "second" in str(refused["refused"])
        shipped(later)
        handed = base.base(here.ports, document, "a test")
        assert (handed["ok"], handed["id"], handed["stores"]) == (True, refused["id"], ["here", "second"])
        shipped(later)
        here.containers.started.clear()
        windows.Windows(here.ports, settings, later.shipper.depots).look()
        assert [depot.problem for depot in later.shipper.depots] == ["", ""]
    assert here.containers.started == []
    here.shelf.unread.clear()
    assert in_second(here, settings, system) == [refused["id"]]
    assert base.base(here.ports, document, "a test")["id"] != refused["id"], "the next one is a new one"


@pytest.mark.usefixtures("begun")
def test_a_base_backup_that_was_damaged_where_it_lies_is_not_handed_on(
    here: Host, settings: Settings, document: Reader
) -> None:
    found = stocked(here, settings)
    here.shelf.objects_ = {key: each for key, each in here.shelf.objects_.items() if key[0] == "herehere"}
    key = ("herehere", bases.tar_key(found.system, found.bases[-1].id))
    here.shelf.flip(*key)

    answer = base.base(here.ports, document, "a test")

    assert answer["ok"] is False
    assert "not what was stored" in str(answer["refused"])
    assert in_second(here, settings, found.system) == []


def said(here: Host, instance: Instance, statements: str) -> str:
    found = here.ports.runner.run(instance.psql("postgres"), stdin=statements)
    assert found.ok, found
    return found.out.strip()


def handed_over(here: Host, instance: Instance, names: list[str]) -> None:
    """Files of WAL of a recovered server, as if they had been received from it."""
    for name in names:
        content = here.ports.files.read(f"{instance.folder}/data/pg_wal/{name}")
        assert content
        here.ports.files.write(f"{paths.ARCHIVE_READY}/{name}", content)


@pytest.mark.usefixtures("begun")
def test_a_cluster_that_was_rebuilt_from_the_archive_goes_on_in_it(
    cluster: Cluster, here: Host, settings: Settings, keeper: Keeper
) -> None:
    written(cluster, 2)
    one_more(cluster)
    shipped(keeper)
    with recovery.recovered(here.ports, settings, stocked(here, settings), None) as instance:
        said(here, instance, "INSERT INTO going VALUES (3);")
        first = said(here, instance, "SELECT pg_walfile_name(pg_switch_wal());")
        said(here, instance, "INSERT INTO going VALUES (4);")
        second = said(here, instance, "SELECT pg_walfile_name(pg_switch_wal());")
        handed_over(here, instance, ["00000002.history", first, second])
    assert first.startswith("00000002")
    one_more(cluster)
    shipped(keeper)

    found = stocked(here, settings)
    assert spool.ready(here.ports) == []
    assert stock.windows(found)[-1].chain.timeline == 2
    assert rows(here, settings, None, COUNT) == "4", "what the old timeline has later is no part of it"
    assert rows(here, settings, None, COUNT, "second") == "4"


@pytest.mark.usefixtures("begun")
def test_what_a_recovery_that_was_killed_left_is_removed_before_the_next_base_backup(
    here: Host, settings: Settings, document: Reader
) -> None:
    left = f"{paths.ARCHIVE}/recovery-0000abcd"
    here.ports.files.directory(left, 0o711, "root:root")
    here.ports.files.write(f"{left}/data/PG_VERSION", b"16")

    assert base.base(here.ports, document, "a test")["ok"] is True
    assert here.ports.files.listing(paths.ARCHIVE) == ["ready", "receive"]


@pytest.fixture
def minio_place() -> Iterator[Place]:
    with minio_server() as server:
        ca = str(server.certificate)
        place = Place(f"https://127.0.0.1:{server.port}", "us-east-1", "backup", USER, PASSWORD, ca)
        link = Link(place)
        link.ask("PUT")
        link.close()
        yield place


def test_a_real_store_takes_it_and_gives_it_back(
    cluster: Cluster,
    here: Host,
    settings: Settings,
    minio_place: Place,
    document: Reader,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ports = replace(here.ports, s3=RealS3())
    alone = replace(settings, stores=(Store("here", minio_place),))
    monkeypatch.setattr(base, "load_settings", lambda _: alone)
    real = replace(here, ports=ports)
    with ExitStack() as stack, connection(cluster) as db:
        running = ship.opened(ports, alone, Wanted(1 << 30, DAYS), stack)
        db.execute("DROP TABLE IF EXISTS going")
        db.execute("CREATE TABLE going (n int)")
        running.look()
        assert base.base(ports, document, "a test")["ok"] is True
        written(cluster, 2)
        db.execute("INSERT INTO going VALUES (1)")
        shipped(running)

    assert rows(real, alone, None, COUNT) == "1"
