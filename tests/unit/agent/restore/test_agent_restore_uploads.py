"""A bucket brought to a run of its mirror, on stores in memory with the real age and zstd."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.documents.errors import Failed
from agent.host.s3 import Features, Place, Sent, StoreError
from agent.restore.uploads import Brought, Goal, brought
from agent.store.settings import load_settings
from agent.uploads.mirror import Mirrored, mirrored
from tests.unit.agent.fakes.host import FakeHost, Killed
from tests.unit.agent.store.sealing import HERE, SECOND, host_with_key, install, needs_age

pytestmark = needs_age
WHAT = ("shop", "shop-files")
FILES = replace(HERE, bucket="shop-files")
GOAL = Goal(*WHAT)
HOSTILE = ("line\nbreak", "../../etc/passwd", "a/../b", "ü ☃ %2F?#&+", "/leading", "x" * 900, 'q"\\ \t')


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    found = host_with_key(tmp_path)
    install(found)
    found.s3.versions_of["shop-files"] = []
    return found


def put(host: FakeHost, key: str, body: bytes, **headers: str) -> None:
    host.s3.upload(FILES, key, [body], 0, {name.replace("_", "-"): value for name, value in headers.items()})


def mirror(host: FakeHost) -> Mirrored:
    run = mirrored(host.ports(), load_settings(host.ports()), *WHAT)
    while True:
        try:
            next(run)
        except StopIteration as end:
            host.time += 60
            return end.value  # type: ignore[no-any-return]


def bring(host: FakeHost, goal: Goal = GOAL, stores: tuple[str, ...] = ("here", "second")) -> Brought:
    ports = host.ports()
    ports.asker.watch()
    settings = load_settings(ports)
    run = brought(ports, settings, [each for each in settings.stores if each.name in stores], goal)
    while True:
        try:
            next(run)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def now(host: FakeHost, place: Place = FILES) -> dict[str, bytes]:
    return {found.key: host.s3.content(place.bucket, found.key) for found in host.s3.objects(place, "")}


def counted(found: Brought) -> tuple[int, int, int, int]:
    return found.missing, found.differ, found.extra, found.same


def test_what_was_deleted_and_overwritten_is_back_and_what_is_the_same_is_not_touched(host: FakeHost) -> None:
    for key in ("gone", "changed", "stays"):
        put(host, key, key.encode(), content_type="image/png")
    mirror(host)
    host.s3.delete(FILES, "gone")
    put(host, "changed", b"by a virus")
    put(host, "new", b"since")
    versions = len(host.s3.versions_of["shop-files"])
    found = bring(host)
    assert counted(found) == (1, 1, 1, 1)
    assert (found.written, found.removed, found.size) == (2, 0, len(b"gone" + b"changed"))
    assert now(host) == {"gone": b"gone", "changed": b"changed", "stays": b"stays", "new": b"since"}
    assert len(host.s3.versions_of["shop-files"]) == versions + 2
    head = host.s3.head(FILES, "gone")
    assert head
    assert head.headers == {"content-type": "image/png"}


def test_a_second_time_there_is_nothing_to_do(host: FakeHost) -> None:
    for key in HOSTILE:
        put(host, key, b"x" + key.encode())
    mirror(host)
    for key in HOSTILE:
        host.s3.delete(FILES, key)
    assert bring(host).written == len(HOSTILE)
    assert now(host) == {key: b"x" + key.encode() for key in HOSTILE}
    before = list(host.s3.versions_of["shop-files"])
    assert counted(bring(host)) == (0, 0, 0, len(HOSTILE))
    assert host.s3.versions_of["shop-files"] == before


def test_a_dry_run_says_what_there_is_to_do_and_does_nothing(host: FakeHost) -> None:
    put(host, "gone", b"12345")
    put(host, "changed", b"123")
    mirror(host)
    host.s3.delete(FILES, "gone")
    put(host, "changed", b"other")
    put(host, "new", b"since")
    before = list(host.s3.versions_of["shop-files"])
    found = bring(host, replace(GOAL, exact=True, dry_run=True))
    assert counted(found) == (1, 1, 1, 0)
    assert (found.size, found.written, found.removed) == (8, 0, 0)
    assert host.s3.versions_of["shop-files"] == before


def test_exactly_as_it_was_marks_as_deleted_what_came_since_and_keeps_its_version(host: FakeHost) -> None:
    put(host, "a/old", b"1")
    mirror(host)
    put(host, "a/new", b"2")
    put(host, "b/new", b"3")
    found = bring(host, replace(GOAL, exact=True, prefix="a/"))
    assert (counted(found), found.removed) == ((0, 0, 1, 1), 1)
    assert now(host) == {"a/old": b"1", "b/new": b"3"}
    assert [each.size for each in host.s3.versions(FILES, "a/new")] == [0, 1]


def test_only_what_is_below_a_prefix_comes_back(host: FakeHost) -> None:
    put(host, "faces/1", b"1")
    put(host, "letters/1", b"2")
    mirror(host)
    host.s3.delete(FILES, "faces/1")
    host.s3.delete(FILES, "letters/1")
    assert counted(bring(host, replace(GOAL, prefix="faces/"))) == (1, 0, 0, 0)
    assert now(host) == {"faces/1": b"1"}


def test_a_moment_takes_the_newest_run_that_is_not_after_it(host: FakeHost) -> None:
    put(host, "a", b"first")
    first = mirror(host)
    put(host, "a", b"second")
    second = mirror(host)
    before = replace(GOAL, at=datetime.fromtimestamp(second.run.moment.timestamp() - 1, UTC))
    assert bring(host, before).run == first.run.id
    assert now(host) == {"a": b"first"}
    with pytest.raises(
        Failed, match="no list of what was in shop-files of 2026-11-23 03:59:59 UTC or before"
    ):
        bring(host, replace(GOAL, at=datetime.fromtimestamp(first.run.moment.timestamp() - 1, UTC)))


def test_what_is_the_same_but_for_its_type_is_written_anew(host: FakeHost) -> None:
    put(host, "a", b"x", content_type="image/png")
    mirror(host)
    put(host, "a", b"x", content_type="text/html")
    assert counted(bring(host)) == (0, 1, 0, 0)
    head = host.s3.head(FILES, "a")
    assert head
    assert head.headers == {"content-type": "image/png"}


def test_the_same_bytes_in_other_parts_are_the_same(host: FakeHost) -> None:
    put(host, "a", b"x")
    mirror(host)
    put(host, "a", b"x")
    kept = host.s3.versions_of["shop-files"]
    kept[-1] = (replace(kept[-1][0], etag="of-parts-2"), kept[-1][1])
    assert counted(bring(host)) == (0, 0, 0, 1)
    put(host, "a", b"y")
    assert counted(bring(host)) == (0, 1, 0, 0)


def test_damaged_in_one_store_it_comes_from_the_next_as_first_written(host: FakeHost) -> None:
    put(host, "a", b"content")
    mirror(host)
    host.s3.delete(FILES, "a")
    for found in list(host.s3.objects(HERE, "uploads/shop/shop-files/objects/")):
        host.s3.put(HERE, found.key, b"damaged")
        host.s3.put(SECOND, found.key, b"of a thief")
    found = bring(host)
    assert found.written == 1
    assert "can't be opened" in found.warnings[0]
    assert now(host) == {"a": b"content"}


def test_what_is_damaged_everywhere_is_named_and_the_rest_is_back(host: FakeHost) -> None:
    put(host, "bad\nname", b"content")
    made = mirror(host)
    bad = {found.key for found in host.s3.objects(HERE, "uploads/shop/shop-files/objects/")}
    put(host, "good", b"good")
    made = mirror(host)
    assert made.run.objects == 2
    for key in bad:
        host.s3.put(HERE, key, b"damaged")
    host.s3.put_only.add("elsewhere")
    host.s3.delete(FILES, "good")
    put(host, "bad\nname", b"what is there")
    with pytest.raises(Failed, match="1 of 2 objects are damaged in every store") as caught:
        bring(host)
    line, other = caught.value.failure.log
    assert line.startswith("'bad\\nname': here: ")
    assert other == "not asked: second: elsewhere at https://s3.example.com refused with AccessDenied"
    assert now(host) == {"good": b"good", "bad\nname": b"what is there"}


def test_a_bucket_without_versions_loses_nothing_unless_somebody_says_so(host: FakeHost) -> None:
    put(host, "a", b"old")
    put(host, "b", b"gone")
    mirror(host)
    put(host, "a", b"new")
    host.s3.delete(FILES, "b")
    host.s3.features_of["shop-files"] = Features(versions=False, locks=False, deletes=False)
    with pytest.raises(Failed, match="shop-files keeps no versions: 1 objects that are there now"):
        bring(host)
    assert now(host) == {"a": b"new"}
    bring(host, replace(GOAL, replace=True))
    assert now(host) == {"a": b"old", "b": b"gone"}


def test_killed_at_any_object_nothing_is_lost_and_run_again_it_goes_on(host: FakeHost) -> None:
    keys = [f"{number}" for number in range(4)]
    for key in keys:
        put(host, key, b"content " + key.encode())
    mirror(host)
    for key in keys:
        host.s3.delete(FILES, key)
    upload, left = host.s3.upload, [2]

    def mortal(place: Place, *rest: Any, **named: Any) -> Sent:
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        return upload(place, *rest, **named)

    host.s3.upload = mortal  # type: ignore[method-assign]
    with pytest.raises(Killed):
        bring(host)
    left[0] = 9
    assert counted(bring(host)) == (2, 0, 0, 2)
    assert now(host) == {key: b"content " + key.encode() for key in keys}


def test_whoever_leaves_ends_it_between_two_objects(host: FakeHost) -> None:
    put(host, "a", b"x")
    mirror(host)
    host.s3.delete(FILES, "a")
    host.gone = "the session has ended"
    with pytest.raises(Failed) as caught:
        bring(host)
    assert caught.value.failure.interrupted
    assert now(host) == {}


def test_another_bucket_becomes_a_copy(host: FakeHost) -> None:
    put(host, "a", b"x")
    mirror(host)
    found = bring(host, replace(GOAL, into="lab-files"))
    assert (found.bucket, found.written) == ("lab-files", 1)
    assert now(host, replace(HERE, bucket="lab-files")) == {"a": b"x"}


@pytest.mark.parametrize("bucket", ["backup", "shop-files"])
def test_a_store_or_bucket_that_is_away_is_said(host: FakeHost, bucket: str) -> None:
    put(host, "a", b"x")
    mirror(host)
    host.s3.refuses[bucket] = StoreError("unreachable", f"{bucket} gave no answer in time")
    with pytest.raises(Failed, match=f"{bucket} gave no answer in time"):
        bring(host, stores=("here",))


def test_the_wrong_key_opens_nothing_and_changes_nothing(host: FakeHost, tmp_path: Path) -> None:
    put(host, "a", b"x")
    mirror(host)
    (tmp_path / "other").mkdir()
    other = host_with_key(tmp_path / "other", bytes(32))
    install(other)
    other.s3 = host.s3
    other.s3.delete(FILES, "a")
    with pytest.raises(Failed, match="was not written with this stack's key"):
        bring(other)
    assert now(host) == {}
