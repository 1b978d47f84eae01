"""The verb `upgrade` from a real PostgreSQL 16 to a real 17, and back."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from agent.bundle import majors
from agent.bundle.document import File
from agent.documents.errors import Failed
from agent.host import paths
from agent.host.pipes import run
from agent.store import backups
from agent.store.settings import load_settings
from agent.upgrade import copies, journal, turnover
from agent.upgrade.programs import BESIDE
from tests.services.stack import Stack
from tests.unit.agent.fakes.host import Killed
from tests.upgrade.conftest import PASSWORD, ask, sql, tried
from tests.upgrade.machine import NEW, OLD, Host

RELATIONS = """
SELECT nspname, pg_get_userbyid(relowner), relname, relkind, relacl::text, relrowsecurity, relforcerowsecurity
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname !~ '^(pg_|information)' ORDER BY 1, 3;
SELECT nspname, pg_get_userbyid(nspowner), nspacl::text FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1;
SELECT extname, nspname, obj_description(e.oid) FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace ORDER BY 1;
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1;
SELECT polname, pg_get_expr(polqual, polrelid) FROM pg_policy ORDER BY 1;
SHOW search_path;
SHOW default_transaction_read_only;
SHOW app.jwt_secret;
"""
ROWS = """
SELECT count(*), max(id), max(twice), max(name) FROM public.sales;
TABLE public.counted;
TABLE "odd ""schema"" | x"."new
line'; DROP TABLE sales; --";
SELECT convert_from(lo_get(oid), 'UTF8') FROM pg_largeobject_metadata;
"""
DATABASES = """
SELECT datname, pg_get_userbyid(datdba), (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(datacl) a),
  datcollate, datctype, encoding, datconnlimit, datistemplate,
  shobj_description(oid, 'pg_database') FROM pg_database ORDER BY 1;
