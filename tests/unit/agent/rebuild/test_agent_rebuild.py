"""A data server rebuilt: what is asked for, which backups count, what of the platform is put back, and what is not."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent import cli
from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import Reader
from agent.host import paths
from agent.host.ports import Ports
from agent.rebuild import memory, place, platform, room
from agent.rebuild.document import Wanted, read_wanted
from agent.rebuild.memory import Back
from agent.rebuild.place import Found
from agent.rebuild.platform import Saved
from agent.store.oldest import as_first_written
from agent.store.settings import load_settings
from agent.uploads import runs
from agent.uploads.mirror import mirrored
from tests.unit.agent.fakes.host import EPOCH, FakeHost
from tests.unit.agent.store.sealing import SECOND, host_with_key, install, needs_age, settings

KEYS = {"access_key": "reads", "secret_key": "the secret of reading"}
SYSTEM = str(int(EPOCH) + 86_400 << 32)
"""A cluster that was made a day after."""
CADDY = "/srv/codeb/caddy/data/caddy"


def record(project: str, *, withdrawn: bool = False) -> str:
    colour = {"spec": {"image": "shop:2"}, "withdrawn": withdrawn}
    return json.dumps(
        {
            "version": 1, "project": project, "created_at": "2026-11-01T00:00:00Z", "colours": {"green": colour},
            "history": [], "cron": ["x"], "count": 7,
        }
    )  # fmt: skip


def tar(*files: tuple[str, str], links: tuple[str, ...] = ()) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        for name, text in files:
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.uname, info.gname = len(text), 0o600, "", ""
            info.uid = info.gid = 1000
            made.addfile(info, io.BytesIO(text.encode()))
        for name in links:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, "/etc/shadow"
            made.addfile(info)
    return out.getvalue()


def put_back(host: FakeHost, content: bytes) -> tuple[dict[str, object], list[str]]:
    warnings: list[str] = []
    return platform.put_back(host.ports(), Saved("20261123T040000Z-00aa", content), warnings), warnings


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    found = host_with_key(tmp_path)
    install(found)
    return found


@pytest.mark.parametrize(
    ("document", "what"),
    [
        ({"access_key": "reads"}, "secret_key: is missing"),
        ({**KEYS, "secret_key": ""}, "secret_key: is empty"),
        ({**KEYS, "secret_key": "two\nlines"}, "secret_key: must be a string of one line"),
        ({**KEYS, "projects": ["shop", "x; rm -rf /"]}, "projects[1]"),
        ({**KEYS, "at": "yesterday"}, "at: 'yesterday'"),
        ({**KEYS, "at": "2026-13-41T99:00:00Z"}, "is no moment"),
        ({**KEYS, "replace": "yes"}, "replace: must be true or false"),
        ({**KEYS, "everything": True}, "unknown key 'everything'"),
    ],
)
def test_a_document_that_makes_no_sense_is_refused_and_shows_no_key(
    document: dict[str, Any], what: str
) -> None:
    with pytest.raises(BadDocument) as caught:
        read_wanted(Reader(document, ""), "ada")
    assert what in str(caught.value)
    assert "two" not in str(caught.value)


def test_what_is_wanted_shows_no_key() -> None:
    assert "secret of reading" not in repr(read_wanted(Reader(dict(KEYS), ""), "ada"))


def test_a_stack_without_a_second_place_says_so(host: FakeHost) -> None:
    install(host, stores=[each for each in settings()["stores"] if each["name"] == "here"])
    out = io.StringIO()
    assert cli.run(host.ports(), "rebuild", json.dumps(KEYS), out, io.StringIO(), "ada") == 1
    assert "no second place" in out.getvalue()
    assert "secret of reading" not in out.getvalue()


def test_the_number_of_a_cluster_says_when_it_was_made() -> None:
    assert place.born("7713041731613815330") == datetime(2026, 11, 28, 2, 21, 10, tzinfo=UTC)


@needs_age
def test_what_this_very_server_has_saved_does_not_count(host: FakeHost) -> None:
    """Its timers may go off before anybody rebuilds it."""
    assert platform_saved(host)
    first = [found.key for found in host.s3.objects(SECOND, "platform/")]
    host.time += 2 * 86_400
    host.put(paths.record("late"), record("late"))
    assert platform_saved(host)
    found = looked(host)
    assert found.until == place.born(SYSTEM)
    saved = platform.newest(reading(host), found, [])
    assert saved is not None
    assert first[0].startswith(f"platform/{saved.id}")


@needs_age
def test_a_moment_cuts_off_what_is_later(host: FakeHost) -> None:
    assert platform_saved(host)
    found = looked(host, at=datetime.fromtimestamp(EPOCH, UTC) - timedelta(days=1))
    assert platform.newest(reading(host), found, []) is None


@needs_age
def test_of_the_platform_a_thiefs_and_a_damaged_one_are_passed_over_and_said(host: FakeHost) -> None:
    host.put(paths.record("shop"), record("shop"))
    assert platform_saved(host)
    host.s3.put(SECOND, "platform/20261123T050000Z-0bad.json", b'{"id": "20261123T050000Z-0bad", "mac": "0"}')
    host.s3.put(SECOND, "platform/20261123T050000Z-0bad.tar.zst.age", b"x")
    host.s3.put(SECOND, "platform/20261123T060000Z-0bad.json", b"no JSON")
    host.s3.put(SECOND, "platform/20261123T070000Z-0bad.tar.zst.age", b"x")
    warnings: list[str] = []
    assert platform.newest(reading(host), looked(host), warnings) is not None
    assert len(warnings) == 3
    assert "was not written with this stack's key" in " ".join(warnings)


@needs_age
def test_an_older_list_is_not_taken_in_silence_when_a_newer_one_is_damaged(host: FakeHost) -> None:
    host.s3.put(replace(SECOND, bucket="shop-files"), "a", b"x")
    made = [mirrored_now(host)]
    host.time += 3600
    made.append(mirrored_now(host))
    key = runs.document_key("shop", "shop-files", made[1])
    older = [each for each in host.s3.versions_of["elsewhere"] if each[0].key != key]
    host.s3.versions_of["elsewhere"] = older
    host.s3.put(SECOND, key, b"{}")
    host.s3.put(SECOND, runs.document_key("shop", "shop-files", "20991231T000000Z-0000"), b"a thief's")
    found = looked(host)
    assert found.runs["shop", "shop-files"].id == made[0]
    (warning,) = found.warnings
    assert warning.startswith(f"shop-files: {made[0]} is taken, as what is newer is none: {made[1]} ")


def mirrored_now(host: FakeHost) -> str:
    """The id of a new run of the bucket's mirror."""
    telling = mirrored(host.ports(), load_settings(host.ports()), "shop", "shop-files")
    while True:
        try:
            next(telling)
        except StopIteration as end:
            return str(end.value.run.id)


