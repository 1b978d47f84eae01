"""The verb `move` between two real PostgreSQL servers: every row there and back, and none lost wherever it is killed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.host import paths
from agent.moving.record import lives
from tests.backup.restoring import Mortal, ask
from tests.moving.both import (
    ADMIN,
    DATABASE,
    PASSWORD,
    PROJECT,
    Both,
    app,
    asked,
    both,
    clusters,
    told,
    tried,
)
from tests.postgres import Cluster
from tests.unit.agent.fakes.host import FakeHost, Killed
from tests.unit.agent.store.sealing import Programs, needs_age

pytestmark = needs_age
COUNT = "SELECT count(*) FROM public.sales;\n"
NEW = "INSERT INTO public.sales (name) VALUES ('Customer of today');\n"


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Cluster, Cluster]]:
    with clusters() as running:
        yield running


@pytest.fixture
def pair(tmp_path: Path, servers: tuple[Cluster, Cluster]) -> Both:
    return both(tmp_path, *servers)


def move(host: FakeHost, **document: Any) -> dict[str, Any]:
    return ask(host, "move", version=1, project=PROJECT, **{"act": "move", **document})


def done(host: FakeHost, **document: Any) -> dict[str, Any]:
    answer = move(host, **document)
    assert answer["ok"], answer
    return answer


def is_open(cluster: Cluster) -> bool:
    return app(cluster, "SELECT 1;\n").returncode == 0


def left(pair: Both) -> None:
    """Nothing is left that was only for a copy."""
    for cluster in (pair.here, pair.there):
        assert ".moving" not in asked(cluster, "postgres", "SELECT datname FROM pg_database;\n")
        logins = "SELECT count(*) FROM pg_roles WHERE rolname = 'codeb.restore' AND rolcanlogin;\n"
        assert asked(cluster, "postgres", logins) == "0\n"
    assert not {paths.RESTORE_LIST, paths.RESTORE_LOGIN} & set(pair.host.files)


def test_a_database_goes_there_and_comes_back_with_every_row(pair: Both) -> None:
    answer = done(pair.host, to="managed")
    assert (answer["rows"], answer["changed"], answer["step"]) == (1001, True, "moved")
    assert [each["phase"] for each in answer["told"]] == ["look", "close", "create", "copy", "check", "place"]
    assert (is_open(pair.here), is_open(pair.there)) == (False, True)
    assert app(pair.there, COUNT).stdout == "1000\n"
    assert lives(pair.host.ports()) == {PROJECT: "managed"}
    left(pair)
    settled = done(pair.host, act="settle")
    assert settled["closed_s"] >= 0
    assert not done(pair.host, act="settle")["changed"]
    assert app(pair.there, NEW).returncode == 0
    back = done(pair.host, to="here")
    assert back["rows"] == 1002
    assert (is_open(pair.here), is_open(pair.there)) == (True, False)
    assert app(pair.here, COUNT).stdout == "1001\n"
    assert app(pair.here, NEW).returncode == 0, "the sequence is where it was"
    assert lives(pair.host.ports()) == {PROJECT: "here"}
    left(pair)


def test_all_that_is_in_it_comes_along(pair: Both) -> None:
    facts = (
        "SELECT extname, nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'citext';\n"
        "SELECT obj_description('public.sales'::regclass);\nSELECT count(*) FROM pg_indexes WHERE indexname = 'by_name';\n"
        "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
        "WHERE nspname !~ '^(pg_|information)';\n"
        "SELECT s FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase, unnest(setconfig) s "
        "WHERE datname = current_database() AND s NOT LIKE 'app.%' ORDER BY 1;\n"
        'SELECT one FROM "odd ""schema"" | x"."new\nline\'; DROP TABLE sales; --";\n'
    )
    before = asked(pair.here, DATABASE, facts)
    answer = done(pair.host, to="managed")
    assert asked(pair.there, DATABASE, facts) == before
    assert [warning.partition(" come along")[0] for warning in answer["warnings"]] == [
        "rights of reader don't",
        "setting app.jwt_secret doesn't",
    ]


def test_who_is_in_the_database_is_out_before_the_first_row_is_read(pair: Both) -> None:
    """A session that writes while it is copied would write what nobody has."""
    import psycopg

    with psycopg.connect(
        host="127.0.0.1", port=pair.here.config["port"], dbname=DATABASE, user="till", password="owner-of-tests",
        sslmode="require", autocommit=True,
    ) as session:  # fmt: skip
        session.execute(NEW)
        done(pair.host, to="managed")
        with pytest.raises(psycopg.Error):
            session.execute(NEW)
    assert app(pair.there, COUNT).stdout == "1001\n"


def test_what_a_dump_brings_can_not_act_as_the_administrator(pair: Both) -> None:
    """A function that a check calls runs as the project, who is nobody else's member, though it resets its role."""
    trap = (
        "CREATE FUNCTION public.who() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RESET ROLE; "
        "IF session_user <> 'till' AND pg_has_role(session_user, 'pg_read_all_data', 'MEMBER') THEN "
        "RAISE EXCEPTION 'administrator'; END IF; RETURN true; END $$;\n"
        "CREATE TABLE public.trap (a int CHECK (public.who()));\nINSERT INTO public.trap VALUES (1);\n"
    )
    assert app(pair.here, trap).returncode == 0
    asked(pair.there, "postgres", f"GRANT pg_read_all_data TO {ADMIN};\n")
    try:
        done(pair.host, to="managed")
        done(pair.host, to="here")
    finally:
        asked(pair.there, "postgres", f"REVOKE pg_read_all_data FROM {ADMIN};\n")


