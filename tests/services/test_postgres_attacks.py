"""What one project can do to another, or to the platform, through the PostgreSQL server that they share."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from functools import partial
from typing import Any

import psycopg
import pytest

from codeb import names
from codeb.plan.connections import PLATFORM_CONNECTIONS
from lab.providers.postgresql import database, grant, role
from tests.plugins.client import plugin
from tests.plugins.life import make
from tests.postgres import Cluster, postgres_cluster
from tests.services.rendered import as_rendered
from tests.services.stack import Stack

PROJECTS = ("blog", "food-delivery-app")
LIMIT = 5
LARGE_SORT = "SELECT repeat('x', 500) || i FROM generate_series(1, 100000) i ORDER BY 1 DESC"


@pytest.fixture(scope="module")
def cluster(stack: Stack) -> Iterator[Cluster]:
    """A server with the rendered settings and logins, and the projects' databases as Pulumi makes them."""
    prepare = partial(as_rendered, stack)
    with postgres_cluster(names.POSTGRES_ADMIN, {"fsync": "off"}, prepare) as running:
        with plugin("postgresql", running.config) as postgresql:
            for project in PROJECTS:
                user, own = names.user(project), names.database(project)
                make(
                    postgresql,
                    role.TYPE,
                    name=user,
                    login=True,
                    password=f"{user} secret",
                    connectionLimit=LIMIT,
                )
                make(postgresql, database.TYPE, name=own, owner=user)
                make(
                    postgresql, grant.TYPE, role="public", database=own, objectType="database", privileges=[]
                )
        yield running


def login(cluster: Cluster, project: str, dbname: str | None = None) -> psycopg.Connection[Any]:
    """As the project's app logs in: with TLS, to its own database unless another is named."""
    user = names.user(project)
    return psycopg.connect(
        host=cluster.config["host"],
        port=cluster.config["port"],
        user=user,
        password=f"{user} secret",
        dbname=dbname or names.database(project),
        sslmode="verify-full",
        sslrootcert=cluster.config["sslrootcert"],
        autocommit=True,
    )


def administrator(cluster: Cluster, dbname: str = "postgres") -> psycopg.Connection[Any]:
    config = cluster.config
    return psycopg.connect(
        host=config["host"],
        port=config["port"],
        user=config["username"],
        password=config["password"],
        dbname=dbname,
        sslmode="require",
        autocommit=True,
    )


@pytest.mark.parametrize("dbname", ["postgres", "template1", "template0", "food_delivery_db"])
def test_a_project_opens_no_database_but_its_own(cluster: Cluster, dbname: str) -> None:
    login(cluster, "blog").close()
    with pytest.raises(
        psycopg.OperationalError, match=r"pg_hba.conf rejects|not currently accepting|permission denied"
    ):
        login(cluster, "blog", dbname)


@pytest.mark.parametrize("dbname", ["postgres", "template1", "blog_db"])
def test_the_administrator_opens_all_of_them(cluster: Cluster, dbname: str) -> None:
    administrator(cluster, dbname).close()


def test_the_socket_lets_root_of_the_host_in_as_the_administrator_and_nobody_else(cluster: Cluster) -> None:
    """The server's own user has every project's statements run: what it could connect to, an extension could."""
    home = str(cluster.certificate.parent)
    ask = ["psql", "-wAtqX", "-h", home, "-p", cluster.config["port"], "-U", "postgres", "-c", "SELECT 1"]
    root = subprocess.run([*ask, "-d", "template1"], capture_output=True, text=True)
    assert root.stdout == "1\n", root.stderr
    for dbname, refusal in (
        ("template1", "Peer authentication failed"),
        ("postgres", "no password supplied"),
    ):
        found = subprocess.run([*ask, "-d", dbname], capture_output=True, text=True, user="postgres", cwd="/")
        assert refusal in found.stderr
    other = subprocess.run([*ask, "-d", "postgres"], capture_output=True, text=True)
    assert "no password supplied" in other.stderr, "template1 is the only door"


def test_an_extension_that_connects_for_a_project_gets_in_by_no_door_of_the_host(cluster: Cluster) -> None:
    home, port = cluster.certificate.parent, cluster.config["port"]
    with administrator(cluster, "blog_db") as admin:
        admin.execute("CREATE EXTENSION dblink")
        # As the administrator himself: dblink asks him for no password, so it is the server's rule that refuses.
        target = f"host={home} port={port} user=postgres dbname=template1"
        with pytest.raises(psycopg.Error, match="Peer authentication failed"):
            admin.execute("SELECT dblink_connect(%s)", [target])
        with login(cluster, "blog") as blog, pytest.raises(psycopg.Error):
            blog.execute("SELECT dblink_connect(%s)", [target])
        admin.execute("DROP EXTENSION dblink")


