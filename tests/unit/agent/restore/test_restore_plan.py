"""What a restore is asked for and whether it may begin, without a machine."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent.backup.aside import BEFORE, KEPT, Database, Note, before, noted, read_note
from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import Reader
from agent.host.pipes import Ended, PipeBroken
from agent.restore import programs, queries
from agent.restore.document import read_undo, read_wanted
from agent.restore.plan import (
    SPARE,
    chosen,
    compared,
    estimate,
    refuse_crowded,
    refuse_kept,
    refuse_newer,
)
from agent.restore.work import refused
from agent.store.backups import Backup, Details, Listing
from agent.store.settings import Server, Store
from tests.unit.agent.store.sealing import HERE, SECOND

OLD, NEW = "20261126T030000Z-00aa", "20261127T030000Z-00aa"
STORES = Store("here", HERE), Store("second", SECOND)
HOSTILE = "x'; DROP TABLE orders; --\\\n\\! touch /tmp/hurt\n:'document' $swap$"


def wanted(**changes: object) -> Any:
    found = {"project": "shop", "backup": "newest", **changes}
    return read_wanted(Reader({key: value for key, value in found.items() if value is not None}, ""), "ann")


def backup(backup_id: str, size: int = 100) -> Backup:
    return Backup(backup_id, "shop", "shop_db", "2026-11-26T03:00:00Z", 1.0, size, "", "", "16.14", "x", "")


def document_of(statements: str) -> dict[str, Any]:
    """What a query sends along; the rest of its first line is nothing but base64."""
    first, _, _ = statements.partition("\n")
    name, _, text = first.removeprefix("\\set ").partition(" ")
    assert name == "document"
    return dict(json.loads(base64.b64decode(text.strip("'"), validate=True)))


@pytest.mark.parametrize(
    "changes",
    [
        {"backup": None},
        {"at": "2026-11-27T12:00:00Z"},
        {"backup": None, "at": "2026-11-27T12:00:00+00:00"},
        {"backup": None, "at": "2026-13-27T12:00:00Z"},
        {"backup": "../../other"},
        {"backup": "20261127T030000Z-00aa.dump"},
        {"project": "shop; whoami"},
        {"into": {"project": "shop", "database": "shop_db"}},
        {"into": {"project": "blog", "database": 'blog_db"; DROP DATABASE shop_db; --'}},
        {"into": {"project": "blog"}},
        {"table": "orders"},
        {"table": "public.orders; DROP TABLE orders"},
        {"table": "public.orders", "into": {"project": "blog", "database": "blog_db"}},
        {"table": "public.orders", "replace": True},
        {"scrub": "SELECT 1"},
        {"scrub": "", "into": {"project": "blog", "database": "blog_db"}},
        {"scrub": " \n", "into": {"project": "blog", "database": "blog_db"}},
        {"scrub": "x" * (1 << 20) + "x", "into": {"project": "blog", "database": "blog_db"}},
        {"force": True},
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_touched(changes: dict[str, object]) -> None:
    with pytest.raises(BadDocument):
        wanted(**changes)


def test_a_moment_and_a_table_are_read() -> None:
    found = wanted(backup=None, at="2026-11-27T12:00:00.5Z", table='public."odd ""name"""')
    assert found.at == datetime(2026, 11, 27, 12, 0, 0, 500_000, UTC)
    assert found.table == 'public."odd ""name"""'
    assert found.by == "ann"


def test_a_scrub_is_in_no_words_about_a_restore() -> None:
    found = wanted(scrub="UPDATE users SET mail = 'hush'", into={"project": "blog", "database": "blog_db"})
    assert "hush" not in repr(found)


def test_an_undo_names_a_project_and_maybe_its_database() -> None:
    assert read_undo(Reader({"project": "shop"}, ""), "ann").database == ""
    with pytest.raises(BadDocument):
        read_undo(Reader({"project": "shop", "database": "shop-db"}, ""), "ann")


def test_the_newest_backup_comes_from_every_store_that_has_it() -> None:
    here, second = Listing((backup(OLD),)), Listing((backup(NEW), backup(OLD)))
    found = chosen("newest", [(STORES[0], here), (STORES[1], second)], [])
    assert (found.backup.id, [store.name for store in found.stores]) == (NEW, ["second"])
    found = chosen(OLD, [(STORES[0], here), (STORES[1], second)], [])
    assert [store.name for store in found.stores] == ["here", "second"]


