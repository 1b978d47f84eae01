"""The verb that keeps the archive going, on a real PostgreSQL; and who is told when it doesn't."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from agent.archive import base, programs, recovery, ship, state, windows
from agent.archive.cluster import asked_once, ensure_role
from agent.archive.keeper import RECEIVER, Keeper
from agent.documents.errors import Failed
from agent.documents.reader import Reader
from agent.host import paths
from agent.host.ports import Ports
from agent.store.record import read_backup_record
from agent.store.settings import Settings
from tests.archive.conftest import PASSWORD, connection, shipped, stocked, until
from tests.archive.host import Host
from tests.postgres import Cluster

AGAIN = {"version": 1, "spool_gib": 1, "retention_days": 7}


class UntilReached:
    """Whoever asked leaves when the archive has reached a moment so long after the beginning."""

    def __init__(self, ports: Ports, seconds: float) -> None:
        self._ports, self._wanted = ports, datetime.now(UTC) + timedelta(seconds=seconds)

    def watch(self) -> None:
        pass

    def key(self) -> str:
        return ""

    def gone(self) -> str:
        known = state.load(self._ports)
        reached = known and known.reached["second"]
        return "it is enough" if reached and reached >= self._wanted else ""


@dataclass
class Shifted:
    """The clock of a while later."""

    seconds: float = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return time.monotonic() + self.seconds

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@contextmanager
def writing(cluster: Cluster) -> Iterator[None]:
    """Twenty rows a second, each with its time."""
    over = threading.Event()

    def write() -> None:
        with connection(cluster) as db:
            while not over.wait(0.05):
                db.execute("INSERT INTO steady DEFAULT VALUES")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()


def test_what_it_says_it_has_is_there_when_everything_else_is_gone(
    cluster: Cluster, here: Host, settings: Settings, document: Reader
) -> None:
    with connection(cluster) as db:
        db.execute("CREATE TABLE steady (at timestamptz DEFAULT clock_timestamp())")
    ensure_role(here.ports, settings.server)
    with connection(cluster) as db:
        db.execute("SELECT pg_create_physical_replication_slot('codeb_archive', true)")
    assert base.base(here.ports, document, "a test")["ok"] is True
    ports = replace(here.ports, asker=UntilReached(here.ports, 20))

    with writing(cluster):
        answer = ship.ship(ports, Reader(AGAIN, ""), "a test")
        cut = datetime.now(UTC)

    assert answer == {"ok": True, "problem": ""}
    known = state.load(ports)
    assert known
    reached = known.reached["second"]
    assert reached
    count = f"SELECT count(*) FROM steady WHERE at <= '{reached.isoformat()}'"  # noqa: S608 - a time of our own
    with connection(cluster) as db:
        [(expected,)] = db.execute(count.encode()).fetchall()
        [(last,)] = db.execute("SELECT max(at) FROM steady").fetchall()
    with recovery.recovered(ports, settings, stocked(here, settings, "second"), None) as instance:
        said = ports.runner.run(instance.psql("postgres"), stdin=f"{count};\nSELECT max(at) FROM steady;")
        got, newest = said.out.split("\n")[:2]
    assert int(got) == expected > 0
    lost = (min(cut, last) - datetime.fromisoformat(newest)).total_seconds()
    print(f"of rows written at 20/s, those of the last {lost:.1f} s are lost")
    with recovery.recovered(ports, settings, stocked(here, settings), reached) as instance:
        assert ports.runner.run(instance.psql("postgres"), stdin=count).out.strip() == str(expected)


def test_only_one_run_ships(here: Host, settings: Settings) -> None:
    with (
        here.ports.files.lock(paths.ARCHIVE_LOCK, 0),
        pytest.raises(Failed, match=r"archive\.lock has been held"),
    ):
        ship.ship(here.ports, Reader(AGAIN, ""), "a test")


@pytest.mark.parametrize("what", ["login", "settings", "postgresql"])
def test_nothing_is_received_when_nobody_can_watch_it(
    cluster: Cluster, here: Host, settings: Settings, keeper: Keeper, what: str
) -> None:
    keeper.look()
    keeper.look()
    assert here.containers.running[RECEIVER].poll() is None
    if what == "login":
        here.ports.files.write(paths.BACKUP_LOGIN, b"*:*:*:postgres:another\n", 0o600, "70:70")
    elif what == "settings":
        here.ports.files.remove(paths.BACKUP_SETTINGS)
    else:
        known = json.loads(here.ports.files.read(paths.BACKUP_SETTINGS) or b"")
        here.ports.files.write(paths.BACKUP_SETTINGS, json.dumps({**known, "port": 1}).encode(), 0o600)

    with pytest.raises(Failed):
        ship.ship(here.ports, Reader(AGAIN, ""), "a test")
    assert RECEIVER not in here.containers.running


def test_a_conversation_that_ends_ends_the_run_and_the_receiver(
    cluster: Cluster, here: Host, settings: Settings
) -> None:
    """PostgreSQL ends it: it restarts, or an administrator does."""

    def cut() -> None:
        with connection(cluster) as db:
            until(lambda: RECEIVER in here.containers.running, "it has begun")
            db.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'codeb-archive'"
            )

    cutter = threading.Thread(target=cut)
    cutter.start()
    with pytest.raises(Failed, match=r"psql ended with status|setpriv ended with status"):
        ship.ship(replace(here.ports, asker=UntilReached(here.ports, 3600)), Reader(AGAIN, ""), "a test")
    cutter.join()
    assert RECEIVER not in here.containers.running


def test_from_when_on_moments_can_be_recovered_is_noted_for_the_projects_that_want_it(
    here: Host, settings: Settings, keeper: Keeper, document: Reader
) -> None:
    keeper.look()
    here.containers.started.clear()
    keeper.shipper.round()
    windows.Windows(here.ports, settings, keeper.shipper.depots).look()
    assert here.containers.started == ["codeb-base.service"], "there is none: a base backup is taken"

    taken = base.base(here.ports, document, "a test")
    shipped(keeper)
    here.containers.started.clear()
    windows.Windows(here.ports, settings, keeper.shipper.depots).look()

    assert here.containers.started == []
    noted = read_backup_record(here.ports, "shop").point_in_time_from
    assert noted == f"{datetime.fromisoformat(str(taken['at'])):%Y-%m-%dT%H:%M:%SZ}"
    assert read_backup_record(here.ports, "blog").point_in_time_from == ""


def test_an_archive_that_stays_late_is_told_once_and_again_after_it_was_well(
    here: Host, settings: Settings, keeper: Keeper
) -> None:
    hooks = {
        "version": 1,
        "stack": "dev",
        "webhooks": [{"kind": "generic", "url": "https://hooks.test/x"}],
        "sentry": None,
    }
    here.ports.files.write(paths.NOTIFY, json.dumps(hooks).encode(), 0o600)
    clock = Shifted()
    keeper._ports = replace(here.ports, clock=clock)
    keeper.look()
    shipped(keeper)
    here.shelf.away |= {"herehere", "secondsecond"}

    def messages() -> list[str]:
        return here.ports.files.listing(paths.OUTBOX)

    clock.seconds = 100
    keeper.look()
    assert messages() == [], "a store may be away for a moment"
    clock.seconds = 290
    keeper.look()
    keeper.look()
    [name] = messages()
    told = json.loads(here.ports.files.read(f"{paths.OUTBOX}/{name}") or b"")["posts"][0]["body"]
    assert (told["event"], told["project"], told["phase"]) == ("backup-late", "shop", "archive")
    assert "the archive ends 2" in told["cause"]
    known = state.load(here.ports)
    assert known
    assert known.told, "the next run knows that it was told"


def test_the_role_can_do_nothing_but_take_wal(cluster: Cluster, here: Host, settings: Settings) -> None:
    ensure_role(here.ports, settings.server)
    ensure_role(here.ports, settings.server)

    with connection(cluster) as db:
        [found] = db.execute(
            "SELECT rolcanlogin, rolreplication, rolsuper, rolcreatedb, rolcreaterole, rolbypassrls"
            " FROM pg_roles WHERE rolname = 'codeb_archive'"
        ).fetchall()
        [(kept,)] = db.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'codeb_archive'").fetchall()
    assert found == (True, True, False, False, False, False)
    assert PASSWORD not in str(kept)
    assert PASSWORD not in cluster.log.read_text(errors="replace")


def test_the_next_number_of_its_password_is_taken_and_the_one_before_refused(
    cluster: Cluster, here: Host, settings: Settings
) -> None:
    ensure_role(here.ports, settings.server)
    login = f"*:*:*:codeb_archive:{'N' * 40}\n".encode()
    here.ports.files.write(paths.ARCHIVE_LOGIN, login, 0o600, programs.OWNER)
    ensure_role(here.ports, settings.server)
    assert asked_once(here.ports, settings.server).timeline == 1
    config = cluster.config
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(
            host=config["host"], port=config["port"], user="codeb_archive", dbname="postgres",
            password=PASSWORD, sslmode="require",
        )  # fmt: skip


def test_without_its_password_nothing_is_sent_to_postgresql(here: Host, settings: Settings) -> None:
    here.ports.files.write(paths.ARCHIVE_LOGIN, b"*:*:*:codeb_archive:'; DROP ROLE postgres; --\n", 0o600)

    with pytest.raises(Failed, match="postgres-archive can't be read") as caught:
        ensure_role(here.ports, settings.server)
    assert "DROP" not in caught.value.failure.text()
