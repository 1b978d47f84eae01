"""A bucket brought to a run of its mirror, on stores in memory with the real age and zstd."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.documents.errors import Failed
from agent.host.s3 import Features, Place, StoreError
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.restore.uploading import (
    FILES,
    GOAL,
    HOSTILE,
    at,
    bring,
    counted,
    mirror,
    now,
    put,
)
from tests.unit.agent.store.sealing import HERE, SECOND, host_with_key, install, needs_age

pytestmark = needs_age


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


def test_a_moment_between_two_runs_is_what_the_bucket_itself_still_has(host: FakeHost) -> None:
    put(host, "a", b"first")
    put(host, "deleted", b"before the moment")
    mirror(host)
    put(host, "a", b"second")
    put(host, "b", b"between the runs")
    host.s3.delete(FILES, "deleted")
    moment = host.time
    host.time += 1
    put(host, "a", b"third")
    host.s3.delete(FILES, "b")
    put(host, "deleted", b"after the moment")
    put(host, "c", b"after the moment")
    found = bring(host, replace(at(moment), exact=True))
    assert (counted(found), found.removed) == ((1, 1, 2, 0), 2)
    assert now(host) == {"a": b"second", "b": b"between the runs"}
    again = bring(host, replace(at(moment), exact=True))
    assert (counted(again), again.written) == ((0, 0, 0, 2), 0)


def test_of_a_bucket_that_was_lost_a_moment_is_what_the_lists_before_and_after_say(host: FakeHost) -> None:
    put(host, "a", b"first")
    put(host, "stays", b"x")
    first = mirror(host)
    put(host, "a", b"second")
    put(host, "b", b"new")
    moment = host.time
    host.time += 60
    put(host, "later", b"after the moment")
    put(host, "stays", b"overwritten later")
    mirror(host)
    host.time += 60
    host.s3.versions_of["shop-files"] = []
    assert bring(host, at(moment)).written == 3
    assert now(host) == {"a": b"second", "b": b"new", "stays": b"x"}
    host.s3.versions_of["shop-files"] = []
    assert bring(host, at(first.run.moment.timestamp())).run == first.run.id
    assert now(host) == {"a": b"first", "stays": b"x"}


def test_the_moment_of_a_database_that_was_dumped_just_before_the_first_run_is_told_by_that_run(
    host: FakeHost,
) -> None:
    put(host, "a", b"x")
    host.time += 3600
    moment = host.time
    host.time += 60
    put(host, "b", b"since")
    mirror(host)
    host.s3.versions_of["shop-files"] = []
    bring(host, at(moment))
    assert now(host) == {"a": b"x"}
    with pytest.raises(Failed, match="no list says what was in shop-files at 2026-11-22 04:00:00 UTC"):
        bring(host, at(moment - 25 * 3600))


def test_an_older_version_that_is_damaged_comes_from_a_store(host: FakeHost) -> None:
    put(host, "a", b"content")
    mirror(host)
    moment = host.time
    host.time += 1
    put(host, "a", b"other")
    kept = host.s3.versions_of["shop-files"]
    kept[0] = (kept[0][0], b"rotten!")
    found = bring(host, at(moment))
    assert found.warnings == ("shop-files: a is not what was stored: its SHA-256 is another one",)
    assert now(host) == {"a": b"content"}


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
    for content in list(host.s3.objects(HERE, "uploads/shop/shop-files/objects/")):
        host.s3.put(HERE, content.key, b"damaged")
        host.s3.put(SECOND, content.key, b"of a thief")
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
    with pytest.raises(Failed, match="1 of 2 objects are damaged wherever they are") as caught:
        bring(host)
    line, other = caught.value.failure.log
    assert line.startswith("'bad\\nname': here: ")
    assert other.startswith("not asked: second lets nobody read by these keys (elsewhere at")
    assert other.endswith("`--from second --keys FILE` reads it by yours")
    assert now(host) == {"good": b"good", "bad\nname": b"what is there"}


def test_a_bucket_without_versions_loses_nothing_unless_somebody_says_so(host: FakeHost) -> None:
    put(host, "a", b"old")
    put(host, "b", b"gone")
    mirror(host)
    put(host, "a", b"new")
    host.s3.delete(FILES, "b")
    host.s3.features_of["shop-files"] = Features(versions=False, locks=False, deletes=False)
    with pytest.raises(
        Failed, match="shop-files keeps no versions: 1 objects that are there would go for good"
    ):
        bring(host)
    assert now(host) == {"a": b"new"}
    bring(host, replace(GOAL, replace=True))
    assert now(host) == {"a": b"old", "b": b"gone"}


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


def test_a_bucket_whose_quota_is_reached_is_said_with_what_to_do(host: FakeHost) -> None:
    put(host, "a", b"x")
    mirror(host)
    host.s3.delete(FILES, "a")
    upload = host.s3.upload

    def full(place: Place, *rest: Any, **named: Any) -> Any:
        if place.bucket == "shop-files":
            raise StoreError("full", "shop-files refused with XMinioAdminBucketQuotaExceeded")
        return upload(place, *rest, **named)

    host.s3.upload = full  # type: ignore[method-assign]
    with pytest.raises(Failed) as caught:
        bring(host)
    assert "raise the bucket's `quota`" in caught.value.failure.remedy


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
