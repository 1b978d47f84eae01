"""The verb `prove` on a real PostgreSQL, with the real age and zstd; containers are processes of user postgres."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.host import paths
from agent.host.s3 import Place
from agent.proof import instance
from agent.store import backups, proofs
from agent.store.backups import Backup
from agent.store.record import read_backup_record
from agent.store.settings import Settings
from tests.archive.host import Host
from tests.backup.databases import sql
from tests.postgres import Cluster
from tests.proof.conftest import ask, proven, saved, told

HERE, SECOND = "herehere", "secondsecond"
LEFT = "SELECT datname FROM pg_database ORDER BY 1;\nSELECT rolname FROM pg_roles ORDER BY 1;\n"


def place(settings: Settings, name: str = "here") -> Place:
    store = settings.store(name)
    assert store
    return store.place


def the_backup(host: Host, settings: Settings) -> Backup:
    (found,) = backups.listed(host.ports, place(settings), "shop").backups
    return found


def proof_of(host: Host, backup_id: str, bucket: str = HERE) -> dict[str, Any]:
    """What a store has of a proof, which was written with the stack's key."""
    content, _ = host.shelf.objects_[bucket, proofs.key("shop", backup_id)]
    return backups.verified(host.ports, content)


def test_the_newest_backup_comes_back_and_that_is_remembered(
    shop: Host, cluster: Cluster, settings: Settings
) -> None:
    before = sql(cluster, "postgres", LEFT)
    saved(shop)
    newest = saved(shop)
    answer = ask(shop.ports, "prove", project="shop")
    (found,) = answer["projects"]
    assert answer["ok"], answer
    assert (found["id"], found["tables"], found["rows"]) == (newest, 6, 5006)
    assert [each["phase"] for each in answer["told"]] == ["look", "prepare", "restore", "compare"]
    record = read_backup_record(shop.ports, "shop")
    assert record.proven
    assert (record.proven.id, record.unproven, record.unproven_since) == (newest, None, "")
    assert not shop.ports.files.listing(paths.PROOFS), "nothing of it is left"
    assert not [name for name in shop.containers.running if name.startswith("codeb-proof")]
    assert sql(cluster, "postgres", LEFT) == before, "the live server is as it was"
    assert not told(shop)


def test_stores_have_the_proof_beside_the_backup_without_a_word_of_what_is_in_it(shop: Host) -> None:
    newest = saved(shop)
    proven(shop)
    for bucket in (HERE, SECOND):
        found = proof_of(shop, newest, bucket)
        assert (found["ok"], found["tables"], found["rows"], found["phase"]) == (True, 6, 5006, "")
        assert "orders" not in json.dumps(found)


def test_a_flipped_byte_is_found_and_told(shop: Host) -> None:
    newest = saved(shop)
    shop.shelf.flip(HERE, backups.dump_key("shop", newest))
    found = proven(shop)
    assert (found["ok"], found["phase"], found["id"]) == (False, "damaged", newest)
    (event,) = told(shop)
    assert (event["event"], event["project"], event["phase"]) == ("proof-failed", "shop", "damaged")
    assert "codeb backup shop" in event["remedy"]
    record = read_backup_record(shop.ports, "shop")
    assert record.proven is None
    assert record.unproven
    assert record.unproven.phase == "damaged"
    assert proof_of(shop, newest)["ok"] is False
    assert not shop.ports.files.listing(paths.PROOFS)
    saved(shop)
    assert proven(shop)["ok"]
    assert read_backup_record(shop.ports, "shop").unproven is None


def test_rows_that_are_missing_are_found_though_every_sum_is_right(shop: Host, settings: Settings) -> None:
    newest = saved(shop)
    backup = the_backup(shop, settings)
    noted = backups.details(shop.ports, backup)
    rows = {**noted.rows, "public.orders": 5001, "public.lost": 0}
    sealed = backups.sealed_details(shop.ports, replace(noted, rows=rows), settings.recipient)
    document = backups.document(shop.ports, replace(backup, sealed=sealed))
    shop.shelf.put(place(settings), backups.document_key("shop", newest), document)
    found = proven(shop)
    assert (found["ok"], found["phase"]) == (False, "compare")
    assert "public.lost is missing; public.orders has 5000 rows and had 5001" in found["cause"]
    assert [event["phase"] for event in told(shop)] == ["compare"]


