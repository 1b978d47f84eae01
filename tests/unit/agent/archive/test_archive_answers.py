"""What PostgreSQL and files say is read strictly."""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from agent.archive import base, cluster, queries, state
from agent.archive.cluster import verifier
from agent.archive.state import State
from agent.documents.errors import Failed
from agent.host import paths
from tests.unit.agent.fakes.host import FakeHost

FACTS = {
    "system": "7712984846297337775",
    "timeline": 1,
    "version": "160014",
    "segment": 16 << 20,
    "lsn": "1/2A000060",
    "slot": {"status": "reserved", "behind": 4096},
}


def test_facts_are_values() -> None:
    found = cluster.read_facts(json.dumps(FACTS))

    assert (found.version, found.lsn, found.slot, found.behind) == (
        16,
        (1 << 32) + 0x2A000060,
        "reserved",
        4096,
    )
    assert cluster.read_facts(json.dumps({**FACTS, "slot": None})).slot == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {"system": "../../7"},
        {"system": 7},
        {"lsn": "x"},
        {"version": "16"},
        {"slot": {"status": "odd", "behind": 0}},
        {"segment": 64 << 20},
        {"timeline": 0},
    ],
)
def test_another_answer_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(Failed, match=r"makes no sense|segments of 67108864 bytes"):
        cluster.read_facts(json.dumps({**FACTS, **wrong}))


@pytest.mark.parametrize("text", ["", "[]", "no", "null"])
def test_no_answer_is_refused(text: str) -> None:
    with pytest.raises(Failed, match="makes no sense"):
        cluster.read_facts(text)


MANIFEST = b"""{ "PostgreSQL-Backup-Manifest-Version": 1,
"Files": [],
"WAL-Ranges": [
{ "Timeline": 1, "Start-LSN": "0/2000028", "End-LSN": "0/2000100" }
],
"Manifest-Checksum": "7a5b"}
"""


def test_the_manifest_says_which_wal_a_base_backup_takes() -> None:
    assert base.read_range(b"\0" * 512 + MANIFEST + b"\0" * 1024) == base.Range(1, 0x2000028, 0x2000100)


@pytest.mark.parametrize(
    "end",
    [
        b"",
        MANIFEST[:-80],
        MANIFEST.replace(b"0/2000028", b"2000028"),
        MANIFEST.replace(b'"Timeline": 1', b'"Timeline": []'),
        MANIFEST.replace(
            b'"0/2000100" }', b'"0/2000100" }, { "Timeline": 2, "Start-LSN": "0/3", "End-LSN": "0/4" }'
        ),
        MANIFEST.replace(b"[\n{", b"{").replace(b"}\n]", b"}"),
    ],
)
def test_a_base_backup_that_doesn_t_say_so_is_none(end: bytes) -> None:
    with pytest.raises(Failed, match="isn't whole, or spans a change of timeline"):
        base.read_range(end)


# RFC 7677, section 3: the exchange of user `user` with password `pencil`.
SALT = "W22ZaJ0SNY7soEsUEjb6gQ=="
NONCE = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
EXCHANGE = f"n=user,r=rOprNGfwEbeRWgbNEkqO,r={NONCE},s={SALT},i=4096,c=biws,r={NONCE}"
SIGNATURE = "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def test_a_verifier_is_the_one_of_the_standard() -> None:
    scheme, salt, keys = verifier("pencil", base64.b64decode(SALT)).split("$")
    _, server = (base64.b64decode(key) for key in keys.split(":"))

    assert (scheme, salt) == ("SCRAM-SHA-256", f"4096:{SALT}")
    assert base64.b64encode(hmac.digest(server, EXCHANGE.encode(), "sha256")).decode() == SIGNATURE
    assert "pencil" not in verifier("pencil")


def test_another_text_than_a_verifier_reaches_no_statement() -> None:
    with pytest.raises(ValueError, match="no verifier"):
        queries.role("x'; DROP ROLE postgres; --")
    assert verifier("A" * 40) in queries.role(verifier("A" * 40))


NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
SYSTEM = "7712984846297337775"
KNOWN = State(NOW, SYSTEM, "reserved", 1, 2, "", {"here": NOW - timedelta(seconds=5), "second": None})


def test_what_is_known_is_kept() -> None:
    host = FakeHost()

    state.save(host.ports(), replace(KNOWN, told=True))

    assert state.load(host.ports()) == replace(KNOWN, told=True)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"at": 7}', b"\xff"])
def test_what_can_t_be_read_is_not_known(content: bytes) -> None:
    host = FakeHost()
    assert state.load(host.ports()) is None
    host.ports().files.write(paths.ARCHIVE_STATE, content, 0o600)

    assert state.load(host.ports()) is None


def test_an_archive_is_late_when_more_than_a_minute_would_be_lost() -> None:
    assert KNOWN.late(NOW + timedelta(seconds=55)) == ""
    assert "the archive ends 66 s ago" in KNOWN.late(NOW + timedelta(seconds=61))
    assert replace(KNOWN, reached={"here": None}).late(NOW) == "nothing has been shipped yet"
    assert replace(KNOWN, reached={}, problem="no room").late(NOW) == "no room"
