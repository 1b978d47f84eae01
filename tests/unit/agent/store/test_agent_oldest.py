"""A store whose keys a thief had: what was first written under a name is what comes back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.host.s3 import StoreError
from agent.store.oldest import as_first_written
from agent.store.settings import Store
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.store.sealing import HERE, SECOND

STORES = [Store("here", HERE), Store("second", SECOND)]


def test_what_was_put_over_a_name_or_deleted_later_hides_nothing() -> None:
    host = FakeHost()
    for key, bodies in {
        "a": [b"first", b"thief", b"again"],
        "a.json": [b"{}", b"{!}"],
        "b": [b"kept"],
    }.items():
        for body in bodies:
            host.s3.put(SECOND, key, body)
            host.time += 1
    host.s3.delete(SECOND, "b")
    host.s3.delete(SECOND, "a")
    found = as_first_written(host.ports(), STORES).s3
    assert {each.key: b"".join(found.get(SECOND, each.key)) for each in found.objects(SECOND, "")} == {
        "a": b"first",
        "a.json": b"{}",
        "b": b"kept",
    }
    head = found.head(SECOND, "a")
    assert head
    assert head.size == len(b"first")
    newest = next(each for each in host.s3.versions(SECOND, "a") if each.key == "a" and not each.marker)
    assert b"".join(found.get(SECOND, "a", newest.version)) == b"again", "a version that is named is that one"


def test_versions_of_one_second_count_in_the_order_of_the_list() -> None:
    host = FakeHost()
    host.s3.put(SECOND, "a", b"first")
    host.s3.put(SECOND, "a", b"thief")
    assert b"".join(as_first_written(host.ports(), STORES).s3.get(SECOND, "a")) == b"first"


def test_a_name_that_was_only_ever_deleted_is_none() -> None:
    host = FakeHost()
    host.s3.put(SECOND, "b", b"x")
    found = as_first_written(host.ports(), STORES).s3
    assert found.head(SECOND, "a") is None
    with pytest.raises(StoreError, match="has no a"):
        list(found.get(SECOND, "a"))


def test_the_store_here_and_buckets_beside_it_are_read_as_they_are() -> None:
    """What is there is written anew when it was damaged."""
    host = FakeHost()
    for place in (HERE, replace(HERE, bucket="shop-files")):
        host.s3.put(place, "a", b"damaged")
        host.s3.put(place, "a", b"right")
        s3 = as_first_written(host.ports(), STORES).s3
        assert b"".join(s3.get(place, "a")) == b"right"
        assert [found.size for found in s3.objects(place, "")] == [len(b"right")]
        assert s3.head(place, "a") == next(iter(host.s3.objects(place, "a")))