def test_a_store_whose_backup_of_the_same_name_is_another_one_is_left_out() -> None:
    listings = [(STORES[0], Listing((backup(OLD),))), (STORES[1], Listing((backup(OLD, 7),)))]
    assert [store.name for store in chosen(OLD, listings, []).stores] == ["here"]


def test_a_backup_that_is_not_there_is_said_with_why() -> None:
    listings = [(STORES[0], Listing(wrong={OLD: "was changed"}))]
    with pytest.raises(Failed) as caught:
        chosen(OLD, listings, ["second can't be asked: gave no answer"])
    cause = caught.value.failure.cause
    assert cause == f"there is no backup {OLD}; here: it was changed; second can't be asked: gave no answer"
    with pytest.raises(Failed, match="there is no backup"):
        chosen("newest", [], [])


def test_the_room_that_it_takes_is_known_or_guessed_high() -> None:
    assert estimate(backup(OLD, 100), Details({}, "shop", size=5000)) == 5000
    assert estimate(backup(OLD, 100), Details({}, "shop")) == 800
    refuse_crowded(1000, 1200 + SPARE)
    with pytest.raises(Failed, match=r"1024 MiB beside what is there, and 1023 MiB are free"):
        refuse_crowded(1000, SPARE - 1)


@pytest.mark.parametrize(("made", "runs"), [("16.14", "16.2"), ("15.9", "16.2"), ("16", "17.1 (Debian)")])
def test_a_dump_is_read_by_its_own_version_and_later_ones(made: str, runs: str) -> None:
    refuse_newer(made, runs)
    if made[:2] != runs[:2]:
        with pytest.raises(Failed, match="can't read it"):
            refuse_newer(runs, made)


def test_what_an_earlier_restore_has_put_aside_goes_only_when_somebody_says_so() -> None:
    note = noted("before", "restore of backup x", "ann", datetime(2026, 11, 27, tzinfo=UTC))
    kept = Database("shop_db_before_restore", 1, "shop", open=False, note=note)
    refuse_kept(None, "shop", replace=False)
    refuse_kept(kept, "shop", replace=True)
    with pytest.raises(
        Failed, match=r"restore of backup x by ann at 2026-11-27T00:00:00Z.*goes at 2026-12-04T00:00:00Z"
    ):
        refuse_kept(kept, "shop", replace=False)


def test_a_note_comes_back_as_it_was_and_other_comments_are_none() -> None:
    note = noted("before", HOSTILE, "ann", datetime(2026, 11, 27, tzinfo=UTC))
    assert read_note(note.text()) == note
    assert note.over == datetime(2026, 11, 27, tzinfo=UTC) + KEPT == datetime(2026, 12, 4, tzinfo=UTC)
    for other in ("", "our shop", "[1]", '{"codeb": "before"}', "{"):
        assert read_note(other) is None
    assert Note("before", until="for ever").over is None


def test_a_name_that_postgresql_would_cut_is_refused() -> None:
    assert len(before("x" * (63 - len(BEFORE)))) == 63
    with pytest.raises(Failed, match="too long"):
        before("x" * (64 - len(BEFORE)))


def details(**changes: Any) -> Details:
    found = {
        "rows": {"public.a": 1, "public.b": 2},
        "owner": "shop",
        "settings": ("x.y=1",),
        "extensions": {"citext": "1.6"},
    }
    return Details(**{**found, **changes})


def test_a_database_that_is_as_it_was_passes_and_another_version_of_an_extension_is_told() -> None:
    assert compared(details(), details(), "shop", settings=True) == []
    newer = details(extensions={"citext": "1.7", "plpgsql": "1.0"})
    assert compared(details(), newer, "shop", settings=True) == ["extension citext is 1.7 now, and was 1.6"]
    assert compared(details(), details(settings=()), "shop", settings=False) == []


