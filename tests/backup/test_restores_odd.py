"""Restores of databases with settings, rights and owners as few people have them, on a real PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.backup.databases import sql
from tests.backup.restoring import ask, backed_up, databases, fresh, server
from tests.postgres import Cluster
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.store.sealing import needs_age

pytestmark = needs_age
COUNT = "SELECT count(*) FROM public.sales;\n"
ROLE = '"pass ing"'
FACTS = "INSERT INTO public.facts VALUES ('2026-03-04', 0.1::float8 + 0.2::float8, '-1 day 2 hours');\n"
SHY = """
SET ROLE till;
CREATE POLICY own ON public.sales USING (false);
ALTER TABLE public.sales ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.sales FORCE ROW LEVEL SECURITY;
CREATE TABLE public.bought (sale int REFERENCES public.sales);
INSERT INTO public.bought SELECT 7 WHERE false;
CREATE UNLOGGED TABLE public.scratch AS SELECT 1 AS one;
SELECT lo_from_bytea(4711, 'abc');
CREATE PUBLICATION changes FOR TABLE public.sales;
CREATE MATERIALIZED VIEW public.counted AS SELECT count(*) FROM public.sales;
CREATE SEQUENCE public.numbers;
SELECT setval('public.numbers', 77) IS NULL;
CREATE TABLE public."Ünï""cö de" ("Ä b" int);
RESET ROLE;
REVOKE USAGE ON SCHEMA public FROM PUBLIC;
ALTER DATABASE till_db SET role = 'till';
ALTER DATABASE till_db CONNECTION LIMIT 0;
"""
ODD = """
SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = 'sales';
SELECT pg_get_userbyid(lomowner) FROM pg_largeobject_metadata;
SELECT pubname FROM pg_publication;
SELECT last_value FROM public.numbers;
SELECT relname FROM pg_class WHERE relname LIKE 'Ün%' OR relname = 'scratch' ORDER BY 1;
SELECT nspacl::text FROM pg_namespace WHERE nspname = 'public';
"""


@pytest.fixture
def host(tmp_path: Path, cluster: Cluster) -> FakeHost:
    fresh(cluster)
    return server(tmp_path, cluster)


@pytest.mark.parametrize("as_admin", [False, True])
def test_row_security_large_objects_publications_and_unlogged_tables_come_back(
    host: FakeHost, cluster: Cluster, *, as_admin: bool
) -> None:
    sql(cluster, "till_db", SHY)
    before = sql(cluster, "till_db", f"RESET ROLE;\n{ODD}")
    backed_up(host)
    answer = ask(host, "restore", project="till", backup="newest", as_admin=as_admin)
    assert answer["ok"], answer
    assert sql(cluster, "till_db", f"RESET ROLE;\n{ODD}") == before


def test_a_project_that_gives_its_statements_little_time_comes_back_all_the_same(
    host: FakeHost, cluster: Cluster
) -> None:
    sql(cluster, "till_db", "ALTER DATABASE till_db SET statement_timeout = '1ms';\n")
    backed_up(host)
    answer = ask(host, "restore", project="till", backup="newest")
    assert answer["ok"], answer
    assert sql(cluster, "till_db", "SHOW statement_timeout;\n") == "1ms\n"


def test_a_table_has_the_same_values_though_the_database_writes_them_otherwise_now(
    host: FakeHost, cluster: Cluster
) -> None:
    made = "SET ROLE till;\nCREATE TABLE public.facts (day date, size float8, took interval);\n"
    sql(cluster, "till_db", f"{made}{FACTS}")
    for setting in ("datestyle = 'SQL, DMY'", "extra_float_digits = 0", "intervalstyle = 'sql_standard'"):
        sql(cluster, "postgres", f"ALTER DATABASE till_db SET {setting};\n")
    backed_up(host)
    for setting in ("datestyle", "extra_float_digits", "intervalstyle"):
        sql(cluster, "postgres", f"ALTER DATABASE till_db RESET {setting};\n")
    answer = ask(host, "restore", project="till", backup="newest", table="public.facts")
    assert answer["ok"], answer
    same = "SELECT count(*) FROM public.facts JOIN public.facts_restored USING (day, size, took);\n"
    assert sql(cluster, "till_db", same) == "1\n"


def test_rights_of_a_role_that_is_gone_are_refused_with_what_to_do(host: FakeHost, cluster: Cluster) -> None:
    sql(cluster, "till_db", f"CREATE ROLE {ROLE};\nGRANT SELECT ON public.sales TO {ROLE};\n")
    backed_up(host)
    sql(cluster, "till_db", f"DROP OWNED BY {ROLE};\nDROP ROLE {ROLE};\nDELETE FROM public.sales;\n")
    answer = ask(host, "restore", project="till", backup="newest")
    assert (answer["ok"], answer["phase"]) == (False, "load")
    assert f"`CREATE ROLE {ROLE}`" in answer["remedy"]
    assert databases(cluster) == {"till_db", "lab_db"}
    sql(cluster, "postgres", f"CREATE ROLE {ROLE};\n")
    assert ask(host, "restore", project="till", backup="newest")["ok"]
    assert sql(cluster, "till_db", COUNT) == "1000\n"
    sql(cluster, "till_db", f"DROP OWNED BY {ROLE};\nDROP ROLE {ROLE};\n")
