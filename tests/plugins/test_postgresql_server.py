"""Roles, databases, grants and extensions on a real PostgreSQL server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from lab.plugins.journal import Journal
from lab.providers.postgresql import database, extension, grant, role
from lab.providers.protocol import ProviderError
from tests.plugins.client import Plugin, plugin
from tests.plugins.life import change, make, remove, urn
from tests.postgres import Cluster

HOSTILE = "rô\"le'; DROP ROLE admin; -- %s {}"
PASSWORD = "pass'word\\ \"; --"


def login(cluster: Cluster, user: str, password: str, dbname: str = "postgres") -> psycopg.Connection[Any]:
    config = cluster.config
    return psycopg.connect(
        host=config["host"], port=config["port"], user=user, password=password, dbname=dbname, autocommit=True
    )


@pytest.mark.parametrize("name", ["plain", HOSTILE])
def test_a_role_can_log_in_and_its_password_is_in_no_log(
    postgresql: Plugin, cluster: Cluster, name: str
) -> None:
    inputs, state = make(postgresql, role.TYPE, name=name, login=True, password=PASSWORD, connectionLimit=20)
    with login(cluster, name, PASSWORD) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (name,)
    assert state.id == name
    inputs, state = change(
        postgresql, role.TYPE, inputs, state, name=name, login=True, password="other" + PASSWORD
    )
    login(cluster, name, "other" + PASSWORD).close()
    remove(postgresql, role.TYPE, inputs, state)
    assert "pass''word" not in cluster.log.read_text()
    assert "pass'word" not in cluster.log.read_text()


def test_every_attribute_of_a_role_is_set_changed_and_reset(postgresql: Plugin) -> None:
    make(postgresql, role.TYPE, name="team")
    first = {"name": "worker", "roles": ["team"], "searchPaths": ["a b", "public"], "statementTimeout": 5000,
             "idleInTransactionSessionTimeout": 60000, "assumeRole": "team", "createDatabase": True, "createRole": True,
             "inherit": False, "replication": True, "bypassRowLevelSecurity": True, "superuser": True,
             "validUntil": "2030-01-01 00:00:00+00", "connectionLimit": 3}  # fmt: skip
    inputs, state = make(postgresql, role.TYPE, **first)
    assert {key: state.outputs[key] for key in first if key != "validUntil"} == {
        key: value for key, value in first.items() if key != "validUntil"
    }
    inputs, state = change(postgresql, role.TYPE, inputs, state, name="worker2")
    assert state.outputs["id"] == "worker2", "the CLI learns of the new id at the next refresh"
    assert state.outputs["roles"] in (None, [])
    assert state.outputs["searchPaths"] in (None, [])
    assert state.outputs["superuser"] is False
    remove(postgresql, role.TYPE, inputs, state)
    postgresql.delete(role.TYPE, urn(role.TYPE), "team", {}, {"name": "team"})


@pytest.mark.parametrize("name", ["shop_db", HOSTILE])
def test_a_database_with_its_owner_and_no_public_access(
    postgresql: Plugin, cluster: Cluster, name: str
) -> None:
    owner_inputs, owner = make(postgresql, role.TYPE, name="keeper", login=True, password="k")
    other_inputs, other = make(postgresql, role.TYPE, name="stranger", login=True, password="s")
    inputs, state = make(postgresql, database.TYPE, name=name, owner="keeper")
    assert state.outputs["encoding"] == "UTF8"
    assert state.outputs["template"] == "template0"
    _, revoke = make(
        postgresql, grant.TYPE, role="public", database=name, objectType="database", privileges=[]
    )
    assert revoke.id == f"public_{name}_database"
    assert revoke.outputs["privileges"] is None
    login(cluster, "keeper", "k", name).close()
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        login(cluster, "stranger", "s", name)
    allow_inputs, allow = make(
        postgresql, grant.TYPE, role="stranger", database=name, objectType="database", privileges=["CONNECT"]
    )
    login(cluster, "stranger", "s", name).close()
    allow_inputs, allow = change(
        postgresql, grant.TYPE, allow_inputs, allow,
        role="stranger", database=name, objectType="database", privileges=["TEMPORARY", "CREATE"],
    )  # fmt: skip
    assert allow.outputs["privileges"] == ["CREATE", "TEMPORARY"]
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        login(cluster, "stranger", "s", name)
    postgresql.delete(grant.TYPE, urn(grant.TYPE), allow.id, allow_inputs, allow.outputs)
    after = postgresql.read(grant.TYPE, urn(grant.TYPE), allow.id, allow_inputs, allow.outputs)
    assert after.outputs["privileges"] == []
    for type_, old, now in (
        (database.TYPE, inputs, state),
        (role.TYPE, owner_inputs, owner),
        (role.TYPE, other_inputs, other),
    ):
        remove(postgresql, type_, old, now)


def test_a_database_is_renamed_handed_over_and_dropped_while_in_use(
    postgresql: Plugin, cluster: Cluster
) -> None:
    for name in ("first", "second"):
        make(postgresql, role.TYPE, name=name, login=True, password="x")
    inputs, state = make(postgresql, database.TYPE, name="before", owner="first")
    with login(cluster, "first", "x", "before") as connection:
        connection.execute("CREATE TABLE mine (n int)")
    inputs, state = change(
        postgresql, database.TYPE, inputs, state,
        name="after", owner="second", alterObjectOwnership=True, connectionLimit=7, allowConnections=True,
    )  # fmt: skip
    assert state.outputs["id"] == "after"
    with login(cluster, "second", "x", "after") as connection:
        owner = connection.execute("SELECT tableowner FROM pg_tables WHERE tablename = 'mine'").fetchone()
        assert owner == ("second",)
        remove(postgresql, database.TYPE, inputs, state)
    for name in ("first", "second"):
        postgresql.delete(role.TYPE, urn(role.TYPE), name, {}, {"name": name})


def test_drift_is_found_and_mended(postgresql: Plugin, cluster: Cluster) -> None:
    inputs, state = make(postgresql, role.TYPE, name="drifter", login=True, connectionLimit=5)
    with login(cluster, "admin", cluster.config["password"]) as connection:
        connection.execute("ALTER ROLE drifter CONNECTION LIMIT 9 VALID UNTIL '2031-01-01'")
    found = postgresql.read(role.TYPE, urn(role.TYPE), state.id, inputs, state.outputs)
    assert found.inputs["connectionLimit"] == 9
    assert "validUntil" not in found.inputs["__defaults"]
    diff = postgresql.diff(role.TYPE, urn(role.TYPE), found.id, found.inputs, found.outputs, inputs)
    assert diff.diffs == ("connectionLimit", "validUntil")
    compared = (role.TYPE, urn(role.TYPE), found.id, found.inputs, found.outputs, inputs)
    assert list(postgresql.diff_on_the_wire(*compared, ["validUntil"]).detailedDiff) == ["connectionLimit"]
    mended = postgresql.update(*compared)
    assert mended.outputs == state.outputs
    remove(postgresql, role.TYPE, inputs, mended)


def test_a_connected_role_that_is_no_superuser_acts_for_owners(postgresql: Plugin, cluster: Cluster) -> None:
    make(
        postgresql, role.TYPE, name="deployer", login=True, password="d", createRole=True, createDatabase=True
    )
    limits = {**cluster.config, "username": "deployer", "password": "d", "superuser": "false"}
    with plugin("postgresql", limits) as limited:
        owner_inputs, owner = make(limited, role.TYPE, name="tenant", login=True, password="t")
        inputs, state = make(limited, database.TYPE, name="tenant_db", owner="tenant")
        with login(cluster, "admin", cluster.config["password"]) as connection:
            members = "SELECT count(*) FROM pg_auth_members WHERE pg_get_userbyid(member) = 'deployer'"
            assert connection.execute(members).fetchone() == (0,), "the membership was for a moment only"
        remove(limited, database.TYPE, inputs, state)
        remove(limited, role.TYPE, owner_inputs, owner)
    postgresql.delete(role.TYPE, urn(role.TYPE), "deployer", {}, {"name": "deployer"})


def test_a_dropped_role_leaves_what_it_owned(postgresql: Plugin, cluster: Cluster) -> None:
    inputs, state = make(postgresql, role.TYPE, name="leaver", login=True, password="l")
    with login(cluster, "admin", cluster.config["password"]) as connection:
        connection.execute("CREATE TABLE heritage (n int); ALTER TABLE heritage OWNER TO leaver")
        remove(postgresql, role.TYPE, inputs, state)
        query = "SELECT tableowner FROM pg_tables WHERE tablename = 'heritage'"
        assert connection.execute(query).fetchone() == ("admin",)
        connection.execute("DROP TABLE heritage")


def test_an_extension_comes_and_goes(postgresql: Plugin) -> None:
    inputs, state = make(postgresql, extension.TYPE, name="plpgsql", database="template1")
    assert state.id == "template1.plpgsql"
    assert state.outputs["schema"] == "pg_catalog"
    remove(postgresql, extension.TYPE, inputs, state)
    make(postgresql, extension.TYPE, name="plpgsql", database="template1")
    gone = postgresql.read(extension.TYPE, urn(extension.TYPE), "nowhere.plpgsql", {}, {})
    assert gone.id == ""


def test_existing_things_are_imported_by_their_id(postgresql: Plugin) -> None:
    state = postgresql.read(role.TYPE, urn(role.TYPE), "admin", {}, {})
    assert state.inputs["superuser"] is True
    assert state.inputs["__defaults"] == []
    assert "connectionLimit" not in state.inputs
    assert postgresql.read(database.TYPE, urn(database.TYPE), "postgres", {}, {}).outputs["owner"] == "admin"
    with pytest.raises(ProviderError, match="imported"):
        postgresql.read(grant.TYPE, urn(grant.TYPE), "a_b_database", {}, {})


def test_what_exists_already_is_not_taken_over(postgresql: Plugin) -> None:
    checked = postgresql.check(role.TYPE, urn(role.TYPE), {}, {"name": "admin", "password": PASSWORD}, b"")
    with pytest.raises(ProviderError, match='role "admin" already exists') as caught:
        postgresql.create(role.TYPE, urn(role.TYPE), checked.inputs)
    assert "word" not in str(caught.value)


@pytest.mark.parametrize(
    ("differing", "message"),
    [
        ({"password": "wrong one"}, "password authentication failed"),
        ({"port": "1"}, "error connecting to PostgreSQL server 127.0.0.1"),
        ({"sslrootcert": "/nowhere.crt"}, "root certificate"),
        ({"host": "localhost"}, "certificate|localhost"),
    ],
)
def test_a_connection_that_fails_says_where_and_why(
    cluster: Cluster, differing: dict[str, str], message: str
) -> None:
    with (
        plugin("postgresql", {**cluster.config, **differing}) as provider,
        pytest.raises(ProviderError, match=message) as caught,
    ):
        provider.read(role.TYPE, urn(role.TYPE), "admin", {}, {})
    assert "wrong one" not in str(caught.value)


def test_many_at_once(postgresql: Plugin) -> None:
    def one(number: int) -> None:
        owner_inputs, owner = make(postgresql, role.TYPE, name=f"many{number}", login=True)
        inputs, state = make(postgresql, database.TYPE, name=f"many{number}_db", owner=f"many{number}")
        make(
            postgresql,
            grant.TYPE,
            role="public",
            database=f"many{number}_db",
            objectType="database",
            privileges=[],
        )
        remove(postgresql, database.TYPE, inputs, state)
        remove(postgresql, role.TYPE, owner_inputs, owner)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(one, range(24)))


def test_cancel_ends_a_waiting_statement(cluster: Cluster) -> None:
    """The role's lock is held by someone else; without the cancel the deletion would wait for ever."""
    with (
        plugin("postgresql", cluster.config) as postgresql,
        login(cluster, "admin", cluster.config["password"]) as holder,
        ThreadPoolExecutor(1) as pool,
    ):
        make(postgresql, role.TYPE, name="held")
        holder.execute("SELECT pg_advisory_lock(oid::bigint) FROM pg_roles WHERE rolname = 'held'")
        running = pool.submit(postgresql.delete, role.TYPE, urn(role.TYPE), "held", {}, {"name": "held"})
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while holder.execute(waiting).fetchone() == (0,):
            assert not running.done()
        postgresql.cancel()
        with pytest.raises(ProviderError, match="cancel"):
            running.result(timeout=30)
        holder.execute("DROP ROLE held")


