"""Restores of uploads that are killed, left, or taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from agent.documents.errors import Failed
from agent.host.s3 import Features, Place
from agent.store.settings import load_settings
from agent.uploads import undo
from tests.unit.agent.fakes.host import FakeHost, Killed
from tests.unit.agent.fakes.store import FakeS3
from tests.unit.agent.restore.uploading import (
    FILES,
    GOAL,
    bring,
    mirror,
    now,
    put,
    take_back,
)
from tests.unit.agent.store.sealing import HERE, needs_age

pytestmark = needs_age


class Mortal(FakeS3):
    """A store that the agent is killed at, after so many effects."""

    left = 1 << 30

    def put(self, place: Place, key: str, body: bytes) -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed
        super().put(place, key, body)

    def delete(self, place: Place, key: str, version: str = "") -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed
        super().delete(place, key, version)


def prepared(host: FakeHost) -> tuple[Mortal, dict[str, bytes], dict[str, bytes]]:
    """A bucket that changed in every way since its run; what it was then, and what it is now."""
    host.s3 = store = Mortal(host)
    store.versions_of["shop-files"] = []
    for key in ("stays", "changed", "gone", "again"):
        put(host, key, b"first " + key.encode())
    mirror(host)
    then = now(host)
    put(host, "changed", b"second")
    put(host, "again", b"second")
    put(host, "again", b"third")
    host.s3.delete(FILES, "gone")
    put(host, "new", b"since")
    return store, then, now(host)


def killed_at(host: FakeHost, store: Mortal, step: int, act: Callable[[], object]) -> bool:
    """Whether an act was killed at this effect of it."""
    store.left = step
    try:
        act()
    except Killed:
        return True
    finally:
        store.left = 1 << 30
    return False


def test_killed_at_every_effect_nothing_is_lost_run_again_it_goes_on_and_all_of_it_can_be_taken_back(
    host: FakeHost,
) -> None:
    goal, step = replace(GOAL, exact=True), 0
    while True:
        store, then, before = prepared(host)
        versions = list(store.versions_of["shop-files"])
        was_killed = killed_at(host, store, step, lambda: bring(host, goal))
        assert store.versions_of["shop-files"][: len(versions)] == versions, "nothing goes for good"
        host.time += 1
        bring(host, goal)
        assert now(host) == then, step
        (taken,) = take_back(host)
        assert (taken.left, taken.lost) == (0, 0)
        assert now(host) == before, step
        if not was_killed:
            break
        step += 1
    assert step > 6, "there were that many places"


def test_taking_back_that_is_killed_at_every_effect_goes_on_when_run_again(host: FakeHost) -> None:
    step = 0
    while True:
        store, _, before = prepared(host)
        bring(host, replace(GOAL, exact=True))
        was_killed = killed_at(host, store, step, lambda: take_back(host))
        (taken,) = take_back(host)
        assert (taken.left, taken.lost) == (0, 0)
        assert now(host) == before, step
        if not was_killed:
            break
        step += 1
    assert step > 4, "there were that many places"


def test_a_restore_that_was_only_begun_can_be_taken_back(host: FakeHost) -> None:
    store, _, before = prepared(host)
    assert killed_at(host, store, 4, lambda: bring(host, replace(GOAL, exact=True)))
    assert now(host) != before
    take_back(host)
    assert now(host) == before


def test_what_an_app_has_changed_since_is_left_alone_by_taking_back(host: FakeHost) -> None:
    prepared(host)
    bring(host, replace(GOAL, exact=True))
    put(host, "changed", b"by the app, after the restore")
    put(host, "new", b"again")
    (taken,) = take_back(host)
    assert (taken.back, taken.removed, taken.left) == (1, 1, 2)
    assert now(host)["changed"] == b"by the app, after the restore"
    assert now(host)["new"] == b"again"


def test_a_version_that_the_bucket_has_no_more_is_said_to_be_lost(host: FakeHost) -> None:
    prepared(host)
    bring(host)
    kept = host.s3.versions_of["shop-files"]
    kept[:] = [each for each in kept if each[1] != b"second" or each[0].key != "changed"]
    (taken,) = take_back(host)
    assert taken.lost == 1
    assert now(host)["changed"] == b"first changed"


def test_an_object_that_is_changed_while_it_runs_is_left_alone_and_said(host: FakeHost) -> None:
    prepared(host)
    features = host.s3.features

    def meanwhile(place: Place) -> Features:
        put(host, "changed", b"by the app, meanwhile")
        put(host, "new", b"meanwhile, too")
        put(host, "gone", b"there again")
        return features(place)

    host.s3.features = meanwhile  # type: ignore[method-assign]
    found = bring(host, replace(GOAL, exact=True))
    assert (found.written, found.removed, found.changed) == (1, 0, 3)
    assert now(host) == {
        "stays": b"first stays", "again": b"first again", "changed": b"by the app, meanwhile",
        "new": b"meanwhile, too", "gone": b"there again",
    }  # fmt: skip


def test_notes_are_sealed_and_go_when_they_are_over(host: FakeHost) -> None:
    prepared(host)
    bring(host)
    place = load_settings(host.ports()).stores[0].place
    kept = [body for found, body in host.s3.versions_of["backup"] if found.key.startswith("undo/")]
    assert len(kept) == 3, "a list, and a document in two states"
    assert not any(b"changed" in body.replace(b'"changes"', b"") for body in kept)
    assert undo.tidied(host.ports(), place) == []
    host.time += 7 * 86_400 + 1
    assert len(undo.tidied(host.ports(), place)) == 1
    assert not list(host.s3.versions(HERE, "undo/"))


def test_a_note_that_somebody_else_wrote_is_none(host: FakeHost) -> None:
    prepared(host)
    bring(host)
    (note,) = undo.notes(host.ports(), HERE, "shop")
    key = f"undo/shop/shop-files/{note.id}.json"
    host.s3.put(HERE, key, host.s3.content("backup", key).replace(b'"done"', b'"begun"'))
    assert undo.notes(host.ports(), HERE, "shop") == []
    assert any("was not written with this stack's key" in line for line in host.journal)


def test_whoever_leaves_ends_it_between_two_objects(host: FakeHost) -> None:
    put(host, "a", b"x")
    mirror(host)
    host.s3.delete(FILES, "a")
    host.gone = "the session has ended"
    with pytest.raises(Failed) as caught:
        bring(host)
    assert caught.value.failure.interrupted
    assert now(host) == {}
