"""What a restore brings back of database and uploads, by what it was asked for; what an undo takes back. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from agent.backup import aside
from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import Reader
from agent.host.s3 import StoreError
from agent.restore.document import Wanted, read_wanted
from agent.restore.files import below, goals, moment, parts
from agent.restore.undo import chosen
from agent.store.settings import Settings, Store, read_settings
from agent.store.source import Source, read_source, sources, unasked
from agent.uploads.undo import Note
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.store.sealing import HERE, SECOND, settings

BUCKETS = ("shop-files", "shop-letters")
KEYS = {"access_key": "reader", "secret_key": "hush"}


def wanted(**more: Any) -> Wanted:
    return read_wanted(Reader({"project": "shop", "backup": "newest", "buckets": "shop-", **more}, ""), "ann")


def having(database: str | None, *buckets: str) -> Settings:
    shop = settings()["projects"][0] | {"database": database, "buckets": list(buckets)}
    return read_settings(Reader(settings(projects=[shop]), ""))


@pytest.mark.parametrize(
    ("asked", "has", "comes"),
    [
        ({}, having("shop_db", *BUCKETS), (True, BUCKETS)),
        ({}, having("shop_db"), (True, ())),
        ({}, having(None, *BUCKETS), (False, BUCKETS)),
        ({"only": "database"}, having("shop_db", *BUCKETS), (True, ())),
        ({"table": "public.orders"}, having("shop_db", *BUCKETS), (True, ())),
        ({"only": "uploads"}, having("shop_db", *BUCKETS), (False, BUCKETS)),
        ({"objects": "files/a"}, having("shop_db", *BUCKETS), (False, BUCKETS)),
    ],
)
def test_both_come_back_unless_somebody_says_one(
    asked: dict[str, Any], has: Settings, comes: tuple[bool, tuple[str, ...]]
) -> None:
    assert parts(wanted(**asked), has) == comes


def test_uploads_of_a_project_that_has_none_are_refused() -> None:
    with pytest.raises(Failed, match="shop has no bucket"):
        parts(wanted(only="uploads"), having("shop_db"))
    with pytest.raises(Failed, match="shop has no bucket"):
        parts(wanted(objects="x"), read_settings(Reader(settings(projects=[]), "")))


@pytest.mark.parametrize(
    ("text", "buckets", "found"),
    [
        ("faces/", BUCKETS[:1], ("shop-files", "faces/")),
        ("files/a", BUCKETS[:1], ("shop-files", "files/a")),
        ("shop-files/a", BUCKETS[:1], ("shop-files", "a")),
        ("shop-files", BUCKETS[:1], ("shop-files", "")),
        ("files/a/b", BUCKETS, ("shop-files", "a/b")),
        ("shop-letters/", BUCKETS, ("shop-letters", "")),
        ("letters/\n../ü", BUCKETS, ("shop-letters", "\n../ü")),
        ("/files/a", BUCKETS[:1], ("shop-files", "/files/a")),
    ],
)
def test_a_beginning_of_keys_names_its_bucket_where_there_are_several(
    text: str, buckets: tuple[str, ...], found: tuple[str, str]
) -> None:
    assert below(text, "shop-", buckets) == found


@pytest.mark.parametrize("text", ["faces/", "files", "/files/a", "hop-files/a"])
def test_of_several_buckets_one_has_to_be_meant(text: str) -> None:
    with pytest.raises(Failed, match="there are several buckets: files, letters"):
        below(text, "shop-", BUCKETS)


def test_what_came_since_is_removed_when_the_database_comes_back_too_or_when_somebody_says_so() -> None:
    assert [goal.exact for goal in goals(wanted(), BUCKETS, "now", both=True)] == [True, True]
    assert [goal.exact for goal in goals(wanted(objects="files/a"), BUCKETS, "now", both=False)] == [False]
    (goal,) = goals(wanted(objects="files/a", exact=True), BUCKETS, "now", both=False)
    assert (goal.exact, goal.bucket, goal.prefix) == (True, "shop-files", "a")
    assert [goal.exact for goal in goals(wanted(exact=False), BUCKETS, "now", both=True)] == [False, False]


def test_a_copy_goes_into_the_buckets_of_the_same_names() -> None:
    into = {"project": "lab-app", "database": "lab_db", "buckets": "lab-"}
    found = goals(wanted(into=into), BUCKETS, "now", both=True)
    assert [(goal.target, goal.whose) for goal in found] == [
        ("lab-files", "lab-app"),
        ("lab-letters", "lab-app"),
    ]
    with pytest.raises(Failed, match="which bucket becomes a copy of shop-files"):
        goals(wanted(into={"project": "lab", "database": "lab_db"}), BUCKETS, "now", both=True)


def test_uploads_are_as_of_the_moment_or_of_when_the_database_was_dumped_or_the_newest() -> None:
    at = datetime(2026, 11, 23, 3, tzinfo=UTC)
    named = read_wanted(Reader({"project": "shop", "at": "2026-11-23T03:00:00Z"}, ""), "ann")
    assert moment(named, None) == at
    assert moment(wanted(), at) == datetime(2026, 11, 23, 3, 0, 1, tzinfo=UTC)
    assert moment(wanted(), None) is None
    by_id = wanted(backup="20261123T030000Z-00aa")
    assert moment(by_id, None) == datetime(2026, 11, 23, 3, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "more",
    [
        {"only": "redis"},
        {"objects": ""},
        {"objects": "a\0b"},
        {"objects": "a", "only": "database"},
        {"objects": "a", "table": "public.orders"},
        {"only": "uploads", "as_admin": True},
        {"only": "uploads", "scrub": "SELECT 1", "into": {"project": "lab", "database": "lab_db"}},
        {"only": "database", "exact": True},
        {"exact": "yes"},
        {"buckets": "../"},
        {"into": {"project": "lab", "database": "lab_db", "buckets": "lab"}},
        {"keys": KEYS},
        {"from": "second", "keys": {"access_key": "a\nb", "secret_key": "c"}},
        {"from": "second", "keys": {**KEYS, "more": ""}},
        {"from": "second", "keys": {**KEYS, "access_key": ""}},
        {"from": "../second"},
    ],
)
def test_what_does_not_go_together_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(BadDocument) as caught:
        wanted(**more)
    assert "hush" not in str(caught.value)


def test_keys_that_come_along_are_used_and_shown_nowhere() -> None:
    found = wanted(**{"from": "second", "keys": KEYS})
    assert "hush" not in repr(found)
    host = FakeHost()
    _, read = sources(host.ports(), having("shop_db"), found.source)
    (store,) = read.stores
    assert (store.name, store.place.access_key, store.place.secret_key) == ("second", "reader", "hush")
    assert store.place.endpoint == SECOND.endpoint
    assert "hush" not in repr(read)


def test_a_store_alone_is_read_by_the_keys_of_the_host_where_none_come_along() -> None:
    source = read_source(Reader({"from": "here"}, ""))
    _, read = sources(FakeHost().ports(), having("shop_db"), source)
    assert read.stores == (Store("here", HERE),)
    _, read = sources(FakeHost().ports(), having("shop_db"), Source())
    assert [store.name for store in read.stores] == ["here", "second"]


def test_a_store_that_the_stack_does_not_have_is_named() -> None:
    with pytest.raises(Failed, match="there is no store third: this stack has here, second"):
        sources(FakeHost().ports(), having("shop_db"), Source("third"))


def test_a_store_that_lets_nobody_read_is_said_with_what_to_do() -> None:
    refused = StoreError("refused", "elsewhere refused with AccessDenied", "AccessDenied")
    assert unasked(Store("second", SECOND), refused) == (
        "second lets nobody read by these keys (elsewhere refused with AccessDenied): "
        "`--from second --keys FILE` reads it by yours"
    )
    away = StoreError("unreachable", "elsewhere gave no answer")
    assert unasked(Store("second", SECOND), away) == "second can't be asked: elsewhere gave no answer"


def of_bucket(bucket: str, at: str, *, both: bool, state: str = "done") -> Note:
    return Note("id", "shop", bucket, "a restore", "ann", at, "2027-01-01T00:00:00Z", both, state)


def of_database(at: str) -> aside.Note:
    return aside.Note("before", "a restore", "ann", at, "2027-01-01T00:00:00Z")


EARLY, LATE = "2026-11-23T03:00:00Z", "2026-11-23T04:00:00Z"


@pytest.mark.parametrize(
    ("database", "buckets", "found"),
    [
        (None, [of_bucket("a", EARLY, both=False)], (False, ["a"])),
        (of_database(EARLY), [], (True, [])),
        (
            of_database(LATE),
            [of_bucket("a", EARLY, both=True), of_bucket("b", EARLY, both=True)],
            (True, ["a", "b"]),
        ),
        (of_database(LATE), [of_bucket("a", EARLY, both=False)], (True, [])),
        (of_database(EARLY), [of_bucket("a", LATE, both=False)], (False, ["a"])),
        (of_database(EARLY), [of_bucket("a", LATE, both=True)], (False, ["a"])),
        (
            of_database(LATE),
            [of_bucket("a", LATE, both=True), of_bucket("b", EARLY, both=True)],
            (True, ["a"]),
        ),
        (
            of_database(LATE),
            [of_bucket("a", LATE, both=True), of_bucket("b", EARLY, both=True, state="begun")],
            (True, ["a", "b"]),
        ),
        (None, [], (False, [])),
    ],
)
def test_what_the_last_restore_changed_is_taken_back_and_nothing_of_an_earlier_one(
    database: aside.Note | None, buckets: list[Note], found: tuple[bool, list[str]]
) -> None:
    last = chosen(database, buckets)
    assert (last.database is not None, [note.bucket for note in last.buckets]) == found
