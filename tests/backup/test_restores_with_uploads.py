"""The verbs `restore` and `restore-undo` for a project with both: a real PostgreSQL, the real age, buckets in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.documents.errors import Failed
from agent.host import paths
from agent.host.pipes import Session
from agent.host.ports import Result
from agent.host.s3 import Features, Place
from agent.restore import files
from tests.backup.databases import sql
from tests.backup.restoring import ROOM, ask, backed_up, databases, fresh, server
from tests.postgres import Cluster
from tests.unit.agent.fakes.host import FakeHost, Killed
from tests.unit.agent.fakes.store import FakeS3
from tests.unit.agent.store.sealing import HERE, Programs, needs_age, settings

pytestmark = needs_age
COUNT = "SELECT count(*) FROM public.sales;\n"
FILES = replace(HERE, bucket="till-files")
LETTERS = replace(HERE, bucket="till-letters")
BUCKETS = {"buckets": "till-"}
WHOLE = {"project": "till", "backup": "newest", **BUCKETS}


class Mortal(FakeS3):
    """A store that the agent is killed at, after so many effects."""

    left = 1 << 30

    def put(self, place: Place, key: str, body: bytes) -> None:
        self._step()
        super().put(place, key, body)

    def delete(self, place: Place, key: str, version: str = "") -> None:
        self._step()
        super().delete(place, key, version)

    def _step(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed


@pytest.fixture
def host(tmp_path: Path, cluster: Cluster) -> FakeHost:
    """One project with two buckets; what changed since its backup: rows deleted, files deleted, overwritten, and new."""
    fresh(cluster)
    found = server(tmp_path, cluster)
    found.s3 = Mortal(found)
    shop = settings()["projects"][0]
    till = {**shop, "id": "till", "database": "till_db", "buckets": ["till-files", "till-letters"]}
    lab = {**shop, "id": "lab", "database": "lab_db", "buckets": ["lab-files", "lab-letters"]}
    known = json.loads(found.files[paths.BACKUP_SETTINGS].content)
    found.put(paths.BACKUP_SETTINGS, json.dumps({**known, "projects": [till, lab]}), 0o600)
    for key in ("gone", "changed", "stays"):
        found.s3.put(FILES, key, b"first " + key.encode())
    found.s3.put(LETTERS, "1", b"first letter")
    found.time += 60
    backed_up(found)
    found.time += 60
    sql(cluster, "till_db", "DELETE FROM public.sales WHERE id > 10;\n")
    found.s3.delete(FILES, "gone")
    found.s3.put(FILES, "changed", b"second")
    found.s3.put(FILES, "new", b"since")
    found.s3.put(LETTERS, "1", b"second letter")
    found.time += 60
    return found


THEN = (
    "1000\n",
    {"gone": b"first gone", "changed": b"first changed", "stays": b"first stays", "1": b"first letter"},
)
SINCE = ("10\n", {"changed": b"second", "stays": b"first stays", "new": b"since", "1": b"second letter"})


def state(host: FakeHost, cluster: Cluster) -> tuple[str, dict[str, bytes]]:
    """Rows of the live database, and what is in both buckets."""
    found = {
        each.key: host.s3.content(place.bucket, each.key)
        for place in (FILES, LETTERS)
        for each in host.s3.objects(place, "")
    }
    return sql(cluster, "till_db", COUNT), found


def test_database_and_uploads_come_back_together_and_are_taken_back_together(
    host: FakeHost, cluster: Cluster
) -> None:
    assert state(host, cluster) == SINCE
    answer = ask(host, "restore", **WHOLE)
    assert answer["ok"], answer
    phases = [each["phase"] for each in answer["told"]]
    assert phases.index("check") < phases.index("uploads") < phases.index("swap")
    assert state(host, cluster) == THEN
    found = {each["bucket"]: each for each in answer["uploads"]}
    one = found["till-files"]
    assert (one["missing"], one["differ"], one["extra"], one["same"], one["written"], one["removed"]) == (
        1,
        1,
        1,
        1,
        2,
        1,
    )
    assert found["till-letters"]["written"] == 1
    assert one["kept_until"] == answer["kept_until"] == "2026-11-30T04:03:00Z"
    undone = ask(host, "restore-undo", project="till")
    assert (undone["ok"], undone["changed"]) == (True, True), undone
    assert [(each["bucket"], each["back"], each["removed"]) for each in undone["uploads"]] == [
        ("till-files", 2, 1), ("till-letters", 1, 0)]  # fmt: skip
    assert state(host, cluster) == SINCE
    again = ask(host, "restore-undo", project="till")
    assert (again["ok"], again["changed"], "uploads" in again) == (True, False, False)
    assert state(host, cluster) == SINCE


def test_a_dry_run_says_how_many_would_be_removed_and_changes_nothing(
    host: FakeHost, cluster: Cluster
) -> None:
    versions = list(host.s3.versions_of["till-files"])
    answer = ask(host, "restore", **WHOLE, dry_run=True)
    assert answer["ok"], answer
    one = answer["uploads"][0]
    assert (one["missing"], one["differ"], one["extra"], one["size"]) == (
        1,
        1,
        1,
        len(b"first gone" + b"first changed"),
    )
    assert state(host, cluster) == SINCE
    assert host.s3.versions_of["till-files"] == versions
    assert not list(host.s3.versions(HERE, "undo/"))


@pytest.mark.parametrize(
    ("only", "then"), [("database", (THEN[0], SINCE[1])), ("uploads", (SINCE[0], THEN[1]))]
)
def test_one_part_alone_comes_back_and_is_taken_back(
    host: FakeHost, cluster: Cluster, only: str, then: tuple[str, dict[str, bytes]]
) -> None:
    exact = {} if only == "database" else {"exact": True}
    assert ask(host, "restore", **WHOLE, only=only, **exact)["ok"]
    assert state(host, cluster) == then
    assert ask(host, "restore-undo", project="till")["ok"]
    assert state(host, cluster) == SINCE


def test_files_below_a_prefix_come_back_and_what_came_since_stays(host: FakeHost, cluster: Cluster) -> None:
    refused = ask(host, "restore", **WHOLE, objects="g")
    assert "there are several buckets: files, letters" in refused["cause"]
    answer = ask(host, "restore", **WHOLE, objects="files/g")
    assert answer["ok"], answer
    assert answer["what"] == "files/g as of what was saved last"
    assert state(host, cluster) == (SINCE[0], {**SINCE[1], "gone": b"first gone"})
    (line,) = (host.tell(paths.AUDIT) or "").splitlines()
    assert json.loads(line)["what"] == "restore of files/g as of what was saved last"


def test_another_project_gets_a_copy_of_both(host: FakeHost, cluster: Cluster) -> None:
    host.s3.put(replace(HERE, bucket="lab-files"), "own", b"of the lab")
    into = {"project": "lab", "database": "lab_db", "buckets": "lab-"}
    answer = ask(host, "restore", **WHOLE, into=into)
    assert answer["ok"], answer
    assert sql(cluster, "lab_db", COUNT) == THEN[0]
    copied = {each.key for each in host.s3.objects(replace(HERE, bucket="lab-files"), "")}
    assert copied == {"gone", "changed", "stays"}
    assert state(host, cluster) == SINCE
    assert ask(host, "restore-undo", project="lab")["ok"]
    assert [each.key for each in host.s3.objects(replace(HERE, bucket="lab-files"), "")] == ["own"]


def test_a_copy_into_a_project_that_has_buckets_alone_is_taken_back_as_any_other(
    host: FakeHost, cluster: Cluster
) -> None:
    files = replace(HERE, bucket="lab-files")
    host.s3.put(files, "own", b"of the lab")
    known = json.loads(host.files[paths.BACKUP_SETTINGS].content)
    left = [each for each in known["projects"] if each["id"] != "lab"]
    host.put(paths.BACKUP_SETTINGS, json.dumps({**known, "projects": left}), 0o600)
    sql(cluster, "postgres", "DROP DATABASE lab_db;\n")
    into = {"project": "lab", "database": "lab_db", "buckets": "lab-"}
    assert ask(host, "restore", **WHOLE, into=into, only="uploads", exact=True)["ok"]
    assert {each.key for each in host.s3.objects(files, "")} == {"gone", "changed", "stays"}
    answer = ask(host, "restore-undo", project="lab", database="lab_db")
    assert answer["ok"], answer
    assert [each.key for each in host.s3.objects(files, "")] == ["own"]


def test_a_copy_into_buckets_without_versions_is_refused_before_anything_changes(
    host: FakeHost, cluster: Cluster
) -> None:
    host.s3.put(replace(HERE, bucket="lab-files"), "own", b"of the lab")
    host.s3.features_of["lab-files"] = Features(versions=False, locks=False, deletes=False)
    into = {"project": "lab", "database": "lab_db", "buckets": "lab-"}
    answer = ask(host, "restore", **WHOLE, into=into)
    assert "lab-files keeps no versions" in answer["cause"]
    assert databases(cluster) == {"till_db", "lab_db"}
    assert sql(cluster, "lab_db", "SELECT count(*) FROM public.own;\n") == "0\n"


def test_damaged_files_leave_the_database_as_it_was_and_the_database_alone_can_be_had(
    host: FakeHost, cluster: Cluster
) -> None:
    for place in (HERE, replace(HERE, bucket="elsewhere")):
        for content in list(host.s3.objects(place, "uploads/till/till-letters/objects/")):
            host.s3.versions_of[place.bucket] = [
                (found, b"damaged" if found.key == content.key else body)
                for found, body in host.s3.versions_of[place.bucket]
            ]
    host.s3.versions_of["till-letters"] = []
    answer = ask(host, "restore", **WHOLE)
    assert (answer["phase"], answer["ok"]) == ("uploads", False)
    assert "1 of 1 objects are damaged wherever they are" in answer["cause"]
    assert "older version" in answer["put_back"] or "version of before" in answer["put_back"]
    assert sql(cluster, "till_db", COUNT) == SINCE[0]
    assert databases(cluster) == {"till_db", "lab_db"}
    assert ask(host, "restore", **WHOLE, only="database")["ok"]
    assert sql(cluster, "till_db", COUNT) == THEN[0]


def test_a_bucket_that_was_never_saved_stays_as_it_is_and_that_is_said(
    host: FakeHost, cluster: Cluster
) -> None:
    for place in (HERE, replace(HERE, bucket="elsewhere")):
        host.s3.versions_of[place.bucket] = [
            each for each in host.s3.versions_of[place.bucket] if "/till-letters/" not in each[0].key
        ]
    answer = ask(host, "restore", **WHOLE)
    assert answer["ok"], answer
    assert answer["warnings"][0].startswith("no list says what was in till-letters at 2026-11-23")
    assert state(host, cluster)[1]["1"] == b"second letter"


def test_uploads_of_a_moment_that_is_still_to_come_are_refused(host: FakeHost, cluster: Cluster) -> None:
    answer = ask(host, "restore", project="till", at="2026-11-24T04:00:00Z", only="uploads", **BUCKETS)
    assert answer["cause"] == "2026-11-24 04:00:00 UTC is not past yet: it is 2026-11-23 04:03:00"
    assert ask(host, "restore", project="till", at="2026-11-23T04:01:30Z", only="uploads", **BUCKETS)["ok"]
    assert state(host, cluster) == (SINCE[0], {**SINCE[1], **THEN[1]})


def test_a_disk_without_room_for_files_is_said_first(host: FakeHost, cluster: Cluster) -> None:
    host.answers[ROOM] = Result(0, "     Avail\n1000000\n")
    answer = ask(host, "restore", **WHOLE, only="uploads")
    assert answer["phase"] == "room"
    assert state(host, cluster) == SINCE


@pytest.mark.slow
def test_killed_at_every_effect_on_stores_both_are_whole_after_another_run_and_an_undo(
    host: FakeHost, cluster: Cluster
) -> None:
    store = host.s3
    assert isinstance(store, Mortal)
    kept = {bucket: list(versions) for bucket, versions in store.versions_of.items()}
    step = 0
    while True:
        store.versions_of = {bucket: list(versions) for bucket, versions in kept.items()}
        store.left = step
        try:
            killed = not ask(host, "restore", **WHOLE, replace=True)["ok"]
        except Killed:
            killed = True
        store.left = 1 << 30
        rows, there = state(host, cluster)
        assert rows in (THEN[0], SINCE[0]), step
        assert rows == SINCE[0] or set(THEN[1]) <= set(there), "no row names a file that isn't there"
        host.time += 1
        again = ask(host, "restore", **WHOLE, replace=True)
        assert again["ok"], again
        assert state(host, cluster) == THEN, step
        undone = ask(host, "restore-undo", project="till")
        assert undone["ok"], undone
        assert state(host, cluster)[1] == SINCE[1], step
        sql(cluster, "till_db", "DELETE FROM public.sales WHERE id > 10;\n")
        if not killed:
            break
        step += 1
    assert step > 9, "there were that many places"


class Fatal:
    """Pipes that the agent is killed at when it begins to talk to PostgreSQL for the swap."""

    def __init__(self, pipes: Programs) -> None:
        self._pipes = pipes
        self.flow = pipes.flow

    @contextmanager
    def session(self, argv: Sequence[str]) -> Iterator[Session]:
        if any("restore-swap" in word for word in argv):
            raise Killed
        inner: AbstractContextManager[Session] = self._pipes.session(argv)
        with inner as talk:
            yield talk


def test_killed_between_files_and_rows_an_undo_takes_the_files_back_alone(
    host: FakeHost, cluster: Cluster
) -> None:
    pipes = host.pipes
    assert isinstance(pipes, Programs)
    host.pipes = Fatal(pipes)
    with pytest.raises(Killed):
        ask(host, "restore", **WHOLE)
    host.pipes = pipes
    rows, there = state(host, cluster)
    assert rows == SINCE[0]
    assert {**THEN[1], "new": b"since"} == there, "what is too many goes after the rows that name it"
    undone = ask(host, "restore-undo", project="till")
    assert undone["ok"], undone
    assert state(host, cluster) == SINCE


def test_when_what_came_since_can_not_be_removed_the_restore_is_done_and_that_is_said(
    host: FakeHost, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: object) -> None:
        raise Failed("uploads", "till-files gave no answer in time", "run again")

    monkeypatch.setattr(files, "removed", refused)
    answer = ask(host, "restore", **WHOLE)
    assert answer["ok"], answer
    assert any("is not all removed: till-files gave no answer in time" in each for each in answer["warnings"])
    assert sql(cluster, "till_db", COUNT) == THEN[0]


def test_a_second_place_is_read_by_keys_that_come_along_and_are_written_nowhere(
    host: FakeHost, cluster: Cluster
) -> None:
    """All that was here is lost; the second place lets the host's own keys only put."""
    keys = {"access_key": "reader", "secret_key": "hush hush"}
    store = host.s3
    store.versions_of["backup"] = []
    store.put_only.add("elsewhere")
    refused = ask(host, "restore", **WHOLE)
    assert "second lets nobody read by these keys" in refused["cause"]
    assert "`--from second --keys FILE` reads it by yours" in refused["cause"]
    get = store.get

    def allowed(place: Place, key: str, version: str = "") -> Any:
        if place.bucket == "elsewhere" and place.secret_key == "hush hush":
            store.put_only.discard("elsewhere")
            try:
                yield from get(place, key, version)
            finally:
                store.put_only.add("elsewhere")
            return
        yield from get(place, key, version)

    store.get = allowed  # type: ignore[method-assign]
    for found in list(store.objects(replace(HERE, bucket="elsewhere"), "")):
        store.put(replace(HERE, bucket="elsewhere"), found.key, b"of a thief")
    listed = ask(host, "backups", project="till", **{"from": "second", "keys": keys})
    assert [each["store"] for each in listed["projects"][0]["stores"]] == ["second"]
    assert len(listed["projects"][0]["stores"][0]["backups"]) == 1
    answer = ask(host, "restore", **WHOLE, **{"from": "second", "keys": keys})
    assert answer["ok"], answer
    assert state(host, cluster) == THEN
    shown = str([answer, host.journal, host.calls, [each.content for each in host.files.values()]])
    assert "hush hush" not in shown
    assert "hush hush" not in str([body for kept in store.versions_of.values() for _, body in kept])