def platform_saved(host: FakeHost) -> bool:
    out = io.StringIO()
    return cli.run(host.ports(), "platform", "{}", out, io.StringIO(), "ada") == 0


def looked(host: FakeHost, at: datetime | None = None) -> Found:
    wanted = Wanted(KEYS["access_key"], KEYS["secret_key"], at=at)
    known = load_settings(host.ports())
    store = place.second(known, wanted)
    assert (store.place.access_key, store.place.lock_days) == ("reads", 0)
    return place.looked(reading(host), store, known, SYSTEM, wanted)


def reading(host: FakeHost) -> Ports:
    return as_first_written(host.ports(), load_settings(host.ports()).stores)


def test_a_record_comes_back_as_history_and_a_rollback_that_was_in_force_is_said(host: FakeHost) -> None:
    content = tar(
        ("var/lib/codeb/projects/shop.json", record("shop", withdrawn=True)),
        ("var/lib/codeb/projects/blog.json", record("blog")),
        ("var/lib/codeb/projects/odd.json", "no JSON"),
        ("var/lib/codeb/projects/shop.undo", "{}"),
        ("var/lib/codeb/backups/shop.json", "{}"),
        ("var/lib/codeb/bundle.json", "{}"),
    )
    told, warnings = put_back(host, content)
    assert told == {"id": "20261123T040000Z-00aa", "records": 2, "certificates": 0}
    found = json.loads(host.tell(paths.record("shop")) or "")
    assert (found["count"], found["colours"], found["cron"]) == (7, {}, [])
    assert [
        host.tell(f"/var/lib/codeb/{name}")
        for name in ("projects/shop.undo", "bundle.json", "backups/shop.json")
    ] == ([None] * 3)
    assert len(warnings) == 2
    assert "shop was rolled back from shop:2" in " ".join(warnings)
    assert "the history of odd can't be read" in " ".join(warnings)