@pytest.mark.parametrize(
    ("found", "cause"),
    [
        (details(rows={"public.a": 1}), "public.b has no rows, and had 2"),
        (details(rows={"public.a": 0, "public.b": 2}), "public.a has 0 rows, and had 1"),
        (details(rows={"public.a": 1, "public.b": 2, "public.c": 0}), "public.c was not in it"),
        (details(extensions={}), "extension citext is missing"),
        (details(owner="postgres"), "its owner is postgres, and should be shop"),
        (details(settings=("x.y=2",)), "settings differ: x.y"),
    ],
)
def test_a_database_that_is_not_as_it_was_is_refused(found: Details, cause: str) -> None:
    with pytest.raises(Failed, match=cause):
        compared(details(), found, "shop", settings=True)


def test_the_values_of_settings_are_in_no_error() -> None:
    with pytest.raises(Failed) as caught:
        compared(details(settings=("app.key=hush",)), details(), "shop", settings=True)
    assert "hush" not in str(caught.value.failure)


@pytest.mark.parametrize(
    "statements",
    [
        queries.create(HOSTILE, HOSTILE, HOSTILE),
        queries.login(HOSTILE, HOSTILE),
        queries.role(HOSTILE),
        queries.extensions([HOSTILE]),
        queries.settings(HOSTILE, HOSTILE, [f"a={HOSTILE}"], {HOSTILE: [f"b={HOSTILE}"]}),
        queries.swap(HOSTILE, [(HOSTILE, HOSTILE)], HOSTILE, HOSTILE, HOSTILE),
        queries.table(HOSTILE),
    ],
)
def test_nothing_from_outside_is_among_statements_but_as_base64(statements: str) -> None:
    assert "hurt" not in statements
    assert HOSTILE in json.loads(json.dumps(list(_texts(document_of(statements)))))


def test_a_setting_is_cut_at_its_first_sign_of_equality() -> None:
    sent = document_of(queries.settings("live", "new", ["a.b=c=d"], {"shop": ["search_path=x"]}))
    assert sent["settings"] == [
        {"role": "", "name": "a.b", "value": "c=d"},
        {"role": "shop", "name": "search_path", "value": "x"},
    ]
    assert document_of(queries.settings("live", "new", None, {}))["settings"] is None


def test_rows_that_postgresql_shows_in_its_errors_are_in_none_of_ours() -> None:
    said = (
        'pg_restore: error: COPY failed for table "users": ERROR:  duplicate key value\n'
        "DETAIL:  Key (mail)=(ann@example.com) already exists.\nCONTEXT:  COPY users, line 1: ann@example.com\n"
        "Command was: INSERT INTO users VALUES ('ann@example.com')\n"
    )
    found = refused("load", PipeBroken([Ended("podman", 1, said)]), "run again").failure
    assert found.cause.startswith("podman ended with status 1: pg_restore: error: COPY failed")
    assert "ann@" not in str(found)
    assert refused("load", PipeBroken([Ended("podman", 130)]), "look").failure.interrupted


SERVER = Server("docker.io/library/postgres:16-alpine", "postgres", "127.0.0.1", 5432)


def test_a_dump_is_brought_as_the_owner_and_as_the_administrator_only_when_somebody_says_so() -> None:
    words = programs.bring(
        SERVER, "1" * 64, "shop_db_restoring", "shop", foreign=False, data_only=False, as_admin=False
    )
    assert {"--env=PGUSER=codeb.restore", "--no-owner", "--role=shop", "--exit-on-error"} <= set(words)
    assert not any(word.startswith("--volume=/etc/codeb/secrets/backup.pgpass") for word in words)
    words = programs.bring(
        SERVER, "1" * 64, "shop_db_restoring", "shop", foreign=False, data_only=False, as_admin=True
    )
    assert "--env=PGUSER=postgres" in words
    assert "--role=shop" not in words


def test_a_copy_brings_no_rights_of_others() -> None:
    words = programs.bring(
        SERVER, "1" * 64, "blog_db_restoring", "blog", foreign=True, data_only=False, as_admin=True
    )
    assert {"--no-privileges", "--no-owner", "--role=blog"} <= set(words)


def _texts(value: object) -> Any:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for each in value.values() for text in _texts(each))
    elif isinstance(value, list):
        yield from (text for each in value for text in _texts(each))


def test_what_is_kept_stays_a_week() -> None:
    assert timedelta(days=7) == KEPT