def test_nobody_logs_in_without_tls(cluster: Cluster) -> None:
    with pytest.raises(psycopg.OperationalError, match=r"pg_hba.conf rejects"):
        psycopg.connect(
            host="127.0.0.1", port=cluster.config["port"], user="blog", password="blog secret",
            dbname="blog_db", sslmode="disable",
        )  # fmt: skip


DENIED = {
    "make a role": "CREATE ROLE helper",
    "become somebody else": "SET ROLE food_delivery",
    "become the administrator": "SET SESSION AUTHORIZATION postgres",
    "lift its own limit": "ALTER ROLE blog CONNECTION LIMIT -1",
    "make itself a superuser": "ALTER ROLE blog SUPERUSER",
    "change a neighbour's password": "ALTER ROLE food_delivery PASSWORD 'x'",
    "change a neighbour's settings": "ALTER ROLE food_delivery SET search_path = x",
    "join a neighbour": "GRANT food_delivery TO blog",
    "join who reads server files": "GRANT pg_read_server_files TO blog",
    "see everybody's statements": "GRANT pg_read_all_stats TO blog",
    "make a database": "CREATE DATABASE more",
    "drop a neighbour's database": "DROP DATABASE food_delivery_db",
    "let itself into a neighbour's database": "GRANT CONNECT ON DATABASE food_delivery_db TO blog",
    "change settings of a neighbour's database": "ALTER DATABASE food_delivery_db SET work_mem = '1GB'",
    "change settings of postgres": "ALTER DATABASE postgres SET work_mem = '1GB'",
    "give its database a name that somebody gets": "ALTER DATABASE blog_db RENAME TO shop_db",
    "change the server's settings": "ALTER SYSTEM SET max_connections = 1",
    "take more room for temporary files": "SET temp_file_limit = -1",
    "take more room for temporary files at each login": "ALTER ROLE blog SET temp_file_limit = -1",
    "preload a library": "SET session_preload_libraries = 'x'",
    "switch statements' checks off": "SET zero_damaged_pages = on",
    "run a program": "COPY (SELECT 1) TO PROGRAM 'true'",
    "have a program's output": "CREATE TEMP TABLE t (line text); COPY t FROM PROGRAM 'id'",
    "read a file": "CREATE TEMP TABLE t (line text); COPY t FROM '/etc/passwd'",
    "write a file": "COPY (SELECT 1) TO '/tmp/x'",
    "read a file by function": "SELECT pg_read_file('/etc/passwd')",
    "list a folder": "SELECT pg_ls_dir('.')",
    "read a file into a large object": "SELECT lo_import('/etc/passwd')",
    "write a large object to a file": "SELECT lo_export(lo_create(0), '/tmp/x')",
    "read passwords": "SELECT rolpassword FROM pg_authid",
    "read a mapping's passwords": "SELECT * FROM pg_user_mapping",
    "see who may log in from where": "SELECT * FROM pg_hba_file_rules",
    "see the settings' files": "SELECT * FROM pg_file_settings",
    "make an untrusted extension": "CREATE EXTENSION dblink",
    "make a foreign server": "CREATE EXTENSION postgres_fdw",
    "make an untrusted language": "CREATE LANGUAGE plpython3u",
    "make a function in C": "CREATE FUNCTION f() RETURNS int AS 'libc.so.6', 'getpid' LANGUAGE c",
    "make a folder for tables": "CREATE TABLESPACE t LOCATION '/tmp'",
    "subscribe to another server": "CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1' PUBLICATION p WITH (connect = false)",
    "read the log of changes": "SELECT pg_create_logical_replication_slot('s', 'test_decoding')",
    "keep the log of changes": "SELECT pg_create_physical_replication_slot('s')",
    "publish all tables": "CREATE PUBLICATION p FOR ALL TABLES",
    "end the platform's session": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'",
    "end a neighbour's session": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'food_delivery'",
    "stop a neighbour's statement": "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename = 'food_delivery'",
    "read settings again": "SELECT pg_reload_conf()",
    "begin the next log": "SELECT pg_switch_wal()",
    "write a checkpoint": "CHECKPOINT",
    "reset statistics": "SELECT pg_stat_reset()",
    "reset everybody's statistics": "SELECT pg_stat_reset_shared('bgwriter')",
    "comment on a neighbour": "COMMENT ON ROLE food_delivery IS 'x'",
    "react to everybody's commands": "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()",
    "change the system's tables": "UPDATE pg_database SET datname = 'x'",
}