SELECT coalesce(datname, '-'), coalesce(rolname, '-'), s.setconfig FROM pg_db_role_setting s
LEFT JOIN pg_database d ON d.oid = setdatabase LEFT JOIN pg_roles r ON r.oid = setrole
WHERE coalesce(rolname, '') <> 'codeb.restore' ORDER BY 1, 2;
SELECT rolname, rolpassword, rolsuper, rolcanlogin FROM pg_authid WHERE rolname !~ '^(pg_|codeb.restore$)' ORDER BY 1;
SELECT pg_get_userbyid(roleid), pg_get_userbyid(member), inherit_option, set_option FROM pg_auth_members
WHERE pg_get_userbyid(roleid) !~ '^pg_' ORDER BY 1, 2;
SHOW work_mem;
SHOW data_checksums;
SELECT rolcanlogin FROM pg_roles WHERE rolname = 'codeb.restore' AND rolcanlogin;
"""
UNLOGGED = "SET ROLE blog;\nCREATE UNLOGGED TABLE public.seen AS SELECT 1 AS n;\n"
WRITABLE = "SET ROLE blog;\nCREATE TABLE public.later AS SELECT 1;\n"
MANY = "SET ROLE blog;\nCREATE TABLE public.big AS SELECT n, repeat(md5(n::text), 20) t FROM generate_series(1, 60000) n;\n"


def facts(machine: Host) -> list[str]:
    """All that is to be the same. An owner has one more right in 17 (`m`, MAINTAIN)."""
    found = sql(machine, DATABASES) + "".join(sql(machine, query, "till_db") for query in (RELATIONS, ROWS))
    return found.replace("=arwdDxtm/", "=arwdDxt/").splitlines()


def test_all_databases_are_served_by_the_new_version_as_they_were(machine: Host, stack: Stack) -> None:
    before = facts(machine)
    assert "16" in sql(machine, "SHOW server_version;\n")
    answer = ask(machine, to=NEW)
    assert answer["ok"], answer
    assert (answer["from"], answer["to"], answer["rows"], answer["warnings"]) == (16, 17, 1009, [])
    assert sql(machine, "SHOW server_version;\n").startswith("17.")
    assert facts(machine) == before
    assert sql(machine, "SELECT 1;\n", "till_db", "till", "till's own") == "1\n"
    assert sql(machine, "SELECT current_user;\n", "till_db", "till.2", "of two") == "till\n"
    writes = "SET default_transaction_read_only = off;\nINSERT INTO public.sales (name) VALUES ('next') RETURNING id;\n"
    assert sql(machine, writes, "till_db", "till", "till's own") == "1001\n", "the sequence goes on"
    assert sql(machine, "SELECT count(*) > 0 FROM pg_stats WHERE tablename = 'sales';\n", "till_db") == "t\n"
    assert [each["phase"] for each in answer["told"] if "project" not in each][:5] == [
        "look", "beside", "read-only", "roles", "count",
    ]  # fmt: skip
    assert (answer["kept"], _major(machine, "-16"), _major(machine)) == (
        "/srv/codeb/postgres-16",
        "16\n",
        "17\n",
    )
    assert machine.ports.files.listing(paths.UPGRADE_FOLDER) == []
    _as_the_bundle_of_the_new_image(machine, stack)


def _as_the_bundle_of_the_new_image(machine: Host, stack: Stack) -> None:
    """What the agent has written is what the next bundle has: it changes nothing, and is let through."""
    read = machine.ports.files.read
    unit = stack.file(paths.POSTGRES_UNIT)
    assert (read(paths.POSTGRES_UNIT) or b"").decode() == unit.replace(OLD, NEW)
    rendered = json.loads(stack.file(paths.BACKUP_SETTINGS))
    assert json.loads(read(paths.BACKUP_SETTINGS) or b"").keys() == rendered.keys()
    assert load_settings(machine.ports).server.image == NEW
    text = stack.file(paths.BACKUP_SETTINGS).replace(OLD, NEW)
    assert text == json.dumps(json.loads(text), indent=1) + "\n", "the agent writes it as the bundle does"
    with pytest.raises(Failed) as refused:
        majors.check(machine.ports, (File(paths.POSTGRES_UNIT, 0o644, "root:root", unit.encode()),))
    assert refused.value.failure.remedy == f"set `codeb:images.postgres` to {NEW}"


def _major(machine: Host, suffix: str = "") -> str:
    return (machine.ports.files.read(f"{paths.POSTGRES}{suffix}/PG_VERSION") or b"").decode()


def test_a_bundle_with_an_image_of_another_version_is_refused_before_anything_is_written(
    machine: Host, stack: Stack
) -> None:
    text = stack.file(paths.POSTGRES_UNIT).replace(OLD, NEW)
    with pytest.raises(Failed) as refused:
        majors.check(machine.ports, (File(paths.POSTGRES_UNIT, 0o644, "root:root", text.encode()),))
    failure = refused.value.failure
    assert "files are of version 16" in failure.cause
    assert f"codeb upgrade postgres --to {NEW}" in failure.remedy
    same = text.replace(NEW, OLD).replace("[Unit]", "# changed\n[Unit]")
    majors.check(machine.ports, (File(paths.POSTGRES_UNIT, 0o644, "root:root", same.encode()),))


class Writer(threading.Thread):
    """An app that writes and reads all the time, and connects anew when it has to."""

    def __init__(self, machine: Host) -> None:
        super().__init__(daemon=True)
        self.port, self.over = machine.machine.port, threading.Event()
        self.written: set[int] = set()
        self.said: dict[str, int] = {}
        self.read_while_closed = 0

    def run(self) -> None:
        number = 0
        while not self.over.is_set():
            try:
                with psycopg.connect(
                    host="127.0.0.1", port=self.port, user="blog", password="x", dbname="blog_db", sslmode="require",
                    autocommit=True, connect_timeout=5,
                ) as connection:  # fmt: skip
                    while not self.over.is_set():
                        number += 1
                        self._once(connection, number)
            except psycopg.OperationalError:
                time.sleep(0.02)

    def _once(self, connection: psycopg.Connection[Any], number: int) -> None:
        try:
            connection.execute("INSERT INTO public.posts VALUES (%s)", [number])
            self.written.add(number)
        except psycopg.errors.ReadOnlySqlTransaction as error:
            state = error.sqlstate or "?"
            self.said[state] = self.said.get(state, 0) + 1
            self.read_while_closed += connection.execute("SELECT count(*) > 0 FROM public.posts").rowcount
        time.sleep(0.005)


def test_what_an_app_was_told_is_written_is_there_and_meanwhile_it_reads(machine: Host) -> None:
    sql(machine, MANY, "blog_db")
    writer = Writer(machine)
    writer.start()
    answer = ask(machine, to=NEW)
    assert answer["ok"], answer
    after = max(writer.written)
    _until(lambda: max(writer.written) > after, "it writes into the new version")
    writer.over.set()
    writer.join()
    there = {int(line) for line in sql(machine, "TABLE public.posts;\n", "blog_db").split()}
    assert writer.written <= there
    assert there <= writer.written | {max(writer.written) + 1}
    assert set(writer.said) == {"25006"}
    assert writer.said["25006"] > 10
    assert writer.said["25006"] - writer.read_while_closed <= 1, "a read that the switch cuts off"


def _until(found: Callable[[], object], what: str) -> None:
    end = time.monotonic() + 60
    while not found():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def test_the_way_back_leads_to_what_was_and_says_where_the_rest_is(machine: Host) -> None:
    before = facts(machine)
    assert ask(machine, to=NEW)["ok"]
    sql(machine, WRITABLE, "blog_db")
    answer = ask(machine, back=True)
    assert answer["ok"], answer
    assert answer["changed"] is True
    assert sql(machine, "SHOW server_version;\n").startswith("16.")
    assert facts(machine) == before
    assert sql(machine, "SELECT to_regclass('public.later') IS NULL;\n", "blog_db") == "t\n"
    sql(machine, WRITABLE, "blog_db")
    store = load_settings(machine.ports).store("here")
    assert store
    listed = {each.id: each.postgres for each in backups.listed(machine.ports, store.place, "blog").backups}
    assert listed[answer["backups"]["blog"]].startswith("17.")
    assert (answer["kept"], _major(machine, "-17")) == ("/srv/codeb/postgres-17", "17\n")
    again = ask(machine, back=True)
    assert (again["ok"], again["changed"]) == (True, False)
    assert ask(machine, forget=True)["removed"] == "/srv/codeb/postgres-17"
    assert not (machine.machine.root / "srv/codeb/postgres-17").exists()
    assert ask(machine, to=NEW)["ok"], "and forward again"


def test_a_new_server_that_does_not_come_up_is_taken_back_and_apps_write_again(machine: Host) -> None:
    before = facts(machine)
    machine.machine.broken.add(NEW)
    answer = ask(machine, to=NEW)
    assert (answer["ok"], answer["phase"]) == (False, "switch")
    assert "PostgreSQL 16 serves as before" in answer["put_back"]
    _as_before(machine, before)


def _as_before(machine: Host, before: list[str]) -> None:
    """16 serves, writes, and nothing is left of the attempt."""
    assert facts(machine) == before
    assert sql(machine, "SHOW server_version;\n").startswith("16.")
    sql(machine, WRITABLE, "blog_db")
    assert machine.ports.files.read(paths.UPGRADE) is None
    assert machine.ports.files.listing("/srv/codeb") == ["postgres"]
    assert [name for name in machine.machine.running] == ["postgres.service"]


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(step, marks=() if step in ("switching", "moved") else pytest.mark.slow)
        for step in ("checking", "copying", "switching", "moved", "kept")
    ],
)
def test_killed_at_any_step_the_next_look_leaves_one_version_that_serves_all(
    machine: Host, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    before = facts(machine)
    real_note, real_name = journal.note, turnover._name

    def note(ports: Any, found: Any, to: Any) -> Any:
        made = real_note(ports, found, to)
        if to == step:
            raise Killed
        return made

    def name(ports: Any, image: str) -> None:
        if step == "moved":
            raise Killed
        real_name(ports, image)

    monkeypatch.setattr(journal, "note", note)
    monkeypatch.setattr(turnover, "_name", name)
    with pytest.raises(Killed):
        ask(machine, to=NEW)
    monkeypatch.undo()
    assert ask(machine, settle=True)["ok"]
    if step in ("checking", "copying"):
        _as_before(machine, before)
        return
    assert facts(machine) == before
    assert sql(machine, "SHOW server_version;\n").startswith("17.")
    sql(machine, WRITABLE, "blog_db")


OTHERS = "CREATE TABLE public.by_admin (n int);\n"
CLOSED = "ALTER DATABASE till_db ALLOW_CONNECTIONS false;\n"
LIBRARY = "ALTER DATABASE blog_db SET session_preload_libraries = 'only16';\n"
REFUSED = {
    "unlogged": (UNLOGGED, "unlogged tables have rows", "--empty-unlogged"),
    "foreign": (OTHERS, "not all in these databases is their owner's: blog_db", "--as-admin blog_db"),
    "closed": (CLOSED, "till_db can't be read", "--leave-closed"),
    "missing": ("CREATE EXTENSION only16;\n", "blog_db: extension only16", "name an image that has it"),
    "library": (LIBRARY, "preload_libraries: library only16", "name an image"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_would_be_lost_or_can_not_come_along_is_said_before_anything_is_touched(
    machine: Host, what: str
) -> None:
    statements, cause, remedy = REFUSED[what]
    _only_in_16(machine)
    sql(machine, statements, "blog_db")
    started = machine.machine.running["postgres.service"].pid
    for dry_run in (True, False):
        answer = ask(machine, to=NEW, dry_run=dry_run)
        assert answer["ok"] is False
        assert cause in answer["cause"], answer
        assert remedy in answer["remedy"]
    assert machine.machine.running["postgres.service"].pid == started
    assert machine.ports.files.read(paths.UPGRADE) is None
    assert machine.ports.files.listing("/srv/codeb") == ["postgres"]


def _only_in_16(machine: Host) -> None:
    """An extension and a library that the new image lacks."""
    home = machine.machine.programs[OLD].parent
    share = next(home.glob("share/**/extension"))
    (share / "only16.control").write_text("default_version = '1.0'\n")
    (share / "only16--1.0.sql").write_text(
        "CREATE FUNCTION only16() RETURNS int LANGUAGE sql AS 'SELECT 16';\n"
    )
    library = next(home.glob("lib/**/auto_explain.so"))
    library.with_name("only16.so").write_bytes(library.read_bytes())


def test_images_that_are_no_later_version_or_not_to_be_had_are_refused(machine: Host) -> None:
    answer = ask(machine, to=OLD)
    assert "16, and 16 serves" in answer["cause"]
    assert "no upgrade is needed" in answer["remedy"]
    assert ask(machine, to="docker.io/library/postgres:99-alpine")["phase"] == "pull"
    assert ask(machine, to="localhost/lab/postgres:17")["phase"] == "pull"


def test_a_disk_without_room_is_said_with_both_numbers(
    machine: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.upgrade.upgrade.free_bytes", lambda ports: 100 << 20)
    answer = ask(machine, to=NEW)
    assert answer["phase"] == "room"
    assert "and 100 MiB are free" in answer["cause"]


def test_what_may_be_lost_because_somebody_said_so_is_named(machine: Host) -> None:
    sql(machine, UNLOGGED, "blog_db")
    sql(
        machine,
        "CREATE DATABASE blog_db_before_restore;\nALTER DATABASE blog_db_before_restore ALLOW_CONNECTIONS false;\n",
    )
    answer = ask(machine, to=NEW, empty_unlogged=True, leave_closed=True)
    assert answer["ok"], answer
    assert answer["left"] == ["blog_db_before_restore"]
    assert answer["warnings"] == ["blog_db: public.seen is empty afterwards"]
    assert sql(machine, "SELECT count(*) FROM public.seen;\n", "blog_db") == "0\n"


def test_what_an_app_has_written_into_a_check_never_runs_as_the_administrator_unless_that_was_said(
    machine: Host,
) -> None:
    before = facts(machine)
    answer = ask(machine, to=NEW, as_admin=["till_db"])
    assert (answer["ok"], answer["phase"]) == (False, "copy")
    assert "the administrator runs what an app has written" in json.dumps(answer["log"])
    _as_before(machine, before)


def test_a_row_that_has_not_come_ends_it_and_16_writes_again(
    machine: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = facts(machine)
    real = copies._brought

    def losing(ports: Any, *arguments: Any, **more: Any) -> Any:
        yield from real(ports, *arguments, **more)
        if arguments[2].name == "blog_db":
            run(ports.pipes, [BESIDE.psql("blog_db")], [b"DELETE FROM public.posts;\n"])

    monkeypatch.setattr(copies, "_brought", losing)
    answer = ask(machine, to=NEW)
    assert (answer["ok"], answer["phase"]) == (False, "compare")
    assert answer["cause"] == "blog_db: public.posts has 0 rows, and had 1"
    monkeypatch.undo()
    _as_before(machine, before)


def test_a_database_with_somebody_elses_objects_comes_along_as_the_administrator(machine: Host) -> None:
    sql(machine, "CREATE TABLE public.by_admin AS SELECT 5 AS n;\n", "blog_db")
    answer = ask(machine, to=NEW, as_admin=["blog_db"])
    assert answer["ok"], answer
    owners = "SELECT tableowner, tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 2;\n"
    assert sql(machine, owners, "blog_db") == "postgres|by_admin\nblog|posts\n"


def test_no_password_and_no_verifier_is_in_an_argument_a_line_or_an_answer(machine: Host) -> None:
    seen: list[str] = []
    translated = machine.machine.translated
    machine.machine.translated = lambda argv: seen.extend(argv) or translated(argv)  # type: ignore[method-assign,func-returns-value]
    answer = ask(machine, to=NEW)
    verifiers = sql(machine, "SELECT rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL;\n").split()
    text = "\n".join([*seen, *machine.journal.lines, json.dumps(answer)])
    assert len(verifiers) >= 4
    assert not [secret for secret in (PASSWORD, "till's own", *verifiers) if secret in text]
    assert not re.search(r"SCRAM-SHA-256\$", text)


def test_roles_that_can_not_be_brought_are_said_without_what_their_passwords_are_checked_by(
    machine: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = facts(machine)
    psql = machine.machine.programs[NEW] / "psql"
    fails = Path(f"{psql}.fails")
    fails.write_text(
        """#!/bin/sh
