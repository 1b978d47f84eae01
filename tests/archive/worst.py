"""A data server that is lost, the place that has its backups, and an empty one: PostgreSQL, MinIO, age and zstd are real."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg

from agent import cli
from agent.archive import base, ship
from agent.archive.document import Wanted
from agent.documents.reader import Reader
from agent.host import paths
from agent.host.ports import Ports
from agent.host.s3 import Place
from agent.real.s3 import RealS3
from agent.store.settings import load_settings
from codeb import names
from components.backup import backup_policy
from tests.archive.conftest import DAYS, archived_cluster, laid_out, project, receiver
from tests.archive.host import Host, host
from tests.archive.shelf import Shelf
from tests.backup.accounts import LOCK, Accounts
from tests.minio import minio_server
from tests.postgres import Cluster
from tests.services.stack import Stack

S3 = RealS3(pause=lambda _: None)
SECOND = "codeb-backups"
PROJECTS = ("shop", "blog", "shed")
RELEASED = {
    "version": 1, "project": "shop", "created_at": "2026-11-01T00:00:00Z", "colours": {}, "cron": ["codeb-shop-c"],
    "count": 12, "history": [
        {"id": "r12", "at": "2026-11-26T10:00:00Z", "outcome": "released", "colour": "blue", "image": "shop:12",
         "digest": "", "by": "ada", "duration_s": 3.5, "cause": "", "why": ""}],
}  # fmt: skip
CERTIFICATE = f"{paths.DATA}/caddy/data/caddy/certificates/acme.example/shop.example.com/shop.example.com.key"
_PACE_S = 5


class Waits:
    """Whoever asks stays."""

    def watch(self) -> None:
        pass

    def gone(self) -> str:
        return ""

    def key(self) -> str:
        return ""


@dataclass(frozen=True)
class DataServer:
    """Files below `root`, a PostgreSQL, and a MinIO of its own as the store `here`."""

    here: Host
    cluster: Cluster
    root: Path
    minio: Accounts

    @property
    def ports(self) -> Ports:
        return replace(self.here.ports, s3=S3, asker=Waits())

    def ask(self, verb: str, ports: Ports | None = None, **document: object) -> dict[str, Any]:
        """The answer to a verb; what it told before is `told`."""
        out, err = io.StringIO(), io.StringIO()
        cli.run(ports or self.ports, verb, json.dumps(document), out, err, "a test")
        *told, answer = [json.loads(line) for line in out.getvalue().splitlines()]
        return {**answer, "told": told}

    def sql(self, database: str, *statements: str) -> list[tuple[Any, ...]]:
        """What the last of them answers."""
        config = self.cluster.config
        with psycopg.connect(
            host=config["host"], port=config["port"], user=config["username"], password=config["password"],
            dbname=database, sslmode="require", autocommit=True,
        ) as db:  # fmt: skip
            for statement in statements:
                cursor = db.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def cut(self) -> None:
        """Its power goes, and its disks with it."""
        pid = int((self.cluster.certificate.parent / "data" / "postmaster.pid").read_text().split()[0])
        os.killpg(os.getpgid(pid), signal.SIGKILL) if os.getpgid(pid) == pid else os.kill(pid, signal.SIGKILL)
        self.here.containers.close()
        shutil.rmtree(self.cluster.certificate.parent / "data", ignore_errors=True)
        shutil.rmtree(self.root)


@contextmanager
def data_server(stack: Stack, key: tuple[str, str], second: Place) -> Iterator[DataServer]:
    """As `pulumi up` leaves it: keys, settings, empty databases and buckets."""
    with ExitStack() as held:
        cluster = held.enter_context(archived_cluster(stack))
        root = Path(
            held.enter_context(
                tempfile.TemporaryDirectory(prefix="codeb-archive-", ignore_cleanup_errors=True)
            )
        )
        home = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="codeb-mc-")))
        root.chmod(0o711)
        minio = Accounts(held.enter_context(minio_server()), home)
        found = host(root, receiver(stack, cluster.config["port"]), Shelf())
        held.callback(found.containers.close)
        laid_out(found, cluster, root)
        (root / "var/lib/codeb").mkdir(parents=True)
        for bucket in (names.BACKUP_BUCKET, "shop-files", "shed-files"):
            minio.bucket(bucket, LOCK)
        here = minio.account(names.BACKUP_USER, "secret of backups", backup_policy(), names.BACKUP_BUCKET)
        _configured(found, cluster, key, {"here": here, "second": second})
        made = DataServer(found, cluster, root, minio)
        for each in PROJECTS:
            made.sql(
                "postgres",
                f"CREATE ROLE {each} LOGIN",
                f"CREATE DATABASE {each}_db OWNER {each}",
                f"REVOKE ALL ON DATABASE {each}_db FROM PUBLIC",
            )
        yield made


def _configured(found: Host, cluster: Cluster, key: tuple[str, str], stores: dict[str, Place]) -> None:
    files = found.ports.files
    files.write(paths.BACKUP_KEY, f"{key[0]}\n".encode(), 0o600)
    settings = json.loads(files.read(paths.BACKUP_SETTINGS) or b"")
    buckets = {"shop": ["shop-files"], "blog": [], "shed": ["shed-files"]}
    settings["recipient"] = key[1]
    settings["projects"] = [
        {**project(each, point_in_time=each == "shop"), "buckets": buckets[each]} for each in PROJECTS
    ]
    settings["stores"] = [
        {"name": name, "endpoint": place.endpoint, "region": place.region, "bucket": place.bucket,
         "access_key": place.access_key, "secret_key": place.secret_key, "ca": place.ca}
        for name, place in stores.items()
    ]  # fmt: skip
    files.write(paths.BACKUP_SETTINGS, json.dumps(settings).encode(), 0o600)


def filled(server: DataServer) -> None:
    """What visitors have left before the last backup, what of it is in none, and what only rebuilds the platform."""
    server.sql(
        "shop_db", "SET ROLE shop", "CREATE TABLE steady (n serial, at timestamptz DEFAULT clock_timestamp())"
    )
    server.sql("blog_db", "SET ROLE blog", "CREATE TABLE posts AS SELECT generate_series(1, 300) n")
    server.sql("shed_db", "SET ROLE shed", "CREATE TABLE tools AS SELECT generate_series(1, 40) n")
    files = server.minio.admin("shop-files")
    S3.upload(
        files, "faces/ü a+b.png", [b"face" * 5000], 0, {"content-type": "image/png", "x-amz-meta-owner": "7"}
    )
    S3.put(files, "note", b"of a visitor")
    S3.put(server.minio.admin("shed-files"), "plan.pdf", b"%PDF")
    server.ports.files.write(paths.record("shop"), json.dumps(RELEASED).encode(), 0o600)
    server.ports.files.write(paths.undo("shop"), b"{}", 0o600)
    server.ports.files.write(CERTIFICATE, b"a key", 0o600)


def saved(server: DataServer) -> None:
    """All its timers have run once; the archive begins."""
    with ExitStack() as held:
        keeper = ship.opened(server.ports, load_settings(server.ports), Wanted(1 << 30, DAYS), held)
        keeper.look()
        document = Reader({"version": 1, "spool_gib": 1, "retention_days": DAYS, "soon": True}, "")
        taken = base.base(server.ports, document, "a test")
        assert taken["ok"] is True, taken
    backup = server.ask("backup", all=True)
    assert backup["ok"], backup
    assert server.ask("platform")["ok"]
    server.sql("blog_db", "INSERT INTO posts SELECT generate_series(301, 310)")


def written_until_cut(server: DataServer, seconds: float) -> float:
    """Twenty rows a second while the archive is shipped as its service does, then the power is cut: when the last row was
    committed (seconds since 1970)."""
    over, last = threading.Event(), [0.0]

    def write() -> None:
        while not over.wait(0.05):
            ((at,),) = server.sql("shop_db", "INSERT INTO steady DEFAULT VALUES RETURNING at")
            last[0] = at.timestamp()

    with ExitStack() as held:
        keeper = ship.opened(server.ports, load_settings(server.ports), Wanted(1 << 30, DAYS), held)
        writer = threading.Thread(target=write)
        writer.start()
        try:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                keeper.look()
                keeper.shipper.round()
                time.sleep(_PACE_S)
        finally:
            over.set()
            writer.join()
    server.cut()
    return last[0]
