"""The verbs `restore` and `restore-undo` on a real PostgreSQL, with the real age and zstd."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from agent.backup.aside import noted
from agent.backup.snapshot import server_image
from agent.documents.errors import Failed
from agent.host import paths
from agent.host.ports import Result
from agent.restore import swap
from agent.restore.work import target
from agent.store import backups
from agent.store.record import read_backup_record
from agent.store.settings import load_settings
from tests.backup.databases import sql
from tests.backup.restoring import ROOM, Mortal, ask, backed_up, databases, fresh, server
from tests.postgres import Cluster
from tests.unit.agent.fakes.host import FakeHost, Killed
from tests.unit.agent.store.sealing import HERE, SECOND, Programs, needs_age

pytestmark = needs_age
COUNT = "SELECT count(*) FROM public.sales;\n"
ODD = '"odd ""schema"" | x"."new\nline\'; DROP TABLE sales; --"'
BOTH = {"till_db", "lab_db"}
FACTS = """
SELECT pg_get_userbyid(datdba), datcollate, datctype, encoding, datacl::text, datallowconn
FROM pg_database WHERE datname = 'till_db';
"""
SETTINGS = """
SELECT coalesce(rolname, '-'), setconfig
FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase LEFT JOIN pg_roles r ON r.oid = setrole
WHERE datname = 'till_db' ORDER BY 1;
"""
RELATIONS = """
SELECT nspname, pg_get_userbyid(relowner), relname, relacl::text
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname !~ '^(pg_|information)' ORDER BY 1, 3;
"""
EXTENSIONS = """
SELECT extname, nspname, obj_description(e.oid)
FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace ORDER BY 1;
"""
SCHEMAS = """
SELECT nspname, pg_get_userbyid(nspowner) FROM pg_namespace
WHERE nspname !~ '^pg_' AND nspname <> 'ext' ORDER BY 1;
"""
OWNERS = """
SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE nspname !~ '^(pg_|information)';
"""
MEMBERS = """
SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE rolname = 'codeb.restore';
"""
WATCHED = """
CREATE FUNCTION public.seen() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER watches ON ddl_command_end EXECUTE FUNCTION public.seen();
"""


@pytest.fixture
def host(tmp_path: Path, cluster: Cluster) -> FakeHost:
    fresh(cluster)
    return server(tmp_path, cluster)


@contextmanager
def connected(cluster: Cluster, database: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    with psycopg.connect(
        host="127.0.0.1", port=cluster.config["port"], user="postgres", password=cluster.config["password"],
        dbname=database, sslmode="require", autocommit=True,
    ) as connection:  # fmt: skip
        yield connection


def test_a_backup_takes_the_live_databases_place_and_what_was_there_is_kept(
    host: FakeHost, cluster: Cluster
) -> None:
    made = backed_up(host)
    before = [sql(cluster, "postgres", query) for query in (FACTS, SETTINGS)]
    assert all(before)
    sql(cluster, "till_db", "DELETE FROM public.sales WHERE id > 10;\nCREATE TABLE public.later (n int);\n")
    answer = ask(host, "restore", project="till", backup="newest")
    assert answer["ok"], answer
    assert (answer["what"], answer["rows"], answer["held"]) == (f"backup {made}", 1001, False)
    assert [each["phase"] for each in answer["told"]] == [
        "find", "room", "verify", "create", "load", "settings", "check", "swap",
    ]  # fmt: skip
    assert sql(cluster, "till_db", COUNT) == "1000\n"
    assert sql(cluster, "till_db", "SELECT to_regclass('public.later') IS NULL;\n") == "t\n"
    assert [sql(cluster, "postgres", query) for query in (FACTS, SETTINGS)] == before
    assert databases(cluster) == {*BOTH, "till_db_before_restore"}
    assert answer["kept_until"] == "2026-11-30T04:00:00Z"
    kept = read_backup_record(host.ports(), "till").kept
    assert kept
    assert (kept.until, kept.undone) == ("2026-11-30T04:00:00Z", False)
    assert kept.size > 1 << 20


def test_all_that_was_in_it_is_in_it_again_and_belongs_to_the_same(host: FakeHost, cluster: Cluster) -> None:
    backed_up(host)
    queries = [
        f"TABLE {ODD};\n",
        RELATIONS,
        EXTENSIONS,
        "SELECT obj_description('public.sales'::regclass), max(id), max(twice) FROM public.sales;\n",
        SCHEMAS,
        "SHOW search_path;\nSHOW app.jwt_secret;\n",
    ]
    before = [sql(cluster, "till_db", query) for query in queries]
    sql(cluster, "till_db", "DROP TABLE public.sales CASCADE;\n")
    assert ask(host, "restore", project="till", backup="newest")["ok"]
    assert [sql(cluster, "till_db", query) for query in queries] == before
    sql(cluster, "till_db", "INSERT INTO public.sales (name) VALUES ('next');\n")
    assert sql(cluster, "till_db", "SELECT max(id) FROM public.sales;\n") == "1001\n", "the sequence goes on"
    assert sql(cluster, "till_db", "SELECT count(*) > 0 FROM pg_stats WHERE tablename = 'sales';\n") == "t\n"


def test_others_stay_connected_and_the_live_databases_connections_end(
    host: FakeHost, cluster: Cluster
) -> None:
    backed_up(host)
    with connected(cluster, "lab_db") as other, connected(cluster, "till_db") as own:
        assert ask(host, "restore", project="till", backup="newest")["ok"]
        assert other.execute("SELECT 1").fetchone() == (1,)
        with pytest.raises(psycopg.OperationalError):
            own.execute("SELECT 1")


def test_an_undo_brings_the_live_database_back_and_run_again_it_stays(
    host: FakeHost, cluster: Cluster
) -> None:
    made = backed_up(host)
    sql(cluster, "till_db", "DELETE FROM public.sales WHERE id > 10;\n")
    refused = ask(host, "restore-undo", project="till")
    assert refused["cause"] == "nothing was put aside: there is no till_db_before_restore"
    assert ask(host, "restore", project="till", backup=made)["ok"]
    for changed in (True, False, False):
        answer = ask(host, "restore-undo", project="till", database="till_db")
        assert (answer["ok"], answer["changed"]) == (True, changed), answer
        assert sql(cluster, "till_db", COUNT) == "10\n"
        assert answer["what"] == f"restore of backup {made}"
    assert databases(cluster) == {*BOTH, "till_db_before_restore"}
    (listed,) = ask(host, "backups", project="till")["projects"]
    assert (listed["kept"]["kind"], listed["kept"]["until"]) == ("undone", "2026-11-30T04:00:00Z")
    audit = (host.tell(paths.AUDIT) or "").splitlines()
    assert [json.loads(line)["outcome"] for line in audit] == ["restore", "restore-undo"]
    assert json.loads(audit[0])["by"] == "admin@10.0.0.1"


def test_nobody_logs_in_to_what_is_kept_and_the_role_of_restores_is_shut_out(
    host: FakeHost, cluster: Cluster
) -> None:
    backed_up(host)
    assert ask(host, "restore", project="till", backup="newest")["ok"]
    with (
        pytest.raises(psycopg.OperationalError, match="not currently accepting"),
        connected(cluster, "till_db_before_restore"),
    ):
        pass
    role = (
        "SELECT rolcanlogin, rolsuper, rolpassword IS NULL FROM pg_authid WHERE rolname = 'codeb.restore';\n"
    )
    assert sql(cluster, "postgres", role) == "f|f|t\n"
    assert sql(cluster, "postgres", MEMBERS) == "0\n"
    assert not {paths.RESTORE_LOGIN, paths.RESTORE_LIST} & set(host.files)


def test_no_password_and_nothing_of_a_database_is_in_a_word_of_a_program_or_a_line_of_the_journal(
    host: FakeHost, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    backed_up(host)
    monkeypatch.setattr("agent.restore.fill.secrets.token_hex", lambda _: "password-of-this-run")
    into = {"project": "lab", "database": "lab_db"}
    answer = ask(host, "restore", project="till", backup="newest", into=into, scrub=SCRUB)
    assert answer["ok"], answer
    assert isinstance(host.pipes, Programs)
    shown = str([host.pipes.ran, host.calls, host.journal, host.tell(paths.AUDIT), answer])
    for secret in (cluster.config["password"], "password-of-this-run", "hush", "nobody", "Customer"):
        assert secret not in shown
    logins = [word for words in host.pipes.ran for word in words if word.startswith("--env=PGUSER=")]
    assert "--env=PGUSER=codeb.restore" in logins


def test_a_second_restore_drops_what_the_first_has_kept_only_when_it_is_told_to(
    host: FakeHost, cluster: Cluster
) -> None:
    backed_up(host)
    sql(cluster, "till_db", "DELETE FROM public.sales WHERE id > 10;\n")
    assert ask(host, "restore", project="till", backup="newest")["ok"]
    refused = ask(host, "restore", project="till", backup="newest")
    assert "till_db_before_restore is still there: restore of backup" in refused["cause"]
    assert "--replace" in refused["remedy"]
    assert ask(host, "restore", project="till", backup="newest", replace=True)["ok"]
    assert ask(host, "restore-undo", project="till")["ok"]
    assert sql(cluster, "till_db", COUNT) == "1000\n", "what the first restore brought"


def test_one_table_comes_beside_the_live_one_and_nothing_else_changes(
    host: FakeHost, cluster: Cluster
) -> None:
    backed_up(host)
    sql(cluster, "till_db", "DELETE FROM public.sales WHERE id > 10;\n")
    with connected(cluster, "till_db") as own:
        answer = ask(host, "restore", project="till", backup="newest", table="public.sales")
        assert own.execute("SELECT 1").fetchone() == (1,), "nobody is thrown out"
    assert (answer["ok"], answer["table"], answer["rows"]) == (True, "public.sales_restored", 1000), answer
    found = "SELECT count(*), max(twice), min(mood), pg_typeof(min(name)) FROM public.sales_restored;\n"
    assert sql(cluster, "till_db", found) == "1000|2000|good|citext\n"
    owner = "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'sales_restored';\n"
    assert sql(cluster, "till_db", owner) == "till\n"
    assert sql(cluster, "till_db", COUNT) == "10\n"
    assert databases(cluster) == BOTH
    again = ask(host, "restore", project="till", backup="newest", table="public.sales")
    assert "already exists" in again["cause"]
    assert "drop what is there" in again["remedy"]


def test_a_table_whose_name_and_rows_nobody_likes_comes_too(host: FakeHost, cluster: Cluster) -> None:
    backed_up(host)
    answer = ask(host, "restore", project="till", backup="newest", table=ODD)
    assert (answer["ok"], answer["rows"]) == (True, 1), answer
    assert sql(cluster, "till_db", f"TABLE {answer['table']};\n") == sql(
        cluster, "till_db", f"TABLE {ODD};\n"
    )
    missing = ask(host, "restore", project="till", backup="newest", table="public.nothing")
    assert "there was no table public.nothing" in missing["cause"]


SCRUB = "UPDATE public.sales SET name = 'nobody';\nDO $$ BEGIN ASSERT current_user = 'lab'; END $$;\n"


def test_another_project_gets_a_scrubbed_copy_with_its_own_settings(host: FakeHost, cluster: Cluster) -> None:
    backed_up(host)
    into = {"project": "lab", "database": "lab_db"}
    answer = ask(host, "restore", project="till", backup="newest", into=into, scrub=SCRUB)
    assert answer["ok"], answer
    assert (
        sql(cluster, "lab_db", "SELECT count(*), min(name), max(name) FROM public.sales;\n")
        == "1000|nobody|nobody\n"
    )
    assert sql(cluster, "lab_db", OWNERS) == "lab\n"
    assert (
        sql(cluster, "lab_db", "SHOW app.stage;\nSELECT current_setting('app.jwt_secret', true) IS NULL;\n")
        == "lab\nt\n"
    )
    assert (
        sql(cluster, "lab_db", "SELECT has_table_privilege('reader', 'public.sales', 'SELECT');\n") == "f\n"
    )
    assert "hstore" in sql(cluster, "lab_db", "SELECT extname FROM pg_extension;\n").split()
    assert databases(cluster) == {*BOTH, "lab_db_before_restore"}
    assert sql(cluster, "till_db", "SELECT max(name) FROM public.sales;\n") == "Customer 999\n", (
        "the source stays"
    )
    assert ask(host, "restore-undo", project="lab")["ok"]
    assert sql(cluster, "lab_db", "SELECT count(*) FROM public.own;\n") == "0\n"


@pytest.mark.parametrize(
    "scrub", ["UPDATE nothing SET x = 1;\n", "SELECT 'open", "RESET ROLE;\nALTER ROLE lab SUPERUSER;\n"]
)
def test_a_scrub_that_fails_leaves_everything_as_it_was(host: FakeHost, cluster: Cluster, scrub: str) -> None:
    backed_up(host)
    into = {"project": "lab", "database": "lab_db"}
    answer = ask(host, "restore", project="till", backup="newest", into=into, scrub=scrub)
    assert (answer["phase"], answer["put_back"]) == ("scrub", "nothing was changed"), answer
    assert databases(cluster) == BOTH
    assert sql(cluster, "lab_db", "SELECT count(*) FROM public.own;\n") == "0\n"
    assert sql(cluster, "postgres", "SELECT rolsuper FROM pg_roles WHERE rolname = 'lab';\n") == "f\n"


TRAP = """
SET ROLE till;
CREATE FUNCTION public.trap(n int) RETURNS bool LANGUAGE sql AS 'SELECT true';
CREATE TABLE public.trapped (n int CHECK (public.trap(n)));
INSERT INTO public.trapped VALUES (1);
CREATE OR REPLACE FUNCTION public.trap(n int) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
  BEGIN
    RESET ROLE;
    ALTER ROLE till SUPERUSER;
  EXCEPTION WHEN OTHERS THEN
    NULL;
  END;
  RETURN true;