echo "psql:<stdin>:9: ERROR:  no" >&2
echo "LINE 1: ALTER ROLE x PASSWORD 'SCRAM-SHA-256\\$4096:abc'" >&2
exit 3
"""
    )
    fails.chmod(0o755)
    translated = machine.machine.translated

    def failing(argv: Any) -> list[str]:
        words = translated(argv)
        roles = any("pg_dumpall" in word for word in argv)
        machine.machine.after_roles = roles or getattr(machine.machine, "after_roles", False)  # type: ignore[attr-defined]
        if str(psql) in words and machine.machine.after_roles and "exec" in argv:  # type: ignore[attr-defined]
            return [str(fails) if word == str(psql) else word for word in words]
        return words

    monkeypatch.setattr(machine.machine, "translated", failing)
    answer = ask(machine, to=NEW)
    assert (answer["ok"], answer["phase"]) == (False, "roles")
    assert "SCRAM" not in json.dumps(answer) + answer["stderr"]
    monkeypatch.undo()
    _as_before(machine, before)


def test_the_old_password_file_still_opens_the_new_server_and_connections_without_tls_are_refused(
    machine: Host,
) -> None:
    assert ask(machine, to=NEW)["ok"]
    refused = tried(machine, "SELECT 1;\n", "blog_db", "blog", "wrong")
    assert refused.returncode != 0
    assert "password authentication failed" in refused.stderr
