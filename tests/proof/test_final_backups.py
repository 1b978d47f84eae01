"""The last backup of a database before it is dropped, on a real PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import replace
from datetime import timedelta

import pytest

from agent.backup import final
from agent.host import paths
from agent.store import backups
from agent.store.record import read_backup_record
from agent.store.settings import Settings
from tests.archive.host import Host
from tests.proof.conftest import ask, proven, saved, told

HERE, SECOND = "herehere", "secondsecond"
GONE = {"project": "shop", "database": "shop_db", "retention_days": 7}


def left(host: Host) -> None:
    """The project's manifest is gone, and with it what the settings of backups say of it."""
    settings = json.loads(host.ports.files.read(paths.BACKUP_SETTINGS) or b"")
    settings["projects"] = [each for each in settings["projects"] if each["id"] != "shop"]
    host.ports.files.write(paths.BACKUP_SETTINGS, json.dumps(settings).encode(), 0o600)


def test_a_project_that_has_left_is_backed_up_once_more(shop: Host, settings: Settings) -> None:
    left(shop)
    answer = ask(shop.ports, "final", **GONE)
    assert answer["ok"], answer
    store = settings.store("here")
    assert store
    (found,) = backups.listed(shop.ports, store.place, "shop").backups
    assert found.id == answer["id"]
    listed = ask(shop.ports, "backups", project="shop")["projects"][0]
    assert [each["id"] for each in listed["stores"][0]["backups"]] == [answer["id"]]


def test_a_final_backup_can_be_proven_once_its_manifest_is_back(shop: Host) -> None:
    assert ask(shop.ports, "final", **GONE)["ok"]
    assert proven(shop)["ok"]


def test_without_a_store_the_database_is_not_to_be_dropped_and_the_way_round_is_named(shop: Host) -> None:
    left(shop)
    shop.shelf.away |= {HERE, SECOND}
    answer = ask(shop.ports, "final", **GONE)
    assert (answer["ok"], answer["phase"]) == (False, "store")
    assert "its data is not dropped" in answer["cause"]
    assert "codeb drop shop --yes-without-backup" in answer["remedy"]
    assert [event["event"] for event in told(shop)] == ["backup-failed"]


def test_one_store_that_has_it_is_enough(shop: Host) -> None:
    left(shop)
    shop.shelf.away.add(SECOND)
    answer = ask(shop.ports, "final", **GONE)
    assert (answer["ok"], answer["stores"]) == (True, ["here"])
    assert "not in second" in answer["problem"]


def test_a_damaged_dump_is_no_final_backup(shop: Host) -> None:
    left(shop)
    put = shop.shelf.put

    def damaging(place: object, key: str, body: bytes) -> None:
        put(place, key, body[:-1] + bytes([body[-1] ^ 1]) if key.endswith(".age") else body)  # type: ignore[arg-type]

    shop.shelf.put = damaging  # type: ignore[method-assign, assignment]
    answer = ask(shop.ports, "final", **GONE)
    assert (answer["ok"], answer["phase"]) == (False, "verify")
    assert "its data is not dropped" in answer["cause"]


def test_a_host_that_backs_nothing_up_drops_nothing(shop: Host) -> None:
    shop.ports.files.remove(paths.BACKUP_SETTINGS)
    answer = ask(shop.ports, "final", **GONE)
    assert answer["phase"] == "settings"
    assert "--yes-without-backup" in answer["remedy"]


def test_what_a_person_says_holds_once(shop: Host) -> None:
    left(shop)
    shop.shelf.away |= {HERE, SECOND}
    said = ask(shop.ports, "final", project="shop", without_backup=True, by="eve")
    assert said["ok"]
    answer = ask(shop.ports, "final", **GONE)
    assert (answer["ok"], answer["without_backup"]) == (True, "eve said so")
    assert any("none of shop: eve said so" in line for line in shop.journal.lines)
    assert not ask(shop.ports, "final", **GONE)["ok"], "the next one is taken again"


def test_what_a_person_says_holds_for_a_day_and_for_that_project_alone(shop: Host) -> None:
    left(shop)
    shop.shelf.away |= {HERE, SECOND}
    ask(shop.ports, "final", project="blog", without_backup=True)
    assert not ask(shop.ports, "final", **GONE)["ok"]

    class Later:
        def now(self) -> object:
            return shop.ports.clock.now() + final.HOLDS + timedelta(minutes=1)

        def __getattr__(self, name: str) -> object:
            return getattr(shop.ports.clock, name)

    ask(shop.ports, "final", project="shop", without_backup=True)
    assert not ask(replace(shop.ports, clock=Later()), "final", **GONE)["ok"]  # type: ignore[arg-type]


def test_a_wrong_document_takes_nothing(shop: Host) -> None:
    for document in ({}, {"project": "shop"}, GONE | {"database": "x; y"}, GONE | {"more": 1}):
        assert ask(shop.ports, "final", **document)["phase"] == "document"
    assert not shop.shelf.objects_


def test_what_was_known_of_the_project_stays_known(shop: Host) -> None:
    saved(shop)
    left(shop)
    ask(shop.ports, "final", **GONE)
    assert read_backup_record(shop.ports, "shop").last


def test_uploads_that_nobody_waits_for_any_more_are_not_dropped(
    shop: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def left_alone(*_: object) -> Generator[dict[str, object], None, dict[str, object]]:
        yield {"phase": "dump"}
        return {"project": "shop", "ok": True, "id": "20261123T040000Z-00aa"}

    left(shop)
    monkeypatch.setattr(final, "backed_up", left_alone)
    answer = ask(shop.ports, "final", **GONE, buckets=["shop-files"])
    assert (answer["ok"], answer["phase"]) == (False, "uploads")