END $$;
CREATE FUNCTION public.count(int) RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint';
"""


def test_what_a_project_has_put_into_its_database_never_runs_as_the_administrator(
    host: FakeHost, cluster: Cluster
) -> None:
    sql(cluster, "till_db", TRAP)
    backed_up(host)
    answer = ask(host, "restore", project="till", backup="newest")
    assert answer["ok"], answer
    assert sql(cluster, "till_db", "SELECT n FROM public.trapped;\n") == "1\n"
    assert sql(cluster, "postgres", "SELECT rolsuper FROM pg_roles WHERE rolname = 'till';\n") == "f\n"


def test_what_only_the_administrator_may_bring_comes_when_he_says_so(
    host: FakeHost, cluster: Cluster
) -> None:
    sql(cluster, "till_db", WATCHED)
    backed_up(host)
    refused = ask(host, "restore", project="till", backup="newest")
    assert refused["phase"] == "load"
    assert "--as-admin" in refused["remedy"]
    assert any("watches" in line for line in refused["log"]), refused
    assert databases(cluster) == BOTH
    answer = ask(host, "restore", project="till", backup="newest", as_admin=True)
    assert answer["ok"], answer
    assert sql(cluster, "till_db", "SELECT evtname FROM pg_event_trigger;\n") == "watches\n"


def test_a_damaged_backup_comes_from_the_next_store_and_when_all_are_damaged_nothing_changes(
    host: FakeHost, cluster: Cluster
) -> None:
    made = backed_up(host)
    key = backups.dump_key("till", made)

    def flip(bucket: str) -> None:
        kept = host.s3.versions_of[bucket]
        place = next(n for n, (found, _) in enumerate(kept) if found.key == key)
        found, body = kept[place]
        kept[place] = (found, body[:-9] + bytes([body[-9] ^ 1]) + body[-8:])

    flip(HERE.bucket)
    answer = ask(host, "restore", project="till", backup=made)
    assert answer["ok"], answer
    assert [each["store"] for each in answer["told"] if each["phase"] == "verify"] == ["here", "second"]
    assert any(warning.startswith("here: ") for warning in answer["warnings"])
    flip(SECOND.bucket)
    sql(cluster, "till_db", "DELETE FROM public.sales WHERE id > 10;\n")
    refused = ask(host, "restore", project="till", backup=made, replace=True)
    assert refused["phase"] == "verify"
    assert "here: " in refused["cause"]
    assert "second: " in refused["cause"]
    assert sql(cluster, "till_db", COUNT) == "10\n"
    assert databases(cluster) == {*BOTH, "till_db_before_restore"}


def test_a_dry_run_and_a_disk_without_room_change_nothing(host: FakeHost, cluster: Cluster) -> None:
    made = backed_up(host)
    oids = "SELECT datname, oid FROM pg_database ORDER BY 1;\n"
    before = sql(cluster, "postgres", oids)
    answer = ask(host, "restore", project="till", backup="newest", dry_run=True)
    assert (answer["ok"], answer["what"], answer["dry_run"], answer["free"]) == (
        True,
        f"backup {made}",
        True,
        10 << 30,
    )
    assert answer["size"] > 1 << 20, "what the database took on disk"
    host.answers[ROOM] = Result(0, "     Avail\n1000000\n")
    for dry in (True, False):
        refused = ask(host, "restore", project="till", backup="newest", dry_run=dry)
        assert refused["phase"] == "room"
        assert "0 MiB are free" in refused["cause"]
    assert sql(cluster, "postgres", oids) == before


def test_what_there_is_not_is_said(host: FakeHost) -> None:
    assert "there is no backup" in ask(host, "restore", project="till", backup="newest")["cause"]
    assert (
        "has no database that is backed up" in ask(host, "restore", project="shop", backup="newest")["cause"]
    )
    other = {"project": "blog", "database": "blog_db"}
    assert (
        "blog has no database blog_db"
        in ask(host, "restore", project="till", backup="newest", into=other)["cause"]
    )
    held = ask(host, "restore", project="till", at="2026-11-23T03:00:00Z")
    assert "there is no archive" in held["cause"]


def test_requests_wait_where_there_is_a_caddy(host: FakeHost) -> None:
    backed_up(host)
    host.put(paths.HOLD, "table inet codeb_hold {\n}\n")
    answer = ask(host, "restore", project="till", backup="newest")
    assert answer["held"] is True
    calls = [" ".join(call) for call in host.calls if call[0] == "nft"]
    assert calls == ["nft -f /etc/codeb/hold.nft", "nft delete table inet codeb_hold"]
    assert paths.DRAINING not in host.files


def test_when_nobody_waits_any_more_it_is_given_up_before_the_swap(host: FakeHost, cluster: Cluster) -> None:
    backed_up(host)
    sql(cluster, "till_db", "DELETE FROM public.sales WHERE id > 10;\n")
    host.gone = "the session has ended"
    answer = ask(host, "restore", project="till", backup="newest")
    assert not answer["ok"]
    assert databases(cluster) == BOTH
    assert sql(cluster, "till_db", COUNT) == "10\n"


def test_a_killed_restore_leaves_one_of_both_and_the_next_run_leaves_nothing_else(
    host: FakeHost, cluster: Cluster
) -> None:
    """Killed before each program that it runs, until it isn't any more."""
    made = backed_up(host)
    sql(cluster, "till_db", "DELETE FROM public.sales WHERE id > 10;\n")
    pipes, step = host.pipes, 0
    while True:
        host.pipes = Mortal(pipes, step)
        try:
            answer = ask(host, "restore", project="till", backup=made, replace=True)
            assert answer["ok"], answer
            done = True
        except Killed:
            done = False
        host.pipes = pipes
        assert sql(cluster, "till_db", COUNT) in ("10\n", "1000\n"), step
        if done:
            break
        step += 1
    assert step > 10, "there were that many places"
    answer = ask(host, "restore", project="till", backup=made, replace=True)
    assert answer["ok"], answer
    assert sql(cluster, "till_db", COUNT) == "1000\n"
    assert databases(cluster) == {*BOTH, "till_db_before_restore"}