def test_a_dump_of_which_the_end_is_missing_is_found(shop: Host) -> None:
    newest = saved(shop)
    key = backups.dump_key("shop", newest)
    body, at = shop.shelf.objects_[HERE, key]
    shop.shelf.objects_[HERE, key] = (body[:-1000], at)
    found = proven(shop)
    assert (found["ok"], found["phase"]) == (False, "damaged")
    assert f"{newest} in here says" in found["cause"]


def test_a_document_that_somebody_else_wrote_is_found(shop: Host, settings: Settings) -> None:
    older = saved(shop)
    newest = saved(shop)
    key = backups.document_key("shop", max(older, newest))
    content = shop.shelf.objects_[HERE, key][0].replace(b'"version": 1', b'"version": 1 ')
    document = json.loads(content) | {"seconds": 1}
    shop.shelf.put(place(settings), key, json.dumps(document).encode())
    found = proven(shop)
    assert (found["ok"], found["phase"]) == (False, "damaged")
    assert "was not written with this stack's key" in found["cause"]


def test_a_backup_that_vanished_is_found(shop: Host) -> None:
    newest = saved(shop)
    for name in (backups.document_key, backups.dump_key):
        del shop.shelf.objects_[HERE, name("shop", newest)]
    found = proven(shop)
    assert (found["ok"], found["phase"]) == (False, "missing")
    assert f"{newest} was stored in here and isn't there any more" in found["cause"]


def test_where_the_store_here_cannot_be_reached_the_second_is_proven(shop: Host) -> None:
    newest = saved(shop)
    shop.shelf.away.add(HERE)
    found = proven(shop)
    assert (found["ok"], found["store"], found["id"]) == (True, "second", newest)
    assert "here doesn't have what was proven" in found["warning"]


def test_without_any_store_nothing_is_proven_and_that_is_told(shop: Host) -> None:
    saved(shop)
    shop.shelf.away |= {HERE, SECOND}
    found = proven(shop)
    assert (found["ok"], found["phase"]) == (False, "store")
    assert [event["phase"] for event in told(shop)] == ["store"]