def test_undone_at_once_nothing_has_changed(pair: Both) -> None:
    done(pair.host, to="managed")
    assert done(pair.host, act="undo")["to"] == "here"
    assert (is_open(pair.here), is_open(pair.there)) == (True, False)
    assert lives(pair.host.ports()) == {PROJECT: "here"}
    assert not done(pair.host, act="undo")["changed"]
    assert app(pair.here, NEW).returncode == 0
    done(pair.host, to="managed")
    assert app(pair.there, COUNT).stdout == "1001\n"


def test_what_was_written_since_is_given_up_only_on_purpose(pair: Both) -> None:
    done(pair.host, to="managed")
    assert app(pair.there, NEW).returncode == 0
    refused = move(pair.host, act="undo")
    assert not refused["ok"]
    assert "was written to since" in refused["cause"]
    assert (is_open(pair.here), is_open(pair.there)) == (False, True)
    assert done(pair.host, act="undo", lose=True)["changed"]
    assert app(pair.here, COUNT).stdout == "1000\n"


def test_what_was_left_behind_goes_when_somebody_says_so(pair: Both) -> None:
    done(pair.host, to="managed")
    assert "is not over" in move(pair.host, act="forget")["cause"]
    done(pair.host, act="settle")
    assert done(pair.host, act="forget")["side"] == "here"
    assert not done(pair.host, act="forget")["changed"]
    assert (
        asked(pair.here, DATABASE, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public';\n") == "0\n"
    )
    assert "is removed" in move(pair.host, act="undo")["cause"]
    done(pair.host, to="here")
    assert app(pair.here, COUNT).stdout == "1000\n"


def test_a_dry_run_looks_and_touches_nothing(pair: Both) -> None:
    assert done(pair.host, to="managed", dry_run=True)["dry_run"]
    assert is_open(pair.here)
    assert lives(pair.host.ports()) == {}


@pytest.mark.parametrize(
    ("before", "changes", "cause"),
    [
        ("GRANT CONNECT ON DATABASE till_db TO reader;\n", {}, "reader may log in"),
        ("SELECT 1;\n", {"trusted": False}, "certificate is not known"),
        ("SELECT 1;\n", {"projects": []}, "no database at the managed service"),
        ("SELECT 1;\n", {"port": "1"}, "ended with status 2"),
    ],
)
def test_what_can_not_go_well_begins_nothing(
    pair: Both, before: str, changes: dict[str, Any], cause: str
) -> None:
    asked(pair.here, "postgres", before)
    if changes:
        told(pair.host, pair.there, **changes)
    refused = move(pair.host, to="managed")
    assert not refused["ok"]
    assert cause in refused["cause"]
    assert PASSWORD not in json.dumps(refused)
    assert is_open(pair.here)
    assert lives(pair.host.ports()) == {}


def test_a_copy_that_is_refused_leaves_all_as_it_was(pair: Both) -> None:
    """At the service nobody may have what only a superuser may."""
    asked(
        pair.here, DATABASE, "CREATE FUNCTION public.c() RETURNS int LANGUAGE internal AS 'pg_backend_pid';\n"
    )
    asked(
        pair.here,
        DATABASE,
        "CREATE TABLE public.uses (a int DEFAULT public.c());\nALTER TABLE public.uses OWNER TO till;\n",
    )
    refused = move(pair.host, to="managed")
    assert (refused["phase"], refused["put_back"]) == ("copy", "the database is open where it was")
    assert is_open(pair.here)
    assert app(pair.here, COUNT).stdout == "1000\n"
    assert lives(pair.host.ports()) == {}
    left(pair)


def _steps(pair: Both, to: str) -> int:
    """How many programs a move runs."""
    pipes = pair.host.pipes
    assert isinstance(pipes, Programs)
    before = len(pipes.ran)
    done(pair.host, to=to)
    return len(pipes.ran) - before


@pytest.mark.slow
@pytest.mark.parametrize("to", ["managed", "here"])
def test_killed_at_every_program_no_row_is_lost(
    tmp_path: Path, servers: tuple[Cluster, Cluster], to: str
) -> None:
    """Run again it ends well; or undone it is as before. Never are both sides open, and the rows are on the open one."""
    _killed_at(tmp_path, servers, to, step=1)


@pytest.mark.parametrize("to", ["managed", pytest.param("here", marks=pytest.mark.slow)])
def test_killed_now_and_then_no_row_is_lost(
    tmp_path: Path, servers: tuple[Cluster, Cluster], to: str
) -> None:
    _killed_at(tmp_path, servers, to, step=9)


def _killed_at(tmp_path: Path, servers: tuple[Cluster, Cluster], to: str, step: int) -> None:
    source = "managed" if to == "here" else "here"
    (tmp_path / "first").mkdir()
    first = both(tmp_path / "first", *servers)
    if to == "here":
        done(first.host, to="managed")
        done(first.host, act="settle")
    programs = _steps(first, to)
    for at in range(0, programs, step):
        folder = tmp_path / str(at)
        folder.mkdir()
        pair = both(folder, *servers)
        if to == "here":
            done(pair.host, to="managed")
            done(pair.host, act="settle")
        whole = pair.host.pipes
        pair.host.pipes = Mortal(whole, at)
        with pytest.raises(Killed):
            move(pair.host, to=to)
        pair.host.pipes = whole
        assert lives(pair.host.ports()).get(PROJECT, source) == source
        assert _rows(pair, source) == 1000
        if at % 2:
            done(pair.host, to=to)
            assert _rows(pair, to) == 1000
            assert not is_open(pair.cluster(source))
        elif _copying(pair):
            move(pair.host, act="undo")
            assert is_open(pair.cluster(source))
            assert _rows(pair, source) == 1000
        left(pair)


def _copying(pair: Both) -> bool:
    """Whether a move was begun; another one, that is over, may be remembered."""
    known = pair.host.files.get(f"{paths.MOVES}/{PROJECT}.json")
    return known is not None and json.loads(known.content)["step"] == "copying"


def _rows(pair: Both, side: str) -> int:
    found = tried(pair.cluster(side), DATABASE, COUNT)
    return int(found.stdout or 0) if found.returncode == 0 else 0
