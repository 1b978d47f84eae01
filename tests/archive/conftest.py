"""One PostgreSQL with the rendered settings and logins, and an archive of it on a host without containers."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from agent.archive import recovery, ship, stock
from agent.archive.document import Wanted
from agent.archive.keeper import Keeper
from agent.archive.stock import Stock
from agent.documents.reader import Reader
from agent.host import paths
from agent.store.settings import Settings, load_settings
from codeb import names
from tests.archive.host import Host, able, host, identity
from tests.archive.shelf import Shelf
from tests.postgres import Cluster, postgres_cluster
from tests.services.stack import Stack, example

PASSWORD = "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0"
DAYS = 7
PATIENCE_S = 90


@pytest.fixture(scope="session")
def stack() -> Stack:
    return example()


@pytest.fixture(scope="module")
def cluster(stack: Stack) -> Iterator[Cluster]:
    with archived_cluster(stack) as running:
        yield running


@contextmanager
def archived_cluster(stack: Stack) -> Iterator[Cluster]:
    """A new one."""
    if missing := able():
        pytest.skip(f"needs {missing}")

    def prepare(home: Path) -> dict[str, object]:
        for name in ("postgresql.conf", "reload.conf"):
            text = stack.file(f"/etc/codeb/postgres/{name}")
            text = text.replace("/run/secrets/postgres.key", str(home / "server.key"))
            text = text.replace("/etc/postgresql", str(home)).replace("/run/postgresql", str(home))
            (home / name).write_text(text.replace("256MB", "16MB"))
        (home / "pg_hba.conf").write_text(stack.file("/etc/codeb/postgres/pg_hba.conf"))
        return {"config_file": home / "postgresql.conf"}

    with postgres_cluster(names.POSTGRES_ADMIN, {"fsync": "off"}, prepare) as running:
        yield running


@pytest.fixture
def here(cluster: Cluster, stack: Stack) -> Iterator[Host]:
    """A host that has just been set up, with two stores in memory."""
    with tempfile.TemporaryDirectory(prefix="codeb-archive-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        root.chmod(0o711)
        found = host(root, receiver(stack, cluster.config["port"]), Shelf())
        laid_out(found, cluster, root)
        yield found
        found.containers.close()
        with connection(cluster) as db:
            db.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")


def receiver(stack: Stack, port: object) -> tuple[str, str]:
    """The command of the rendered unit, with the server's address here, and what runs before it."""
    unit = stack.file("/etc/containers/systemd/codeb-wal.container").splitlines()
    line, before = (
        next(line.removeprefix(key) for line in unit if line.startswith(key))
        for key in ("Exec=", "ExecStartPre=")
    )
    words = [word for word in line.split() if not word.startswith(("--host=", "--port="))]
    return " ".join([*words, "--host=127.0.0.1", f"--port={port}"]), before


def laid_out(found: Host, cluster: Cluster, root: Path) -> None:
    """What `pulumi up` puts there: keys, logins, settings with two stores."""
    files, secret = found.ports.files, identity()
    owner = "70:70"
    (root / "etc/codeb/secrets").mkdir(parents=True)
    (root / "srv/codeb/archive/receive").mkdir(parents=True)
    shutil.chown(root / "srv/codeb/archive/receive", "postgres", "postgres")
    (root / "srv/codeb/archive").chmod(0o711)
    files.write(paths.CA_FILE, cluster.certificate.read_bytes())
    files.write(paths.ARCHIVE_LOGIN, f"*:*:*:codeb_archive:{PASSWORD}\n".encode(), 0o600, owner)
    files.write(paths.BACKUP_LOGIN, f"*:*:*:postgres:{cluster.config['password']}\n".encode(), 0o600, owner)
    files.write(paths.BACKUP_KEY, f"{secret[0]}\n".encode(), 0o600)
    store = {
        "endpoint": "http://127.0.0.1:1",
        "region": "x",
        "access_key": "a",
        "secret_key": "b",
        "ca": None,
    }
    settings = {
        "stores": [{**store, "name": name, "bucket": name * 2} for name in ("here", "second")],
        "recipient": secret[1],
        "projects": [project("shop", point_in_time=True), project("blog", point_in_time=False)],
        "image": "docker.io/library/postgres:16-alpine",
        "container": "postgres",
        "host": "127.0.0.1",
        "port": int(cluster.config["port"]),
    }
    files.write(paths.BACKUP_SETTINGS, json.dumps(settings).encode(), 0o600)


def project(name: str, *, point_in_time: bool) -> dict[str, object]:
    """A project in the settings of backups."""
    days = {"retention_days": DAYS, "point_in_time": point_in_time}
    return {"id": name, "database": f"{name}_db", "buckets": [], **days}


@pytest.fixture
def settings(here: Host) -> Settings:
    return load_settings(here.ports)


@pytest.fixture
def keeper(here: Host, settings: Settings) -> Iterator[Keeper]:
    """The archive kept going by hand: `look()` is one look, `shipper.round()` one round."""
    with ExitStack() as stack:
        yield ship.opened(here.ports, settings, Wanted(1 << 30, DAYS), stack)


@pytest.fixture
def document() -> Reader:
    return Reader({"version": 1, "spool_gib": 1, "retention_days": DAYS}, "")


def connection(cluster: Cluster) -> psycopg.Connection[tuple[Any, ...]]:
    """PostgreSQL's administrator."""
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
    """Wait for something that has to come."""
    end = time.monotonic() + PATIENCE_S
    while not found():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def shipped(keeper: Keeper, name: str = "here") -> None:
    """Ship until everything that is committed now is in a store."""
    now = datetime.now(UTC)
    depot = next(depot for depot in keeper.shipper.depots if depot.store.name == name)

    def there() -> bool:
        keeper.look()
        keeper.shipper.round()
        return depot.reached is not None and depot.reached > now

    until(there, f"what was committed is in {name}: {depot.problem}")


def written(cluster: Cluster, segments: int) -> None:
    """Fill so many segments of WAL."""
    with connection(cluster) as db:
        for _ in range(segments):
            db.execute("SELECT pg_logical_emit_message(false, 'test', repeat('x', 1000))")
            db.execute("SELECT pg_switch_wal()")


def rows(here: Host, settings: Settings, at: datetime | None, query: str, store: str = "here") -> str:
    """What a query says on a server recovered to a moment."""
    with recovery.recovered(here.ports, settings, stocked(here, settings, store), at) as instance:
        said = here.ports.runner.run(instance.psql("postgres"), stdin=query)
        assert said.ok, said
        return said.out.strip()


def stocked(here: Host, settings: Settings, name: str = "here") -> Stock:
    """What a store has of the one cluster that it has anything of."""
    store = settings.store(name)
    assert store
    [system] = stock.systems(here.ports, store.place)
    return stock.stock(here.ports, store.place, system)
