"""The worst day: the data server is gone with its disks, and an empty one gets everything from the second place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from agent.archive import segments, stock
from agent.host import paths
from agent.host.s3 import Place
from agent.store.oldest import Oldest, as_first_written
from agent.store.settings import Store
from tests.archive import worst
from tests.archive.host import identity
from tests.archive.worst import CERTIFICATE, PROJECTS, S3, SECOND, DataServer, data_server
from tests.backup.accounts import LOCK, Accounts
from tests.backup.restoring import Mortal
from tests.backup.test_second_place import policy
from tests.minio import PASSWORD, USER, minio_server
from tests.services.stack import Stack
from tests.unit.agent.fakes.host import Killed

KEYS: dict[str, Any] = {"access_key": USER, "secret_key": PASSWORD}
"""Those that may read: the test's administrator's."""


@dataclass(frozen=True)
class Lost:
    """What is left of a data server: its key, in the root secret, and the second place. `last` is when its last row was
    committed."""

    key: tuple[str, str]
    second: Place
    last: float


@pytest.fixture(scope="module")
def lost(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lost]:
    with minio_server() as server:
        accounts, key = Accounts(server, tmp_path_factory.mktemp("mc")), identity()
        accounts.bucket(SECOND, LOCK)
        second = accounts.account("put-only", "secret of second", policy(SECOND), SECOND)
        with data_server(stack, key, second) as first:
            worst.filled(first)
            worst.saved(first)
            last = worst.written_until_cut(first, 11)
        stolen(second)
        yield Lost(key, second, last)


def stolen(second: Place) -> None:
    """Whoever took the server over puts something else under each name that is there, and new names beside."""
    for key in [found.key for found in S3.objects(second, "")]:
        S3.put(second, key, b"the thief's")
    S3.put(second, "platform/99999999T000000Z-0000.json", b"{}")
    S3.put(second, "database/shop/20991231T000000Z-0000.json", b"{}")


@pytest.fixture
def empty(stack: Stack, lost: Lost) -> Iterator[DataServer]:
    with data_server(stack, lost.key, lost.second) as server:
        yield server


COUNTS = {
    "shop": "SELECT count(*) FROM steady",
    "blog": "SELECT count(*) FROM posts",
    "shed": "SELECT count(*) FROM tools",
}


def rows(server: DataServer) -> dict[str, int]:
    """How many there are of each project; none without the table."""
    found = {}
    for name, count in COUNTS.items():
        table = count.rpartition(" ")[2]
        ((there,),) = server.sql(f"{name}_db", f"SELECT to_regclass('{table}') IS NOT NULL")
        found[name] = server.sql(f"{name}_db", count)[0][0] if there else 0
    return found


def test_everything_comes_back_but_for_the_last_seconds(empty: DataServer, lost: Lost) -> None:
    dry = empty.ask("rebuild", **KEYS, dry_run=True)
    assert dry["ok"], dry
    assert {each["project"]: each["database"]["what"] for each in dry["projects"]} == dict.fromkeys(
        PROJECTS, "the archive"
    )
    assert rows(empty) == dict.fromkeys(PROJECTS, 0)

    answer = empty.ask("rebuild", **KEYS)
    assert answer["ok"], json.dumps(answer, indent=1)
    ((last,),) = empty.sql("shop_db", "SELECT extract(epoch FROM max(at))::float8 FROM steady")
    print(f"\nlost: {lost.last - last:.1f} s of rows; took {answer['seconds']} s")
    assert lost.last - last <= 60
    assert rows(empty) == {"shop": rows(empty)["shop"], "blog": 310, "shed": 40}
    assert {each["project"]: each["database"]["rows"] for each in answer["projects"]} == rows(empty)
    owner = "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'steady'"
    assert empty.sql("shop_db", owner) == [("shop",)]

    files = empty.minio.admin("shop-files")
    head = S3.head(files, "faces/ü a+b.png")
    assert head is not None
    assert (head.size, head.headers["content-type"], head.headers["x-amz-meta-owner"]) == (
        20000,
        "image/png",
        "7",
    )
    assert b"".join(S3.get(empty.minio.admin("shed-files"), "plan.pdf")) == b"%PDF"

    assert answer["platform"]["ok"], answer["platform"]
    assert empty.ports.files.read(paths.undo("shop")) is None
    history = json.loads(empty.ports.files.read(paths.record("shop")) or b"")
    assert (history["count"], history["colours"], history["cron"]) == (12, {}, [])
    assert empty.ports.files.read(CERTIFICATE) is None, "there is no Caddy on this host"
    assert not [name for name in empty.here.containers.running if "recovery" in name]

    again = empty.ask("rebuild", **KEYS)
    assert again["ok"], again
    assert all(each["database"]["skipped"] for each in again["projects"])
    assert all(bucket["skipped"] for each in again["projects"] for bucket in each["uploads"])
    assert "recover" not in [told["phase"] for told in again["told"]]


def test_dumps_alone_bring_what_the_last_backup_had(empty: DataServer) -> None:
    empty.ports.files.write(paths.CADDYFILE, b"")
    answer = empty.ask("rebuild", **KEYS, dumps=True)
    assert answer["ok"], json.dumps(answer, indent=1)
    assert rows(empty) == {"shop": 0, "blog": 300, "shed": 40}
    assert empty.ports.files.read(CERTIFICATE) == b"a key"
    empty.ports.files.remove(paths.CADDYFILE)


@pytest.mark.slow
def test_killed_anywhere_and_run_again_all_of_it_is_there(empty: DataServer) -> None:
    for left in (5, 20, 30, 40, 50):
        ports = empty.ports
        mortal = replace(ports, pipes=Mortal(ports.pipes, left))
        try:
            empty.ask("rebuild", mortal, **KEYS, dumps=True)
        except Killed:
            continue
        break
    answer = empty.ask("rebuild", **KEYS, dumps=True)
    assert answer["ok"], json.dumps(answer, indent=1)
    assert rows(empty) == {"shop": 0, "blog": 300, "shed": 40}


@pytest.mark.slow
def test_a_database_and_a_bucket_with_something_in_it_are_left_alone_and_the_others_come_back(
    empty: DataServer,
) -> None:
    empty.sql("blog_db", "SET ROLE blog", "CREATE TABLE posts AS SELECT 1 AS n")
    S3.put(empty.minio.admin("shed-files"), "plan.pdf", b"a newer one")
    answer = empty.ask("rebuild", **KEYS)
    found = {each["project"]: each for each in answer["projects"]}
    assert {name: each["ok"] for name, each in found.items()} == {"shop": True, "blog": False, "shed": False}
    assert "blog_db is not empty: there are rows in public.posts" in found["blog"]["database"]["cause"]
    assert "shed-files is not empty: 1 objects" in found["shed"]["uploads"][0]["cause"]
    assert rows(empty) | {"shop": 0} == {"shop": 0, "blog": 1, "shed": 40}
    assert b"".join(S3.get(empty.minio.admin("shed-files"), "plan.pdf")) == b"a newer one"
    replaced = empty.ask("rebuild", **KEYS, replace=True)
    assert replaced["ok"], replaced
    assert rows(empty)["blog"] == 310
    assert b"".join(S3.get(empty.minio.admin("shed-files"), "plan.pdf")) == b"%PDF"


def test_another_key_opens_nothing_and_nothing_has_changed(empty: DataServer) -> None:
    empty.ports.files.write(paths.BACKUP_KEY, f"{identity()[0]}\n".encode(), 0o600)
    answer = empty.ask("rebuild", **KEYS)
    assert answer["ok"] is False
    assert "was not written with this stack's key" in json.dumps(answer)
    assert rows(empty) == dict.fromkeys(PROJECTS, 0)


@pytest.mark.slow
def test_keys_that_can_not_read_are_said(empty: DataServer, lost: Lost) -> None:
    wrong: tuple[dict[str, Any], ...] = (
        {"access_key": "put-only", "secret_key": "secret of second"},
        {"access_key": "nobody", "secret_key": "not this one"},
    )
    for keys in wrong:
        answer = empty.ask("rebuild", **keys)
        assert answer["ok"] is False
        assert answer["phase"] == "look", answer
        assert "may list and read" in answer["remedy"]
        assert keys["secret_key"] not in json.dumps(answer)


def test_a_hole_in_the_archive_is_said_and_dumps_are_the_way_round(
    empty: DataServer, lost: Lost, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = replace(lost.second, **KEYS)
    ports = as_first_written(empty.ports, [Store("second", reading)])
    (system,) = stock.systems(ports, reading)
    first = segments.key(system, stock.stock(ports, reading, system).bases[-1].first)
    objects = Oldest.objects

    def holed(self: Oldest, place: Place, prefix: str) -> Iterator[object]:
        return (each for each in objects(self, place, prefix) if each.key != first)

    monkeypatch.setattr(Oldest, "objects", holed)
    answer = empty.ask("rebuild", **KEYS)
    assert answer["ok"] is False
    for each in answer["projects"]:
        assert "--dumps" in each["database"]["remedy"], each
    assert rows(empty) == dict.fromkeys(PROJECTS, 0)
    assert empty.ask("rebuild", **KEYS, dumps=True)["ok"]
    assert rows(empty)["blog"] == 300


def test_what_the_empty_server_has_saved_of_itself_is_not_taken(empty: DataServer, lost: Lost) -> None:
    """Its timers go off before somebody comes."""
    assert empty.ask("backup", all=True)["ok"]
    one = empty.ask("rebuild", **KEYS, dumps=True, projects=["blog"])
    assert one["ok"], json.dumps(one, indent=1)
    assert [each["project"] for each in one["projects"]] == ["blog"]
    assert one["strangers"] == [], "the other projects are this server's, too"
    assert "blog: 1 backups are later than" in one["warnings"][0]
    answer = empty.ask("rebuild", **KEYS, dumps=True)
    assert answer["ok"], json.dumps(answer, indent=1)
    assert rows(empty) == {"shop": 0, "blog": 300, "shed": 40}