def test_room_is_looked_at_first(shop: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(shop)
    monkeypatch.setattr(instance, "_SPARE", 1 << 60)
    answer = ask(shop.ports, "prove", project="shop")
    (found,) = answer["projects"]
    assert found["phase"] == "room"
    assert [each["phase"] for each in answer["told"]] == ["look"], "no server was started"


def test_room_is_for_what_the_database_was_when_it_is_smaller_now(
    shop: Host, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(shop)
    looked: list[int] = []
    monkeypatch.setattr(instance, "room_for", lambda ports, size: looked.append(size))
    live = instance.ask_live
    monkeypatch.setattr(instance, "ask_live", lambda *given: replace(live(*given), size=0))
    assert proven(shop)["ok"]
    assert looked == [backups.details(shop.ports, the_backup(shop, settings)).size]
    assert looked[0] > 1 << 20


def test_a_disk_that_gets_full_meanwhile_ends_it(shop: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(shop)
    monkeypatch.setattr(
        type(shop.ports.files),
        "disk_used_percent",
        lambda self, path: 99.0 if any("codeb-proof" in name for name in shop.containers.running) else 40.0,
    )
    found = proven(shop)
    assert (found["ok"], found["phase"]) == (False, "room")
    assert not shop.ports.files.listing(paths.PROOFS)


class Leaving:
    """Somebody who leaves once a server of a proof runs."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def watch(self) -> None:
        pass

    def gone(self) -> str:
        running = any(name.startswith("codeb-proof") for name in self._host.containers.running)
        return "the session has ended" if running else ""

    def key(self) -> str:
        return ""


def test_a_run_that_nobody_waits_for_ends_and_says_nothing_of_the_backup(shop: Host) -> None:
    newest = saved(shop)
    answer = ask(replace(shop.ports, asker=Leaving(shop)), "prove", project="shop")
    assert not answer["ok"]
    assert "nobody waits for it any more" in answer["summary"]
    record = read_backup_record(shop.ports, "shop")
    assert (record.proven, record.unproven) == (None, None)
    assert (HERE, proofs.key("shop", newest)) not in shop.shelf.objects_
    assert not [name for name in shop.containers.running if name.startswith("codeb-proof")]
    assert not shop.ports.files.listing(paths.PROOFS)
    assert not told(shop)


def test_those_are_due_whose_newest_backup_was_not_proven(shop: Host) -> None:
    saved(shop)
    saved(shop, "blog")
    first = ask(shop.ports, "prove", due=True)
    assert [each["project"] for each in first["projects"]] == ["blog", "shop"]
    assert ask(shop.ports, "prove", due=True)["projects"] == []
    saved(shop)
    assert [each["project"] for each in ask(shop.ports, "prove", due=True)["projects"]] == ["shop"]


def test_one_that_fails_stops_no_other(shop: Host) -> None:
    saved(shop)
    newest = saved(shop, "blog")
    shop.shelf.flip(HERE, backups.dump_key("blog", newest))
    answer = ask(shop.ports, "prove", all=True)
    assert {each["project"]: each["ok"] for each in answer["projects"]} == {"shop": True, "blog": False}
    assert answer["summary"].startswith("blog: damaged: ")


def test_what_a_killed_run_left_goes_with_the_next(shop: Host) -> None:
    saved(shop)
    left = f"{paths.PROOFS}/codeb-proof-dead"
    shop.ports.files.directory(paths.PROOFS, 0o711, "root:root")
    shop.ports.files.directory(left, 0o711, "root:root")
    assert proven(shop)["ok"]
    assert not shop.ports.files.listing(paths.PROOFS)
    assert any("codeb-proof-dead of a run that was killed is removed" in line for line in shop.journal.lines)


def test_whoever_comes_second_is_told_who_is_at_it(shop: Host) -> None:
    with shop.ports.files.lock(paths.BACKUP_LOCK, 0):
        holder = {"verb": "backup", "by": "eve", "since": "2026-11-23T03:59:00Z"}
        shop.ports.files.write(paths.BACKUP_HOLDER, json.dumps(holder).encode(), 0o600)
        answer = ask(shop.ports, "prove", project="shop")
    assert answer["cause"] == "backup by eve has been running since 2026-11-23T03:59:00Z"


@pytest.mark.parametrize(
    "document", [{}, {"project": "shop", "all": True}, {"project": "../shop"}, {"due": True, "x": 1}]
)
def test_a_wrong_document_touches_nothing(shop: Host, document: dict[str, object]) -> None:
    assert ask(shop.ports, "prove", **document)["phase"] == "document"
    assert not shop.shelf.objects_


def test_the_password_and_the_key_are_in_no_line_of_the_journal(shop: Host, cluster: Cluster) -> None:
    saved(shop)
    answer = proven(shop)
    shown = str([answer, shop.journal.lines, [Path(name).name for name in shop.containers.running]])
    for secret in (cluster.config["password"], "AGE-SECRET-KEY", "hush"):
        assert secret not in shown


RULE = """
CREATE TABLE public.zones (name text);
CREATE FUNCTION public.fits(text) RETURNS bool LANGUAGE sql AS 'SELECT EXISTS (SELECT FROM public.zones WHERE name = $1)';
INSERT INTO public.zones VALUES ('private matter');
CREATE TABLE public.people (told text CHECK (public.fits(told)));
INSERT INTO public.people VALUES ('private matter');
"""


def test_a_row_that_can_not_come_back_is_shown_to_nobody(shop: Host, cluster: Cluster) -> None:
    """A check that asks another table, which is filled later: PostgreSQL's words have the whole row."""
    sql(cluster, "shop_db", f"SET default_transaction_read_only = off;\n{RULE}")
    saved(shop)
    answer = ask(shop.ports, "prove", project="shop")
    (found,) = answer["projects"]
    assert (found["ok"], found["phase"]) == (False, "restore")
    assert "violates check constraint" in found["cause"]
    record = read_backup_record(shop.ports, "shop").unproven
    assert "private matter" not in str([answer, told(shop), shop.journal.lines, record])
