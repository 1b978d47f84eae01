"""The verbs `backup`, `backups` and `prune` on a real PostgreSQL, with the real age and zstd."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent import cli
from agent.backup.backup import backup
from agent.documents.reader import Reader
from agent.host import paths
from agent.host.pipes import Session
from agent.host.ports import Result
from agent.host.s3 import Place, StoreError
from agent.store import backups
from agent.store.record import read_backup_record
from tests.backup.databases import DIGEST, IMAGE, data_server, sql
from tests.postgres import Cluster
from tests.unit.agent.fakes.host import EPOCH, FakeHost
from tests.unit.agent.fakes.store import FakeS3
from tests.unit.agent.store.sealing import HERE, SECOND, Programs, needs_age, settings

pytestmark = needs_age
ODD = '"odd ""schema"" | x"."new\nline\'; DROP TABLE orders; --"'


@pytest.fixture
def host(tmp_path: Path, cluster: Cluster) -> FakeHost:
    return data_server(tmp_path, cluster)


def ask(host: FakeHost, verb: str, **document: object) -> dict[str, Any]:
    """The answer to a verb; what it told before is `told`."""
    out, err = io.StringIO(), io.StringIO()
    code = cli.run(host.ports(), verb, json.dumps(document), out, err, "admin@10.0.0.1")
    *told, answer = [json.loads(line) for line in out.getvalue().splitlines()]
    assert (code == 0) is (answer["ok"] is True)
    return {**answer, "told": told, "stderr": err.getvalue()}


def made(host: FakeHost) -> dict[str, Any]:
    answer = ask(host, "backup", project="shop")
    assert answer["ok"], answer
    return dict(answer["projects"][0])


def test_a_backup_is_in_both_stores_and_its_dump_brings_everything_back(
    host: FakeHost, cluster: Cluster
) -> None:
    found = made(host)
    assert found["stores"] == ["here", "second"]
    (backup,) = backups.listed(host.ports(), HERE, "shop").backups
    assert backups.listed(host.ports(), SECOND, "shop").backups == (backup,)
    assert (backup.id, backup.image, backup.database) == (found["id"], DIGEST, "shop_db")
    assert f"PostgreSQL {backup.postgres} " in sql(cluster, "shop_db", "SELECT version();\n")
    dump = b"".join(backups.dump(host.ports(), SECOND, backup))
    sql(cluster, "postgres", "DROP DATABASE IF EXISTS back;\nCREATE DATABASE back;\n")
    url = f"postgresql://postgres@127.0.0.1:{cluster.config['port']}/back"
    subprocess.run(
        ["pg_restore", "--exit-on-error", f"--dbname={url}"],
        input=dump,
        env={"PGPASSWORD": cluster.config["password"], "PATH": "/usr/bin:/bin"},
        check=True,
    )
    assert sql(cluster, "back", "SELECT count(*), max(note) FROM orders;\n") == "5000|address 999\n"


def test_what_is_noted_of_a_backup_is_what_was_in_the_database(host: FakeHost) -> None:
    made(host)
    (backup,) = backups.listed(host.ports(), HERE, "shop").backups
    found = backups.details(host.ports(), backup)
    assert found.rows == {
        ODD: 1, "public.child": 2, "public.empty": 0, "public.orders": 5000, "public.parent": 1, "public.parts_1": 2,
    }  # fmt: skip
    assert found.owner == "shop"
    assert found.settings == ('app.jwt_secret=hush, "hush"',)
    assert found.role_settings == {"shop": ('search_path=public, "odd ""schema"" | x"',)}
    assert set(found.extensions) == {"citext", "plpgsql"}


def test_rows_are_counted_in_the_dumps_own_snapshot(host: FakeHost, cluster: Cluster) -> None:
    """A row that comes while the dump runs is in neither."""
    sql(cluster, "postgres", "DROP DATABASE IF EXISTS moving_db;\nCREATE DATABASE moving_db;\n")
    sql(cluster, "moving_db", "CREATE TABLE rows AS SELECT generate_series(1, 10);\n")
    project = settings()["projects"][0] | {"id": "moving", "database": "moving_db", "buckets": []}
    host.put(
        paths.BACKUP_SETTINGS, json.dumps(settings(port=int(cluster.config["port"]), projects=[project]))
    )
    assert isinstance(host.pipes, Programs)
    renamed = host.pipes.renamed

    def with_a_writer(words: list[str]) -> list[str]:
        if "--entrypoint=pg_dump" in words:
            sql(cluster, "moving_db", "INSERT INTO rows VALUES (11);\n")
        return renamed(words)

    host.pipes.renamed = with_a_writer
    assert ask(host, "backup", project="moving")["ok"]
    (backup,) = backups.listed(host.ports(), HERE, "moving").backups
    assert backups.details(host.ports(), backup).rows == {"public.rows": 10}
    dump = b"".join(backups.dump(host.ports(), HERE, backup))
    script = subprocess.run(["pg_restore", "--file=-"], input=dump, capture_output=True, check=True).stdout
    assert b"\n10\n" in script
    assert b"\n11\n" not in script


def test_phases_are_told_and_the_host_remembers_the_newest(host: FakeHost) -> None:
    answer = ask(host, "backup", project="shop")
    assert [told["phase"] for told in answer["told"]] == ["count", "dump", "verify", "copy"]
    assert answer["told"][1]["size"] > 1_000_000
    record = read_backup_record(host.ports(), "shop")
    assert record.last
    assert (record.last.id, record.failed) == (answer["projects"][0]["id"], None)
    assert not host.held
    assert paths.BACKUP_HOLDER not in host.files


def test_no_password_or_key_is_in_a_word_of_a_program_or_a_line_of_the_journal(
    host: FakeHost, cluster: Cluster
) -> None:
    made(host)
    assert isinstance(host.pipes, Programs)
    shown = str([host.pipes.ran, host.calls, host.journal, host.tell(f"{paths.BACKUPS}/shop.json")])
    for secret in (cluster.config["password"], "secret of here", "secret of second", "hush"):
        assert secret not in shown
    containers = [words for words in host.pipes.ran if words[0] == "podman"]
    assert len(containers) == 4, (
        "snapshot, dump, what reads it back, and what looks for leftovers of restores"
    )
    assert all(IMAGE in words for words in containers)
    for option in (
        "--rm",
        "--log-driver=none",
        "--image-volume=ignore",
        "--read-only",
        "--cap-drop=all",
        "--pull=never",
    ):
        assert all(option in words for words in containers)


def test_an_unreachable_second_place_fails_no_backup_but_is_said(host: FakeHost) -> None:
    host.s3.refuses["elsewhere"] = StoreError(
        "unreachable", "elsewhere at https://s3.example.com gave no answer in time"
    )
    answer = ask(host, "backup", project="shop")
    assert not answer["ok"]
    (found,) = answer["projects"]
    assert found["stores"] == ["here"]
    assert "not in second" in found["problem"]
    assert len(backups.listed(host.ports(), HERE, "shop").backups) == 1
    record = read_backup_record(host.ports(), "shop")
    assert record.last
    assert record.failed
    assert "second" in record.failed.cause


def test_a_store_here_that_is_gone_leaves_the_second(host: FakeHost) -> None:
    host.s3.refuses["backup"] = StoreError(
        "full", "backup at http://127.0.0.1:9000 refused with XMinioStorageFull"
    )
    answer = ask(host, "backup", project="shop")
    assert answer["projects"][0]["stores"] == ["second"]
    assert "XMinioStorageFull" in answer["projects"][0]["problem"]
    assert len(backups.listed(host.ports(), SECOND, "shop").backups) == 1


def test_without_any_store_the_backup_fails_and_says_what_to_do(host: FakeHost) -> None:
    for bucket in ("backup", "elsewhere"):
        host.s3.refuses[bucket] = StoreError("refused", f"{bucket} refused with AccessDenied")
    answer = ask(host, "backup", project="shop")
    (found,) = answer["projects"]
    assert (found["phase"], found["ok"]) == ("store", False)
    assert "AccessDenied" in found["cause"]
    assert "too few rights" in found["remedy"]
    record = read_backup_record(host.ports(), "shop")
    assert record.failed
    assert record.last is None


def test_a_dump_that_the_store_damages_is_no_backup(host: FakeHost) -> None:
    put = host.s3.put

    def damaging(place: Any, key: str, body: bytes) -> None:
        put(place, key, body[:-1] + bytes([body[-1] ^ 1]) if key.endswith(".age") else body)

    host.s3.put = damaging  # type: ignore[method-assign]
    answer = ask(host, "backup", project="shop")
    assert answer["projects"][0]["phase"] == "verify"
    assert not backups.listed(host.ports(), HERE, "shop").backups
    assert backups.listed(host.ports(), HERE, "shop").begun


def test_a_database_that_is_not_there_yet_is_said_as_such(host: FakeHost, cluster: Cluster) -> None:
    project = settings()["projects"][0] | {"database": "no_such_db", "buckets": []}
    host.put(
        paths.BACKUP_SETTINGS, json.dumps(settings(port=int(cluster.config["port"]), projects=[project]))
    )
    answer = ask(host, "backup", project="shop")
    assert answer["projects"][0]["phase"] == "database"
    assert 'database "no_such_db" does not exist' in answer["projects"][0]["cause"]


def test_one_project_that_fails_stops_no_other(host: FakeHost, cluster: Cluster) -> None:
    shop = settings()["projects"][0] | {"buckets": []}
    projects = [shop | {"id": "aaa", "database": "no_such_db"}, shop]
    host.put(paths.BACKUP_SETTINGS, json.dumps(settings(port=int(cluster.config["port"]), projects=projects)))
    answer = ask(host, "backup", all=True)
    assert [(found["project"], found["ok"]) for found in answer["projects"]] == [
        ("aaa", False),
        ("shop", True),
    ]
    assert answer["summary"].startswith("aaa: database: no_such_db can't be read")


def test_a_failed_backup_is_told_to_the_webhooks(host: FakeHost) -> None:
    target = {"kind": "generic", "url": "https://hooks.example.com/x"}
    host.put(paths.NOTIFY, json.dumps({"version": 1, "stack": "live", "webhooks": [target], "sentry": None}))
    for bucket in ("backup", "elsewhere"):
        host.s3.refuses[bucket] = StoreError("refused", f"{bucket} refused with AccessDenied")
    ask(host, "backup", project="shop")
    (message,) = [json.loads(host.tell(path) or "") for path in host.files if path.startswith(paths.OUTBOX)]
    body = message["posts"][0]["body"]
    assert (body["event"], body["project"], body["phase"]) == ("backup-failed", "shop", "store")


def test_whoever_comes_second_is_told_who_is_at_it(host: FakeHost) -> None:
    host.held.add(paths.BACKUP_LOCK)
    host.put(
        paths.BACKUP_HOLDER, json.dumps({"verb": "restore", "by": "eve", "since": "2026-11-23T03:59:00Z"})
    )
    answer = ask(host, "backup", project="shop")
    assert answer["cause"] == "restore by eve has been running since 2026-11-23T03:59:00Z"
    assert not host.s3.versions_of


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"project": "shop", "all": True},
        {"project": "../shop"},
        {"all": True, "x": 1},
        {"project": "shop", "wait_s": -1},
    ],
)
def test_a_wrong_document_touches_nothing(host: FakeHost, document: dict[str, object]) -> None:
    assert ask(host, "backup", **document)["phase"] == "document"
    assert not host.s3.versions_of


def test_a_project_that_is_not_backed_up_is_said_as_such(host: FakeHost) -> None:
    assert "other is not backed up here" in ask(host, "backup", project="other")["cause"]


def test_what_is_older_than_the_retention_goes_after_a_good_backup_with_all_its_versions(
    host: FakeHost,
) -> None:
    first = made(host)["id"]
    host.time += 8 * 86_400
    answer = made(host)
    assert answer["pruned"] == [first]
    left = {found.key for found, _ in host.s3.versions_of["backup"]}
    assert left == {backups.dump_key("shop", answer["id"]), backups.document_key("shop", answer["id"])}
    second = {found.key for found, _ in host.s3.versions_of["elsewhere"]}
    assert backups.dump_key("shop", first) in second


def test_a_backup_that_fails_deletes_nothing(host: FakeHost) -> None:
    made(host)
    before = list(host.s3.versions_of["backup"])
    host.time += 30 * 86_400
    host.answers["podman container inspect --format {{.Image}} {{.ImageDigest}} postgres"] = Result(125)
    assert not ask(host, "backup", project="shop")["ok"]
    assert ask(host, "prune")["pruned"] == {}
    assert host.s3.versions_of["backup"] == before


def test_all_backups_are_listed_with_what_is_wrong(host: FakeHost) -> None:
    found = made(host)
    host.s3.put(HERE, "database/shop/20261101T000000Z-0000.json", b"{}")
    host.s3.refuses["elsewhere"] = StoreError("refused", "elsewhere refused with AccessDenied")
    (project,) = ask(host, "backups", project="shop")["projects"]
    here, second = project["stores"]
    assert [backup["id"] for backup in here["backups"]] == [found["id"]]
    assert list(here["wrong"]) == ["20261101T000000Z-0000"]
    assert second["problem"] == "elsewhere refused with AccessDenied"
    assert project["proven"] is None


def timer(host: FakeHost, state: str, last: str) -> None:
    words = (
        "systemctl show --timestamp=unix --property=Id,ActiveState,LastTriggerUSec codeb-backup-shop.timer"
    )
    host.answers[words] = Result(
        0, f"Id=codeb-backup-shop.timer\nLastTriggerUSec={last}\nActiveState={state}\n"
    )


def test_only_those_are_due_that_have_no_backup_since_their_timer_went_off(host: FakeHost) -> None:
    timer(host, "active", f"@{EPOCH - 60:.0f}")
    assert len(ask(host, "backup", due=True)["projects"]) == 1
    assert ask(host, "backup", due=True)["projects"] == []
    host.time += 86_400
    timer(host, "active", f"@{host.time - 60:.0f}")
    assert len(ask(host, "backup", due=True)["projects"]) == 1


def test_a_late_backup_is_told_once_for_each_time_it_was_due(host: FakeHost) -> None:
    target = {"kind": "slack", "url": "https://hooks.example.com/x"}
    host.put(paths.NOTIFY, json.dumps({"version": 1, "stack": "live", "webhooks": [target], "sentry": None}))
    shop = settings()["projects"][0] | {"buckets": []}
    late = shop | {"id": "late", "database": "no_such_db"}
    document = json.loads(host.tell(paths.BACKUP_SETTINGS) or "") | {"projects": [shop, late]}
    host.put(paths.BACKUP_SETTINGS, json.dumps(document))
    units = [f"codeb-backup-{name}.timer" for name in ("shop", "late")]
    blocks = [f"Id={unit}\nLastTriggerUSec=@{EPOCH - 9 * 3600:.0f}\nActiveState=active\n" for unit in units]
    words = ["systemctl", "show", "--timestamp=unix", "--property=Id,ActiveState,LastTriggerUSec", *units]
    host.answers[" ".join(words)] = Result(0, "\n".join(blocks))
    for _ in range(2):
        ask(host, "backup", project="shop")
    texts = [host.tell(path) or "" for path in host.files if path.startswith(paths.OUTBOX)]
    assert [text for text in texts if "backup is late" in text and "*late*" in text] == texts
    assert len(texts) == 1


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_a_run_that_ends_in_any_phase_leaves_no_backup_that_is_none(host: FakeHost, step: int) -> None:
    run: Any = backup(host.ports(), Reader({"project": "shop"}, ""), "admin")
    for _ in range(step):
        next(run)
    run.close()
    assert not host.held
    found = backups.listed(host.ports(), HERE, "shop")
    assert len(found.backups) == (1 if step == 4 else 0)
    assert not found.wrong
    host.time += 3 * 86_400
    good = made(host)
    found = backups.listed(host.ports(), HERE, "shop")
    assert found.backups[0].id == good["id"]
    assert not found.begun


def test_a_run_that_nobody_waits_for_ends_and_is_no_failure_of_the_backup(host: FakeHost) -> None:
    host.gone = "the session has ended"
    answer = ask(host, "backup", all=True)
    assert not answer["ok"]
    assert "nobody waits" in answer["summary"]
    assert read_backup_record(host.ports(), "shop").failed is None
    assert not backups.listed(host.ports(), HERE, "shop").backups


def test_a_store_that_was_away_gets_what_it_missed_with_the_next_run_of_any_project(
    host: FakeHost, cluster: Cluster
) -> None:
    shop = settings()["projects"][0] | {"buckets": []}
    blog = shop | {"id": "blog", "database": "no_such_db", "buckets": []}
    host.put(
        paths.BACKUP_SETTINGS,
        json.dumps(settings(port=int(cluster.config["port"]), projects=[shop, blog])),
    )
    host.s3.refuses["elsewhere"] = StoreError("unreachable", "elsewhere gave no answer in time")
    first = ask(host, "backup", project="shop")
    assert "caught_up" not in first
    del host.s3.refuses["elsewhere"]
    assert ask(host, "backup", project="blog")["caught_up"] == {"shop": ["second"]}
    (backup_there,) = backups.listed(host.ports(), SECOND, "shop").backups
    assert backup_there.id == first["projects"][0]["id"]
    record = read_backup_record(host.ports(), "shop")
    assert record.last
    assert (record.last.stores, record.failed) == (("here", "second"), None)
    assert "caught_up" not in ask(host, "backup", project="blog")


def test_a_damaged_backup_is_copied_nowhere(host: FakeHost) -> None:
    host.s3.refuses["elsewhere"] = StoreError("unreachable", "elsewhere gave no answer in time")
    found = made_here(host)
    del host.s3.refuses["elsewhere"]
    key = backups.dump_key("shop", found["id"])
    content = host.s3.content("backup", key)
    host.s3.put(HERE, key, content[:-1] + bytes([content[-1] ^ 1]))
    timer(host, "active", f"@{EPOCH - 60:.0f}")
    assert "caught_up" not in ask(host, "backup", due=True)
    assert not list(host.s3.objects(SECOND, ""))
    assert any("still not in second" in line for line in host.journal)


def made_here(host: FakeHost) -> dict[str, Any]:
    """A backup that the second store has missed."""
    (found,) = ask(host, "backup", project="shop")["projects"]
    assert found["stores"] == ["here"]
    return dict(found)


class TakesNoDocuments(FakeS3):
    """A store that goes away once it has a dump."""

    def put(self, place: Place, key: str, body: bytes) -> None:
        if key.endswith(".json") and "/shop/" in key:
            raise StoreError("unreachable", f"{place.where} refused the connection")
        super().put(place, key, body)


def test_a_store_that_goes_away_between_a_dump_and_its_document_fails_that_project_alone(
    host: FakeHost, cluster: Cluster
) -> None:
    sql(cluster, "postgres", "DROP DATABASE IF EXISTS moving_db;\nCREATE DATABASE moving_db;\n")
    shop = settings()["projects"][0] | {"buckets": []}
    projects = [shop, {**shop, "id": "moving", "database": "moving_db"}]
    host.put(paths.BACKUP_SETTINGS, json.dumps(settings(port=int(cluster.config["port"]), projects=projects)))
    host.s3 = TakesNoDocuments(host)
    answer = ask(host, "backup", all=True)
    assert [(each["project"], each["ok"]) for each in answer["projects"]] == [
        ("shop", False),
        ("moving", True),
    ]
    assert answer["projects"][0]["phase"] == "store"
    assert read_backup_record(host.ports(), "shop").failed


def test_a_backup_is_of_the_moment_at_which_its_snapshot_was_there(host: FakeHost) -> None:
    """What logs in takes a while on a busy server; a file that came meanwhile is named by rows of the snapshot."""
    assert isinstance(host.pipes, Programs)
    session = host.pipes.session

    @contextmanager
    def slow(argv: Sequence[str]) -> Iterator[Session]:
        with session(argv) as talk:
            yield Slow(host, talk)

    host.pipes.session = slow  # type: ignore[method-assign]
    found = made(host)
    assert found["at"] == f"{datetime.fromtimestamp(EPOCH, UTC) + timedelta(seconds=10):%Y-%m-%dT%H:%M:%SZ}"


class Slow:
    """A session whose first answer takes ten seconds."""

    def __init__(self, host: FakeHost, talk: Session) -> None:
        self._host, self._talk, self._first = host, talk, True

    def ask(self, text: str, until: str, timeout_s: float = 60) -> list[str]:
        answer = self._talk.ask(text, until, timeout_s)
        self._host.time += 10 * self._first
        self._first = False
        return answer