@pytest.mark.parametrize("statement", DENIED.values(), ids=DENIED)
def test_a_project_is_refused(cluster: Cluster, statement: str) -> None:
    with (
        administrator(cluster),
        login(cluster, "food-delivery-app"),
        login(cluster, "blog") as connection,
        pytest.raises(psycopg.Error) as refusal,
    ):
        connection.execute(statement)
    codes = {"42501", "42704", "0A000", "55P02"}
    assert refusal.value.sqlstate in codes, refusal.value


def test_a_project_changes_nobody_s_rights_in_the_platform_s_databases(cluster: Cluster) -> None:
    """PostgreSQL only warns who says GRANT without the right to pass it on, and nothing comes of it."""
    rights = (
        "SELECT datname, grantee, privilege_type FROM pg_database, "
        "aclexplode(coalesce(datacl, acldefault('d', datdba))) ORDER BY 1, 2, 3"
    )
    with administrator(cluster) as admin, login(cluster, "blog") as blog:
        before = admin.execute(rights).fetchall()
        blog.execute("GRANT ALL ON DATABASE postgres, template1 TO PUBLIC")
        assert admin.execute(rights).fetchall() == before


ALLOWED = {
    "keep tables": "CREATE TABLE notes (id int)",
    "use temporary tables": "CREATE TEMP TABLE t (id int)",
    "use a trusted extension": "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "keep large objects": "SELECT lo_unlink(lo_create(0))",
    "notify": "LISTEN jobs; NOTIFY jobs, 'x'",
    "lock by number": "SELECT pg_advisory_lock(1)",
    "set its own time-outs": "SET statement_timeout = '1min'; SET idle_in_transaction_session_timeout = 0",
    "see its own sessions": "SELECT query FROM pg_stat_activity WHERE usename = current_user",
}


@pytest.mark.parametrize("statement", ALLOWED.values(), ids=ALLOWED)
def test_a_project_may(cluster: Cluster, statement: str) -> None:
    with login(cluster, "blog") as connection:
        connection.execute(statement)


def test_messages_and_locks_of_a_database_stay_in_it(cluster: Cluster) -> None:
    with login(cluster, "blog") as blog, login(cluster, "food-delivery-app") as neighbour:
        neighbour.execute("LISTEN jobs")
        blog.execute("NOTIFY jobs, 'secret'")
        blog.execute("SELECT pg_advisory_lock(42)")
        assert list(neighbour.notifies(timeout=0.3)) == []
        assert neighbour.execute("SELECT pg_try_advisory_lock(42)").fetchone() == (True,)


def test_that_others_exist_shows_and_nothing_of_what_they_do(cluster: Cluster) -> None:
    """Their names are in catalogs that all databases have in common; PostgreSQL can't hide those."""
    with login(cluster, "food-delivery-app") as neighbour, login(cluster, "blog") as blog:
        neighbour.execute("SELECT 'private'")
        assert ("food_delivery_db",) in blog.execute("SELECT datname FROM pg_database").fetchall()
        assert ("food_delivery",) in blog.execute("SELECT rolname FROM pg_roles").fetchall()
        row = blog.execute(
            "SELECT query, client_addr, state, query_start FROM pg_stat_activity WHERE usename = 'food_delivery'"
        ).fetchone()
        assert row == ("<insufficient privilege>", None, None, None)


def test_a_project_opens_as_many_connections_as_its_limit_says(cluster: Cluster) -> None:
    held = [login(cluster, "blog") for _ in range(LIMIT)]
    with pytest.raises(psycopg.OperationalError, match="too many connections for role"):
        login(cluster, "blog")
    for connection in held:
        connection.close()


def test_a_query_that_needs_too_much_room_on_the_disk_fails(cluster: Cluster) -> None:
    with login(cluster, "blog") as connection:
        assert connection.execute("SHOW temp_file_limit").fetchone() == ("1GB",)
        assert connection.execute("SHOW idle_in_transaction_session_timeout").fetchone() == ("10min",)
    with administrator(cluster) as admin:
        admin.execute("ALTER ROLE blog SET temp_file_limit = '2MB'")
        try:
            with login(cluster, "blog") as connection:
                connection.execute("SET work_mem = '64kB'")
                with pytest.raises(psycopg.errors.ConfigurationLimitExceeded, match="temporary file size"):
                    connection.execute(LARGE_SORT)
        finally:
            admin.execute("ALTER ROLE blog RESET temp_file_limit")


def test_the_platform_has_connections_that_no_project_can_take(cluster: Cluster) -> None:
    with administrator(cluster) as admin:
        assert admin.execute("SHOW superuser_reserved_connections").fetchone() == (str(PLATFORM_CONNECTIONS),)
        assert admin.execute("SHOW max_connections").fetchone() == ("510",)
