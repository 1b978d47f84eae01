"""`copy-objects` on stores in memory: what comes to the other side, what stays as it is, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import replace
from typing import Any

import pytest

from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import Reader
from agent.host import paths
from agent.host.s3 import Place, StoreError
from agent.moving import bucket_notes
from agent.moving.bucket_notes import begun_before
from agent.moving.buckets import load_buckets
from agent.moving.objects import copy_objects, read_wanted
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.store.sealing import HERE, settings

FILES = replace(HERE, bucket="shop-files")
THERE = Place("https://ewr1.vultrobjects.com", "us-east-1", "3fa9c1-shop-files", "AKEXAMPLE", "SKEXAMPLE")
SHOP: dict[str, Any] = {
    "id": "shop",
    "managed": False,
    "user": "shop",
    "user_key": "SECRETOFTHEAPP",
    "endpoint": THERE.endpoint,
    "region": THERE.region,
    "access_key": THERE.access_key,
    "secret_key": THERE.secret_key,
    "buckets": [{"here": "shop-files", "managed": "3fa9c1-shop-files"}],
}
HOSTILE = 'faces/ü "x"\n\\ #?%2F.png'


@pytest.fixture
def host() -> FakeHost:
    found = FakeHost()
    found.put(paths.BACKUP_SETTINGS, json.dumps(settings()), 0o600)
    serves(found, "here")
    for bucket in ("shop-files", "3fa9c1-shop-files"):
        found.s3.versions_of[bucket] = []
    return found


def serves(host: FakeHost, side: str) -> None:
    document = {"version": 1, "projects": [{**SHOP, "managed": side == "managed"}]}
    host.put(paths.OBJECTS_SETTINGS, json.dumps(document), 0o600)
    host.s3.barred = {"shop"} if side == "managed" else set()


def put(host: FakeHost, place: Place, key: str, body: bytes, **headers: str) -> None:
    host.time += 1
    host.s3.upload(place, key, [body], 0, {name.replace("_", "-"): value for name, value in headers.items()})


def content(host: FakeHost, place: Place) -> dict[str, bytes]:
    return {each.key: b"".join(host.s3.get(place, each.key)) for each in host.s3.objects(place, "")}


def copied(host: FakeHost, to: str = "managed", **more: Any) -> dict[str, Any]:
    document = {"version": 1, "project": "shop", "to": to, **more}
    host.time += 600  # clocks that differ a little are no reason
    run: Generator[Any, None, dict[str, Any]] = copy_objects(host.ports(), Reader(document, ""), "ann")  # type: ignore[assignment]
    while True:
        try:
            next(run)
        except StopIteration as end:
            (bucket,) = end.value["buckets"]
            return {**end.value, **bucket}


def test_every_object_comes_with_what_http_says_of_it(host: FakeHost) -> None:
    put(host, FILES, HOSTILE, b"face", content_type="image/png", **{"x-amz-meta-owner": "ann"})
    put(host, FILES, "empty", b"")
    answer = copied(host)
    assert (answer["ok"], answer["copied"], answer["size"], answer["changed"]) == (True, 2, 4, True)
    assert content(host, THERE) == content(host, FILES) == {HOSTILE: b"face", "empty": b""}
    head = host.s3.head(THERE, HOSTILE)
    assert head is not None
    assert head.headers == {"content-type": "image/png", "x-amz-meta-owner": "ann"}
    assert b'"copy-objects"' in (host.ports().files.read(paths.AUDIT) or b"")


def test_another_run_copies_what_is_new_or_other_only(host: FakeHost) -> None:
    put(host, FILES, "a", b"one")
    put(host, FILES, "b", b"two")
    copied(host)
    put(host, FILES, "b", b"three")
    put(host, FILES, "c", b"four")
    answer = copied(host)
    assert (answer["copied"], answer["same"], answer["objects"]) == (2, 1, 3)
    assert content(host, THERE) == content(host, FILES)
    again = copied(host)
    assert (again["copied"], again["same"], again["changed"]) == (0, 3, False)


def test_browsers_may_upload_there_as_they_may_here(host: FakeHost) -> None:
    assert copied(host, dry_run=True)["browsers"] is True
    assert host.s3.admitted == set()
    assert copied(host)["browsers"] is True
    assert host.s3.admitted == {THERE.bucket}
    host.s3.without_cors.add(THERE.bucket)
    answer = copied(host)
    assert (answer["ok"], answer["browsers"]) == (True, False)


def test_a_dry_run_writes_nothing(host: FakeHost) -> None:
    put(host, FILES, "a", b"one")
    answer = copied(host, dry_run=True)
    assert (answer["copied"], answer["size"], answer["changed"]) == (1, 3, False)
    assert content(host, THERE) == {}
    assert begun_before(host.ports(), "shop", "managed", THERE) is None


def test_once_the_app_is_there_nothing_that_it_did_is_undone(host: FakeHost) -> None:
    for key in ("kept", "deleted", "overwritten"):
        put(host, FILES, key, b"old")
    copied(host)
    put(host, FILES, "late", b"written before the switch")
    put(host, FILES, "kept", b"changed before the switch")
    serves(host, "managed")
    put(host, THERE, "overwritten", b"by the app")
    put(host, THERE, "new", b"by the app")
    host.s3.delete(THERE, "deleted")
    answer = copied(host)
    assert (answer["copied"], answer["newer"], answer["gone"], answer["extra"]) == (2, 1, 1, 1)
    assert content(host, THERE) == {
        "kept": b"changed before the switch",
        "late": b"written before the switch",
        "overwritten": b"by the app",
        "new": b"by the app",
    }


def test_exact_takes_away_what_the_source_does_not_have_and_only_where_nobody_is(host: FakeHost) -> None:
    put(host, FILES, "a", b"one")
    copied(host)
    host.s3.delete(FILES, "a")
    put(host, FILES, "b", b"two")
    assert copied(host)["extra"] == 1
    answer = copied(host, exact=True)
    assert (answer["removed"], answer["extra"]) == (1, 1)
    assert content(host, THERE) == {"b": b"two"}
    serves(host, "managed")
    put(host, THERE, "new", b"by the app")
    with pytest.raises(Failed, match="what it has written"):
        copied(host, exact=True)
    assert "new" in content(host, THERE)


def test_what_was_left_goes_once_the_app_is_at_the_other_side(host: FakeHost) -> None:
    put(host, FILES, "a", b"one")
    copied(host)
    with pytest.raises(Failed, match="would be emptied"):
        copied(host, forget=True)
    serves(host, "managed")
    put(host, FILES, "late", b"two")
    assert copied(host, forget=True, dry_run=True)["forgotten"] == 0
    answer = copied(host, forget=True)
    assert (answer["copied"], answer["forgotten"], answer["changed"]) == (1, 2, True)
    assert (content(host, FILES), content(host, THERE)) == ({}, {"a": b"one", "late": b"two"})
    with pytest.raises(Failed, match="would be emptied"):
        copied(host, "here", forget=True)


def test_while_an_update_has_not_ended_both_sides_may_have_what_is_new(host: FakeHost) -> None:
    """The data server was told that the app is at Vultr, and its release failed: it has its user here still."""
    put(host, FILES, "a", b"one")
    put(host, FILES, "b", b"two")
    copied(host)
    serves(host, "managed")
    host.s3.barred.clear()
    put(host, FILES, "a", b"written here")
    put(host, THERE, "b", b"written there")
    for to in ("here", "managed"):
        for words in ({"exact": True}, {"forget": True}):
            with pytest.raises(Failed, match="has not come to its end"):
                copied(host, to, **words)
    back = copied(host, "here")
    assert (back["settled"], back["copied"], back["newer"]) == (False, 1, 1)
    assert content(host, FILES) == {"a": b"written here", "b": b"written there"}
    assert bucket_notes.copied(host.ports()) == {"shop": "here"}
    assert copied(host)["copied"] == 1
    assert content(host, FILES) == content(host, THERE)


def test_what_is_newer_there_is_not_overwritten_unless_it_is_to_be_the_same(host: FakeHost) -> None:
    put(host, FILES, "a", b"one")
    host.time += 3600
    put(host, THERE, "a", b"two")
    assert copied(host)["newer"] == 1
    assert content(host, THERE) == {"a": b"two"}
    assert copied(host, exact=True)["copied"] == 1
    assert content(host, THERE) == {"a": b"one"}


def test_all_comes_back(host: FakeHost) -> None:
    put(host, FILES, "a", b"one")
    put(host, FILES, "b", b"two")
    copied(host)
    serves(host, "managed")
    put(host, THERE, "c", b"three")
    host.s3.delete(THERE, "a")
    answer = copied(host, "here", exact=True)
    assert (answer["copied"], answer["removed"]) == (1, 1)
    assert content(host, FILES) == content(host, THERE) == {"b": b"two", "c": b"three"}


def test_another_subscription_has_nothing_of_what_was_copied_before(host: FakeHost) -> None:
    put(host, FILES, "a", b"one")
    copied(host)
    other = replace(THERE, access_key="AKOTHER")
    assert begun_before(host.ports(), "shop", "managed", THERE) is not None
    assert begun_before(host.ports(), "shop", "managed", other) is None


def test_contents_are_compared_where_etags_tell_nothing(host: FakeHost) -> None:
    """Of objects that were written in parts."""
    put(host, FILES, "a", b"one")
    put(host, THERE, "a", b"two")
    for bucket in ("shop-files", "3fa9c1-shop-files"):
        found, body = host.s3.versions_of[bucket][-1]
        host.s3.versions_of[bucket][-1] = (replace(found, etag=f"{found.etag[:8]}-2"), body)
    assert copied(host)["copied"] == 1
    assert content(host, THERE) == {"a": b"one"}


def test_a_store_that_gives_back_something_else_is_an_error(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(host, FILES, "a", b"one")
    real = host.s3.get

    def get(place: Place, key: str, version: str = "") -> Generator[bytes, None, None]:
        if place.bucket == THERE.bucket:
            yield b"another"
            return
        yield from real(place, key, version)

    monkeypatch.setattr(host.s3, "get", get)
    with pytest.raises(Failed, match="gives back another content"):
        copied(host)
    assert begun_before(host.ports(), "shop", "managed", THERE) is None


def test_an_object_that_goes_meanwhile_is_left_out(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    put(host, FILES, "a", b"one")
    put(host, FILES, "b", b"two")
    real = host.s3.head
    monkeypatch.setattr(
        host.s3, "head", lambda place, key, version="": None if key == "a" else real(place, key)
    )
    answer = copied(host)
    assert (answer["objects"], answer["copied"]) == (1, 1)


def test_a_store_that_refuses_says_so_and_no_key(host: FakeHost) -> None:
    host.s3.refuses[THERE.bucket] = StoreError("refused", f"{THERE.where} refused with AccessDenied")
    with pytest.raises(Failed, match="refused with AccessDenied") as refused:
        copied(host)
    assert "SKEXAMPLE" not in refused.value.failure.text()


def test_nobody_waits_any_more(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    put(host, FILES, "a", b"one")
    ports = host.ports()
    monkeypatch.setattr(type(ports.asker), "gone", lambda _: True)
    with pytest.raises(Failed, match="nobody waits"):
        copied(host)
    assert content(host, THERE) == {}


def test_a_project_without_buckets_there_is_told_what_to_do(host: FakeHost) -> None:
    with pytest.raises(Failed, match="blog has no buckets") as refused:
        load_buckets(host.ports(), "blog")
    assert "codeb:managed.objects.prepared" in refused.value.failure.text()
    host.files.pop(paths.OBJECTS_SETTINGS)
    with pytest.raises(Failed, match="has no buckets"):
        load_buckets(host.ports(), "shop")


@pytest.mark.parametrize(
    "changes",
    [
        {"endpoint": "https://evil.example/x?y"},
        {"endpoint": "file:///etc"},
        {"region": "a b"},
        {"access_key": 7},
        {"buckets": [{"here": "../x", "managed": "3fa9c1-shop-files"}]},
        {"buckets": [{"here": "shop-files", "managed": "a\nb"}]},
        {"buckets": [{"here": "shop-files", "managed": "shop", "more": 1}]},
        {"id": "shop; reboot"},
        {"managed": "yes"},
        {"user_key": 7},
        {"buckets": []},
    ],
)
def test_settings_that_are_none_are_refused_without_a_secret(host: FakeHost, changes: dict[str, Any]) -> None:
    host.put(paths.OBJECTS_SETTINGS, json.dumps({"version": 1, "projects": [{**SHOP, **changes}]}), 0o600)
    with pytest.raises(Failed, match="can't be read") as refused:
        load_buckets(host.ports(), "shop")
    assert not [key for key in ("SKEXAMPLE", "SECRETOFTHEAPP") if key in refused.value.failure.text()]


@pytest.mark.parametrize(
    "document",
    [
        {"project": "shop; reboot", "to": "here"},
        {"project": "shop", "to": "elsewhere"},
        {"project": "shop"},
        {"project": "shop", "to": "here", "exact": "yes"},
        {"project": "shop", "to": "here", "more": 1},
    ],
)
def test_what_is_no_wish_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(BadDocument):
        read_wanted(Reader({"version": 1, **document}, ""), "ann")


def test_a_note_that_is_damaged_is_said(host: FakeHost) -> None:
    host.put(f"{paths.OBJECT_COPIES}/shop.json", "{", 0o600)
    with pytest.raises(Failed, match="can't be read") as refused:
        begun_before(host.ports(), "shop", "managed", THERE)
    assert "delete it" in refused.value.failure.text()


def test_status_says_to_which_side_all_objects_were_copied_last(host: FakeHost) -> None:
    put(host, FILES, "a", b"one")
    assert bucket_notes.copied(host.ports()) == {}
    copied(host, dry_run=True)
    assert bucket_notes.copied(host.ports()) == {}
    copied(host)
    assert bucket_notes.copied(host.ports()) == {"shop": "managed"}
    serves(host, "managed")
    copied(host)
    assert bucket_notes.copied(host.ports()) == {"shop": "managed"}
    copied(host, "here")
    assert bucket_notes.copied(host.ports()) == {"shop": "here"}, (
        "what was copied there before is out of date"
    )


def test_status_says_nothing_of_what_it_can_not_read(host: FakeHost) -> None:
    put(host, FILES, "a", b"one")
    copied(host)
    host.put(f"{paths.OBJECT_COPIES}/shop.json", "{", 0o600)
    assert bucket_notes.copied(host.ports()) == {}
    host.files.pop(paths.OBJECTS_SETTINGS)
    assert bucket_notes.copied(host.ports()) == {}
