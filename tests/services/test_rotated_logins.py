"""A project's login goes from number to number on real servers: both are let in meanwhile, the old one no more then."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psycopg
import pytest

from codeb import names
from lab.providers.postgresql import database, grant, role
from tests.plugins.client import Plugin, plugin
from tests.plugins.life import change, make, remove
from tests.postgres import Cluster, postgres_cluster
from tests.services.redis_server import Client, RedisServer
from tests.services.rendered import as_rendered
from tests.services.stack import Stack

OWNER, DATABASE = "blog", "blog_db"


@pytest.fixture
def cluster(stack: Stack) -> Iterator[Cluster]:
    """A server with the rendered settings and rules."""
    prepare = partial(as_rendered, stack)
    with postgres_cluster(names.POSTGRES_ADMIN, {"fsync": "off"}, prepare) as running:
        yield running


def login(cluster: Cluster, number: int) -> psycopg.Connection[Any]:
    return psycopg.connect(
        host=cluster.config["host"],
        port=cluster.config["port"],
        user=names.database_login("blog", number),
        password=f"secret {number}",
        dbname=DATABASE,
        sslmode="verify-full",
        sslrootcert=cluster.config["sslrootcert"],
        autocommit=True,
    )


def login_role(postgresql: Plugin, number: int) -> tuple[Any, Any]:
    """As `components.project` declares it."""
    return make(
        postgresql,
        role.TYPE,
        name=names.database_login("blog", number),
        login=True,
        password=f"secret {number}",
        connectionLimit=20,
        roles=[OWNER],
        assumeRole=OWNER,
    )


@dataclass
class App:
    """Opens a connection and writes a row, again and again, by the login that it was last told."""

    cluster: Cluster
    number: int = 1
    written: list[int] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[App]:
        end = threading.Event()

        def work() -> None:
            while not end.is_set():
                number = self.number
                try:
                    with login(self.cluster, number) as connection:
                        connection.execute("INSERT INTO rows VALUES (%s)", [number])
                    self.written.append(number)
                except psycopg.Error as error:
                    self.failures.append(str(error))

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield self
        finally:
            end.set()
            thread.join()

    def writes(self, number: int) -> None:
        """It goes on with this login, until a row was written by it."""
        self.number = number
        while number not in self.written and not self.failures:
            threading.Event().wait(0.01)


def test_an_app_goes_from_login_to_login_without_a_failure_and_the_old_one_is_refused_then(
    cluster: Cluster,
) -> None:
    with plugin("postgresql", cluster.config) as postgresql:
        owner = {"name": OWNER, "login": True, "password": "secret 1", "connectionLimit": 20}
        inputs, state = make(postgresql, role.TYPE, **owner)
        make(postgresql, database.TYPE, name=DATABASE, owner=OWNER)
        make(postgresql, grant.TYPE, role="public", database=DATABASE, objectType="database", privileges=[])
        with login(cluster, 1) as first:
            first.execute("CREATE TABLE rows (login int)")
            with App(cluster).running() as app:
                app.writes(1)
                second = login_role(postgresql, 2)
                app.writes(2)
                login(cluster, 1).close()  # what stands by could still serve
                third = login_role(postgresql, 3)
                inputs, state = change(postgresql, role.TYPE, inputs, state, **{**owner, "login": False})
                app.writes(3)
                remove(postgresql, role.TYPE, *second)
                app.written.clear()
                app.writes(3)
            assert app.failures == []
            first.execute("INSERT INTO rows VALUES (1)")  # who is in stays
        for number, refusal in ((1, "not permitted to log in"), (2, "password authentication failed")):
            with pytest.raises(psycopg.OperationalError, match=refusal):
                login(cluster, number)
        remove(postgresql, role.TYPE, *third)


def test_what_a_later_login_makes_is_the_owner_s_and_all_logins_do_the_same(cluster: Cluster) -> None:
    with plugin("postgresql", cluster.config) as postgresql:
        make(postgresql, role.TYPE, name=OWNER, login=True, password="secret 1", connectionLimit=20)
        make(postgresql, database.TYPE, name=DATABASE, owner=OWNER)
        later = login_role(postgresql, 2)
        with login(cluster, 2) as two:
            two.execute("CREATE SCHEMA own; CREATE TABLE own.made (a int); CREATE TYPE mood AS ENUM ('ok')")
            assert two.execute("SELECT current_user, session_user").fetchone() == (OWNER, "blog.2")
            owners = two.execute("SELECT tableowner FROM pg_tables WHERE schemaname = 'own'").fetchall()
            assert owners == [(OWNER,)]
        with login(cluster, 1) as one:
            one.execute("ALTER TABLE own.made ADD b int; DROP TYPE mood; CREATE TABLE of_one (a int)")
        with login(cluster, 2) as two:
            two.execute("ALTER TABLE of_one ADD b int; DROP TABLE own.made")
        remove(postgresql, role.TYPE, *later)
        with login(cluster, 1) as one:
            assert one.execute("SELECT count(*) FROM of_one").fetchone() == (0,)


def test_a_later_login_gets_into_no_other_database_and_to_no_other_role(cluster: Cluster) -> None:
    with plugin("postgresql", cluster.config) as postgresql:
        for project in ("blog", "shop"):
            make(postgresql, role.TYPE, name=project, login=True, password="secret 1")
            make(postgresql, database.TYPE, name=f"{project}_db", owner=project)
            make(
                postgresql,
                grant.TYPE,
                role="public",
                database=f"{project}_db",
                objectType="database",
                privileges=[],
            )
        login_role(postgresql, 2)
        with login(cluster, 2) as two:
            for statement in (
                "SET ROLE shop",
                "CREATE ROLE more",
                "ALTER ROLE blog SUPERUSER",
                "GRANT shop TO blog",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    two.execute(statement)
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(
                host=cluster.config["host"], port=cluster.config["port"], user="blog.2", password="secret 2",
                dbname="shop_db", sslmode="require",
            )  # fmt: skip


def test_a_cache_s_clients_stay_while_its_password_goes_to_the_next(
    start_redis: Callable[..., RedisServer], stack: Stack
) -> None:
    from dataclasses import replace
    from hashlib import sha256

    from agent.real.redis import RealRedis
    from agent.release import cache
    from tests.unit.agent.fakes.host import FakeHost

    server = start_redis("redis-0")
    index, ports = server._index("blog"), replace(FakeHost().ports(), redis=RealRedis())
    admin = stack.admin_password("redis-0")

    def granted(password: str, *also: str) -> None:
        cache.grant(ports, index, password, {sha256(each.encode()).hexdigest() for each in also}, admin)

    granted("first")
    one = Client(server.port, ("blog", "first"))
    granted("second", "first")
    two = Client(server.port, ("blog", "second"))
    assert (one.do("PING"), two.do("PING")) == ("PONG", "PONG")
    assert Client(server.port, ("blog", "first")).do("PING") == "PONG"
    granted("third", "second")
    assert two.do("PING") == "PONG"
    assert Client(server.port).do("AUTH", "blog", "first").startswith("WRONGPASS")
    assert Client(server.port, ("blog", "second")).do("PING") == "PONG"