def test_what_a_killed_run_has_begun_and_what_was_kept_long_enough_goes_with_the_next_backup(
    host: FakeHost, cluster: Cluster
) -> None:
    backed_up(host)
    assert ask(host, "restore", project="till", backup="newest")["ok"]
    note = json.dumps({"codeb": "restoring", "what": "", "by": "", "at": "", "until": ""})
    sql(
        cluster,
        "postgres",
        f"CREATE DATABASE lab_db_restoring;\nCOMMENT ON DATABASE lab_db_restoring IS '{note}';\n",
    )
    sql(cluster, "postgres", "CREATE DATABASE till_db_restoring;\n")
    backed_up(host)
    assert databases(cluster) == {*BOTH, "till_db_before_restore", "till_db_restoring"}, (
        "that one is nobody's of ours"
    )
    host.time += 7 * 86_400 + 1
    backed_up(host)
    assert databases(cluster) == {*BOTH, "till_db_restoring"}
    assert read_backup_record(host.ports(), "till").kept is None
    sql(cluster, "postgres", "DROP DATABASE till_db_restoring;\n")


def test_a_database_that_a_swap_has_left_closed_is_opened_by_the_next_run(
    host: FakeHost, cluster: Cluster
) -> None:
    note = json.dumps({"codeb": "swapping", "what": "", "by": "", "at": "", "until": ""})
    closed = f"COMMENT ON DATABASE till_db IS '{note}';\nALTER DATABASE till_db ALLOW_CONNECTIONS false;\n"
    sql(cluster, "postgres", closed)
    backed_up(host, "lab")
    assert sql(cluster, "till_db", COUNT) == "1000\n"
    backed_up(host)
    sql(cluster, "postgres", closed)
    assert ask(host, "restore", project="till", backup="newest")["ok"]


def test_a_swap_that_postgresql_refuses_leaves_the_live_database_open_under_its_name(
    host: FakeHost, cluster: Cluster
) -> None:
    ports, settings = host.ports(), load_settings(host.ports())
    image = server_image(ports, settings.server)
    found = target(ports, settings, image, "till", "till_db")
    with connected(cluster, "till_db"), pytest.raises(Failed, match="ended with status") as caught:
        swap.restored(ports, settings, image, found, noted("before", "a test", "ann", ports.clock.now()))
    assert any("till_db_restoring" in line for line in caught.value.failure.log), "there is no such database"
    assert sql(cluster, "till_db", COUNT) == "1000\n"
    assert databases(cluster) == BOTH
    comment = "SELECT count(*) FROM pg_shdescription d JOIN pg_database b ON b.oid = objoid WHERE datname = 'till_db';\n"
    assert sql(cluster, "postgres", comment) == "0\n"