def test_what_a_killed_run_had_made_is_taken_over_and_not_refused(
    postgresql: Plugin, cluster: Cluster, tmp_path: Path
) -> None:
    roles = {"name": "half", "login": True, "password": PASSWORD}
    killed = Plugin("postgresql", tmp_path)
    killed.configure(cluster.config)
    role_inputs, role_state = make(killed, role.TYPE, **roles)
    inputs, state = make(killed, database.TYPE, name="half_db", owner="half")
    killed.kill()
    with pytest.raises(ProviderError, match="already exists"):
        postgresql.create(role.TYPE, urn(role.TYPE), role_inputs)
    with plugin("postgresql", cluster.config, tmp_path) as resuming:
        assert resuming.create(role.TYPE, urn(role.TYPE), role_inputs) == role_state
        assert resuming.create(database.TYPE, urn(database.TYPE), inputs) == state
        with pytest.raises(ProviderError, match="already exists"):
            resuming.create(role.TYPE, urn(role.TYPE, "other"), role_inputs)
    with (
        plugin("postgresql", cluster.config, tmp_path) as later,
        pytest.raises(ProviderError, match="already exists"),
    ):
        later.create(database.TYPE, urn(database.TYPE), inputs)
    remove(postgresql, database.TYPE, inputs, state)
    remove(postgresql, role.TYPE, role_inputs, role_state)


def test_a_killed_run_that_had_made_nothing_yet_is_an_ordinary_creation(
    cluster: Cluster, tmp_path: Path
) -> None:
    Journal(tmp_path).begin(urn(role.TYPE))
    with plugin("postgresql", cluster.config, tmp_path) as resuming:
        inputs, state = make(resuming, role.TYPE, name="fresh")
        assert state.id == "fresh"
        remove(resuming, role.TYPE, inputs, state)
