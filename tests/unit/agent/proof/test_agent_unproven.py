"""Whose backup is to be proven, and whose was not for too long."""

from __future__ import annotations

import json
from dataclasses import replace

from agent.backup.unproven import AGAIN_S, PATIENCE_S, overdue, tell_unproven, to_prove, wants_proof
from agent.host import paths
from agent.store.record import BackupRecord, Made, Missed, Proof, note, read_backup_record
from agent.store.settings import load_settings
from tests.unit.agent.fakes.host import EPOCH, FakeHost
from tests.unit.agent.store.sealing import install, settings

DAY = 86_400
LAST = Made("20261123T035500Z-00aa", "2026-11-23T03:55:00Z", 1234, 2.5, ("here",))
PROVEN = Proof(LAST.id, "2026-11-23T04:00:00Z", 12)
MISSED = Missed("2026-11-23T05:00:00Z", "damaged", "a byte is another one")


def test_a_backup_that_was_not_proven_is_to_be() -> None:
    assert not wants_proof(BackupRecord(), EPOCH)
    assert wants_proof(BackupRecord(last=LAST), EPOCH)
    assert not wants_proof(BackupRecord(last=LAST, proven=PROVEN), EPOCH)
    assert wants_proof(BackupRecord(last=LAST, proven=replace(PROVEN, id="older")), EPOCH)
    assert wants_proof(BackupRecord(last=LAST, proven=PROVEN, unproven=MISSED), EPOCH)


def test_the_same_backup_is_proven_again_after_a_while() -> None:
    record = BackupRecord(last=LAST, proven=PROVEN)
    assert not wants_proof(record, EPOCH + AGAIN_S - 60)
    assert wants_proof(record, EPOCH + AGAIN_S)


def test_a_proof_is_overdue_counted_from_the_first_backup_that_none_came_of() -> None:
    """However new the newest backup is."""
    since = "2026-11-23T04:00:00Z"
    record = BackupRecord(last=replace(LAST, at="2026-11-27T04:00:00Z"), unproven_since=since)
    assert overdue(record, EPOCH + PATIENCE_S - 60) == ""
    assert overdue(record, EPOCH + PATIENCE_S + 60) == since
    assert overdue(replace(record, proven=PROVEN), EPOCH + PATIENCE_S + 60) == since


def test_a_proof_of_what_was_proven_before_is_overdue_later() -> None:
    record = BackupRecord(last=LAST, proven=PROVEN)
    assert overdue(record, EPOCH + AGAIN_S + PATIENCE_S - 60) == ""
    assert overdue(record, EPOCH + AGAIN_S + PATIENCE_S + 60) == PROVEN.at


def test_without_a_backup_no_proof_is_overdue() -> None:
    assert overdue(BackupRecord(), EPOCH + 100 * DAY) == ""


def two_projects() -> FakeHost:
    host = FakeHost()
    shop = settings()["projects"][0]
    install(host, projects=[shop, shop | {"id": "blog", "database": "blog_db", "buckets": []}])
    return host


def test_whose_last_proof_is_the_oldest_comes_first() -> None:
    host = two_projects()
    projects = load_settings(host.ports()).projects
    assert to_prove(host.ports(), projects) == []
    for name in ("shop", "blog"):
        note(host.ports(), name, last=LAST)
    assert [each.id for each in to_prove(host.ports(), projects)] == ["blog", "shop"]
    note(host.ports(), "blog", proven=Proof("older", "2026-11-22T04:00:00Z", 1))
    assert [each.id for each in to_prove(host.ports(), projects)] == ["shop", "blog"]


def test_an_overdue_proof_is_told_once() -> None:
    host = two_projects()
    target = {"kind": "slack", "url": "https://hooks.example.com/x"}
    host.put(paths.NOTIFY, json.dumps({"version": 1, "stack": "live", "webhooks": [target], "sentry": None}))
    note(host.ports(), "shop", last=LAST, unproven_since="2026-11-23T04:00:00Z")
    found = load_settings(host.ports())
    assert tell_unproven(host.ports(), found, "timer") == []
    host.time += PATIENCE_S + 60
    assert tell_unproven(host.ports(), found, "timer") == ["shop"]
    assert tell_unproven(host.ports(), found, "timer") == []
    (text,) = [host.tell(path) or "" for path in host.files if path.startswith(paths.OUTBOX)]
    assert "no proof of its newest backup: late" in text
    assert "codeb prove shop" in text


def test_what_is_known_of_proofs_is_read_back() -> None:
    host = two_projects()
    made = note(host.ports(), "shop", unproven=MISSED, unproven_since=LAST.at, told_unproven=LAST.at)
    assert read_backup_record(host.ports(), "shop") == made