def test_what_is_there_already_stays(host: FakeHost) -> None:
    host.put(paths.record("shop"), "of this server")
    host.put(paths.CADDYFILE, "")
    host.put(f"{CADDY}/acme/ca/users/a@example.com/a.key", "of this server")
    told, _ = put_back(
        host,
        tar(
            ("var/lib/codeb/projects/shop.json", record("shop")),
            ("srv/codeb/caddy/data/caddy/acme/ca/users/a@example.com/a.key", "of before"),
            (
                "srv/codeb/caddy/data/caddy/certificates/ca/wildcard_.example.com/wildcard_.example.com.crt",
                "pem",
            ),
        ),
    )
    assert (told["records"], told["certificates"]) == (0, 1)
    assert host.tell(paths.record("shop")) == "of this server"
    assert host.tell(f"{CADDY}/acme/ca/users/a@example.com/a.key") == "of this server"
    entry = host.files[f"{CADDY}/certificates/ca/wildcard_.example.com/wildcard_.example.com.crt"]
    assert (entry.content, entry.mode, entry.owner) == (b"pem", 0o600, "1000:1000")


@pytest.mark.parametrize(
    "name",
    [
        "etc/shadow",
        "../etc/shadow",
        "/etc/shadow",
        "var/lib/codeb/projects/../../../../etc/cron.d/x.json",
        "var/lib/codeb/projects/a b.json",
        "srv/codeb/caddy/data/caddy/certificates/../../../../../etc/cron.d/x",
        "srv/codeb/caddy/data/caddy/certificates/./x",
        "srv/codeb/caddy/data/caddy/certificates/x\ny",
        "srv/codeb/caddy/data/caddy/locks/x",
        "srv/codeb/minio/.minio.sys/config/iam/x",
        "var/lib/codeb/platform/../x.tar.gz",
    ],
)
def test_nothing_else_is_written_whatever_a_tar_holds(host: FakeHost, name: str) -> None:
    host.put(paths.CADDYFILE, "")
    before = set(host.files)
    put_back(host, tar((name, record("shop")), links=(name, "var/lib/codeb/projects/link.json")))
    assert set(host.files) == before


def test_what_came_back_is_remembered_for_this_cluster_alone(host: FakeHost) -> None:
    ports = host.ports()
    known = memory.note_database(
        ports, memory.load(ports, SYSTEM), "shop", Back("backup x", "2026-11-23T04:00:00Z", 5)
    )
    known = memory.note_bucket(ports, known, "shop-files", "")
    assert memory.load(ports, SYSTEM) == known
    assert memory.load(ports, "7713041731613815330") == memory.Memory("7713041731613815330")
    host.put(paths.REBUILT, "no JSON")
    assert memory.load(ports, SYSTEM) == memory.Memory(SYSTEM)


def test_a_disk_that_is_too_small_is_refused_before_anything_begins() -> None:
    takes = room.needed(None, {"shop": 10 << 30, "blog": 5 << 30}, [20 << 30])
    assert takes == (15 << 30) + (3 << 30) + (20 << 30) + (1 << 30)
    room.refuse_crowded(takes, takes)
    with pytest.raises(Failed, match="39936 MiB on the disk of /srv/codeb, and 39935 MiB are free"):
        room.refuse_crowded(takes, takes - 1)


def test_a_project_that_is_not_backed_up_here_is_refused(host: FakeHost) -> None:
    out = io.StringIO()
    document = json.dumps({**KEYS, "projects": ["nobody"]})
    assert cli.run(host.ports(), "rebuild", document, out, io.StringIO(), "ada") == 1
    assert "nobody is not backed up here" in out.getvalue()
