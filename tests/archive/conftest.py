"""One PostgreSQL with the rendered settings and logins, and an archive of it on a host without containers."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from agent.archive import ship, stock
from agent.archive.document import Wanted
from agent.archive.ship import Keeper
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


@pytest.fixture(scope="session")
def stack() -> Stack:
    return example()


@pytest.fixture(scope="module")
def cluster(stack: Stack) -> Iterator[Cluster]:
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
        found = host(root, _receiver(stack, cluster), Shelf())
        _laid_out(found, cluster, root)
        yield found
        found.containers.close()


def _receiver(stack: Stack, cluster: Cluster) -> str:
    """The command of the rendered unit, with the server's address here."""
    unit = stack.file("/etc/containers/systemd/codeb-wal.container")
    line = next(line for line in unit.splitlines() if line.startswith("Exec=")).removeprefix("Exec=")
    words = [word for word in line.split() if not word.startswith(("--host=", "--port="))]
    return " ".join([*words, "--host=127.0.0.1", f"--port={cluster.config['port']}"])


def _laid_out(found: Host, cluster: Cluster, root: Path) -> None:
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
    store = {"endpoint": "http://127.0.0.1:1", "region": "x", "access_key": "a", "secret_key": "b", "ca": None}
    settings = {
        "stores": [{**store, "name": name, "bucket": name * 2} for name in ("here", "second")],
        "recipient": secret[1],
        "projects": [],
        "image": "docker.io/library/postgres:16-alpine",
        "container": "postgres",
        "host": "127.0.0.1",
        "port": int(cluster.config["port"]),
    }
    files.write(paths.BACKUP_SETTINGS, json.dumps(settings).encode(), 0o600)


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


def stocked(here: Host, settings: Settings, name: str = "here") -> Stock:
    """What a store has of the one cluster that it has anything of."""
    store = settings.store(name)
    assert store
    [system] = stock.systems(here.ports, store.place)
    return stock.stock(here.ports, store.place, system)


