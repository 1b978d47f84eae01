"""What is sealed comes back as it was, or it is said why not: with the real age and zstd."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.documents.errors import Failed
from agent.host import paths
from agent.host.s3 import StoreError
from agent.store import backups
from agent.store.backups import Backup, Details
from agent.store.sealed import Damaged, Sealed, opened, put_sealed
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.store.sealing import HERE, RECIPIENT, SEED, Programs, host_with_key, needs_age

pytestmark = needs_age
CONTENT = b"PGDMP a customer's address " * 40_000 + os.urandom(300_000)
DETAILS = Details(
    {"public.orders": 3, 'public.odd "name"': 0},
    "shop",
    ("jwt.secret=hush hush",),
    {"shop": ("a=b",)},
    {"citext": "1.6"},
)


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return host_with_key(tmp_path)


def sealed(host: FakeHost, key: str = "name") -> Sealed:
    pieces = [CONTENT[:500_000], b"", CONTENT[500_000:]]
    return put_sealed(host.ports(), HERE, key, pieces, RECIPIENT)


def flip(host: FakeHost, key: str, place: int) -> None:
    """Turn one bit over in what is stored."""
    kept = host.s3.versions_of["backup"]
    (number,) = [number for number, (found, _) in enumerate(kept) if found.key == key]
    content = bytearray(kept[number][1])
    content[place] ^= 1
    kept[number] = (kept[number][0], bytes(content))


def test_what_is_sealed_comes_back_as_it_was(host: FakeHost) -> None:
    found = sealed(host)
    stored = host.s3.content("backup", "name")
    assert (found.size, found.sha256) == (len(stored), hashlib.sha256(stored).hexdigest())
    assert (found.plain_size, found.plain_sha256) == (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    assert b"customer" not in stored
    assert len(stored) < len(CONTENT) / 2
    pieces = opened(host.ports(), HERE, "name", sha256=found.sha256, plain_sha256=found.plain_sha256)
    assert b"".join(pieces) == CONTENT


@pytest.mark.parametrize("place", [0, 20, 200, -1, -200])
def test_a_flipped_bit_is_found_wherever_it_is(host: FakeHost, place: int) -> None:
    found = sealed(host)
    flip(host, "name", place)
    with pytest.raises(Damaged, match="name"):
        list(opened(host.ports(), HERE, "name", sha256=found.sha256, plain_sha256=found.plain_sha256))
    with pytest.raises(Damaged, match="name"):
        list(opened(host.ports(), HERE, "name"))


def test_an_object_that_was_replaced_by_another_good_one_is_found(host: FakeHost) -> None:
    found = sealed(host)
    put_sealed(host.ports(), HERE, "name", [b"other content"], RECIPIENT)
    with pytest.raises(Damaged, match="its SHA-256 is another one"):
        list(opened(host.ports(), HERE, "name", sha256=found.sha256))
    with pytest.raises(Damaged, match="its SHA-256 is another one"):
        list(opened(host.ports(), HERE, "name", plain_sha256=found.plain_sha256))


def test_a_cut_off_object_is_found(host: FakeHost) -> None:
    sealed(host)
    whole = host.s3.content("backup", "name")
    host.s3.put(HERE, "name", whole[: len(whole) // 2])
    with pytest.raises(Damaged, match="can't be opened"):
        list(opened(host.ports(), HERE, "name"))


def test_another_stacks_key_is_said_as_such(host: FakeHost, tmp_path: Path) -> None:
    sealed(host)
    other = tmp_path / "other"
    other.mkdir()
    stranger = host_with_key(other, bytes(32))
    stranger.s3 = host.s3
    with pytest.raises(Damaged, match="sealed for another key than this stack's"):
        list(opened(stranger.ports(), HERE, "name"))


def test_a_source_that_fails_leaves_nothing_in_the_store(host: FakeHost) -> None:
    def pieces() -> Iterator[bytes]:
        yield CONTENT
        raise ValueError("pg_dump failed")

    with pytest.raises(ValueError, match="pg_dump failed"):
        put_sealed(host.ports(), HERE, "name", pieces(), RECIPIENT)
    assert not list(host.s3.objects(HERE, ""))


def test_a_missing_object_is_the_stores_word(host: FakeHost) -> None:
    with pytest.raises(StoreError) as caught:
        list(opened(host.ports(), HERE, "nothing"))
    assert caught.value.kind == "missing"


def stored(host: FakeHost, backup_id: str = "20261123T040000Z-00aa") -> Backup:
    """A backup of `shop` with its document."""
    ports = host.ports()
    found = sealed(host, backups.dump_key("shop", backup_id))
    backup = Backup(
        id=backup_id,
        project="shop",
        database="shop_db",
        at="2026-11-23T04:00:00Z",
        seconds=1.5,
        size=found.size,
        sha256=found.sha256,
        plain_sha256=found.plain_sha256,
        postgres="16.14",
        image="sha256:" + "0" * 64,
        sealed=backups.sealed_details(ports, DETAILS, RECIPIENT),
    )
    host.s3.put(HERE, backups.document_key("shop", backup_id), backups.document(ports, backup))
    return backup


def test_a_backup_is_read_back_with_what_is_known_of_it(host: FakeHost) -> None:
    backup = stored(host)
    found = backups.listed(host.ports(), HERE, "shop")
    assert found.backups == (backup,)
    assert not found.wrong
    assert backups.details(host.ports(), backup) == DETAILS
    assert b"".join(backups.dump(host.ports(), HERE, backup)) == CONTENT


def test_nothing_of_the_data_is_readable_in_a_document(host: FakeHost) -> None:
    stored(host)
    text = host.s3.content("backup", "database/shop/20261123T040000Z-00aa.json")
    assert b"20261123T040000Z-00aa" in text
    for word in (b"orders", b"hush", b"citext"):
        assert word not in text


def test_a_document_of_somebody_without_the_key_is_no_backup(host: FakeHost) -> None:
    backup = stored(host)
    stranger = FakeHost()
    stranger.put(paths.BACKUP_KEY, "AGE-SECRET-KEY-1STRANGER")
    forged = backups.document(stranger.ports(), replace(backup, plain_sha256="0" * 64))
    host.s3.put(HERE, "database/shop/20261123T040000Z-00aa.json", forged)
    found = backups.listed(host.ports(), HERE, "shop")
    assert not found.backups
    assert found.wrong == {
        "20261123T040000Z-00aa": "was not written with this stack's key, or was changed since"
    }


def test_what_only_looks_like_a_backup_is_told_and_kept_apart(host: FakeHost) -> None:
    good = stored(host)
    document = host.s3.content("backup", f"database/shop/{good.id}.json")

    def put(name: str, body: bytes) -> None:
        host.s3.put(HERE, f"database/shop/{name}", body)

    put("20261124T040000Z-0001.dump.zst.age", b"under way")
    put("20261124T040000Z-0002.json", b"no JSON")
    put("20261124T040000Z-0003.json", document)
    put("20261124T040000Z-0004.json", b"{" + b" " * (16 << 20) + b"}")
    put("20261124T040000Z-0005.json", b'{"version": 2}')
    put("../../etc/passwd", b"not ours")
    put("notes.txt", b"not ours")
    found = backups.listed(host.ports(), HERE, "shop")
    assert [backup.id for backup in found.backups] == [good.id]
    assert found.begun == ("20261124T040000Z-0001",)
    assert {key[-1]: why.partition(":")[0] for key, why in found.wrong.items()} == {
        "2": "is no document of a backup",
        "3": f"speaks of {good.id} of shop",
        "4": "is larger than any document of a backup (16777218 bytes)",
        "5": "is no document of a backup",
    }


@pytest.mark.parametrize(
    "content", [json.dumps({"version": 1, "mac": "é" * 64}).encode(), b"[" * 200_000, b'{"mac": "\\ud800"}']
)
def test_whatever_somebody_has_put_there_is_told_as_damaged(host: FakeHost, content: bytes) -> None:
    with pytest.raises(Damaged):
        backups.verified(host.ports(), content)
    with pytest.raises(Damaged):
        backups.read(host.ports(), content)


def test_a_database_of_fifty_thousand_tables_has_a_document_that_is_read(host: FakeHost) -> None:
    tables = {f'tenant_{number}."{"x" * 20}"': number for number in range(50_000)}
    ports, backup = host.ports(), stored(host)
    details = backups.sealed_details(ports, replace(DETAILS, rows=tables), RECIPIENT)
    document = backups.document(ports, replace(backup, sealed=details))
    host.s3.put(HERE, backups.document_key("shop", backup.id), document)
    (found,) = backups.listed(ports, HERE, "shop").backups
    assert backups.details(ports, found).rows == tables


def test_a_document_that_nobody_would_read_is_not_made(host: FakeHost) -> None:
    with pytest.raises(Failed, match="16 MiB are read"):
        backups.document(host.ports(), replace(stored(host), sealed="A" * (16 << 20)))


def test_a_dump_that_is_gone_or_has_another_size_is_told(host: FakeHost) -> None:
    backup = stored(host)
    key = backups.dump_key("shop", backup.id)
    host.s3.put(HERE, key, b"short")
    assert "its dump has 5" in backups.listed(host.ports(), HERE, "shop").wrong[backup.id]
    host.s3.delete(HERE, key)
    assert backups.listed(host.ports(), HERE, "shop").wrong[backup.id] == "has no dump beside it"


def test_the_key_is_in_no_word_of_a_program(host: FakeHost) -> None:
    stored(host)
    assert isinstance(host.pipes, Programs)
    identity = host.tell(paths.BACKUP_KEY) or ""
    assert SEED.hex() not in str(host.pipes.ran)
    assert identity
    assert identity not in str(host.pipes.ran)
