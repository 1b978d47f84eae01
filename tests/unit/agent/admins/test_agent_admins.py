"""Administrators' passwords go from number to number: whatever is killed, old and new are taken until `settle` ends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.admins import ensure as administrators
from agent.admins.document import read_admins
from agent.admins.minio import program
from agent.admins.settle import settle
from agent.bundle.apply import apply
from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import Reader
from tests.unit.agent.admins.data_server import PORTS, ROOT, DataServer, document, password
from tests.unit.agent.fakes.host import FakeHost, Killed

LOGIN = "/etc/codeb/secrets/backup.pgpass"
KINDS = ("postgres", "redis", "minio")


@pytest.fixture
def server() -> DataServer:
    return DataServer(FakeHost())


def bundle(**numbers: int) -> dict[str, Any]:
    admins = document(**numbers)
    file = {"path": LOGIN, "mode": "0600", "owner": "root:root", "content": admins["postgres"]}
    services = [{"name": f"{name}.service"} for name in ("postgres", "minio", *PORTS)]
    return {"version": 1, "files": [file], "services": services, "admins": admins}


def applied(server: DataServer, **numbers: int) -> list[str]:
    answer = apply(server.ports(), Reader(bundle(**numbers), ""), "tester")
    return [str(each) for each in answer["changed"] if ":" in str(each)]  # type: ignore[attr-defined]


def settled(server: DataServer, **numbers: int) -> None:
    assert settle(server.ports(), Reader(document(**numbers), ""), "tester") == {"ok": True}


def admits(server: DataServer, kind: str, number: int) -> bool:
    """Whether the administrator of this number is let in everywhere."""
    wanted = password(kind, number)
    if kind == "postgres":
        return server.postgres == wanted
    if kind == "redis":
        return all(wanted in passwords for passwords in server.redis.values())
    return server.minio.admits(ROOT if number == 1 else f"{ROOT}.{number}", wanted)


def test_the_next_number_is_taken_beside_the_one_before_until_all_is_settled(server: DataServer) -> None:
    assert applied(server) == []
    assert applied(server, postgres=2, redis=2, minio=2, backup=2) == []
    for kind in ("redis", "minio"):
        assert admits(server, kind, 1), kind
        assert admits(server, kind, 2), kind
    assert admits(server, "postgres", 2)
    assert server.minio.users["codeb_backup.2"] == (password("backup", 2), {"codeb_backup"})
    assert server.saved == server.redis, "a restart of Redis would forget it"
    settled(server, postgres=2, redis=2, minio=2, backup=2)
    for kind in KINDS:
        assert admits(server, kind, 2), kind
        assert not admits(server, kind, 1), kind
    assert server.saved == server.redis
    assert "codeb_backup.2" in server.minio.users


def test_new_keys_are_taken_before_a_file_has_them(server: DataServer) -> None:
    applied(server)
    wanted = password("postgres", 2)
    seen = []

    def look() -> None:
        if server.host.tell(LOGIN) == wanted:
            seen.append((server.postgres, "codeb_backup.2" in server.minio.users))

    server.host.after = look
    applied(server, postgres=2, backup=2)
    assert seen
    assert set(seen) == {(wanted, True)}


@pytest.mark.parametrize("to", [2, 3, 5])
def test_killed_at_any_line_it_is_finished_by_running_again(to: int) -> None:
    numbers = {"postgres": to, "redis": to, "minio": to, "backup": to}
    for kill in range(1, 400):
        server = DataServer(FakeHost())
        applied(server)
        server.host.operations, server.host.kill_at = 0, kill
        try:
            applied(server, **numbers)
        except Killed:
            for kind in ("redis", "minio"):
                assert admits(server, kind, 1), f"{kind}: what still has the old one fails (killed at {kill})"
            assert admits(server, "postgres", 1) or admits(server, "postgres", to)
            server.host.kill_at = 0
            applied(server, **numbers)
        else:
            server.host.kill_at = 0
            break
        assert all(admits(server, kind, to) for kind in KINDS)
    else:
        pytest.fail("the run never ended")
    assert kill > 10


def test_killed_while_it_settles_the_new_ones_are_taken_and_the_next_run_does_the_rest() -> None:
    numbers = {"postgres": 3, "redis": 3, "minio": 3, "backup": 1}
    for kill in range(1, 100):
        server = DataServer(FakeHost())
        applied(server, postgres=2, redis=2, minio=2)
        applied(server, **numbers)
        server.host.operations, server.host.kill_at = 0, kill
        try:
            settled(server, **numbers)
        except Killed:
            assert all(admits(server, kind, 3) for kind in KINDS), f"killed at {kill}"
            server.host.kill_at = 0
            settled(server, **numbers)
        else:
            break
        finally:
            server.host.kill_at = 0
        assert server.redis == server.saved == {name: {password("redis", 3)} for name in PORTS}
        assert set(server.minio.users) == {f"{ROOT}.3"}
        assert not server.minio.root_access
    else:
        pytest.fail("the run never ended")


def test_a_killed_run_and_a_restart_of_minio_leave_root_with_the_next_password(server: DataServer) -> None:
    server.minio.root = password("minio", 2)
    applied(server, minio=2)
    assert admits(server, "minio", 2)


@pytest.mark.parametrize("kind", ["postgres", "redis", "minio", "archive", "backup"])
def test_numbers_only_go_up(server: DataServer, kind: str) -> None:
    applied(server, **{kind: 3})
    before = (server.postgres, server.redis, dict(server.minio.users), dict(server.host.files))
    with pytest.raises(Failed, match=f"{kind} is 2, and this server has had 3: numbers only go up") as caught:
        applied(server, **{kind: 2})
    assert f"write {kind}: 3" in caught.value.failure.remedy
    assert (server.postgres, server.redis, server.minio.users, server.host.files) == before
    with pytest.raises(Failed, match="numbers only go up"):
        settled(server, **{kind: 2})


def test_what_is_remembered_is_no_secret(server: DataServer) -> None:
    applied(server, redis=4)
    kept = str(server.host.tell(administrators.KEPT))
    assert json.loads(kept)["numbers"]["redis"] == 4
    assert "xxxx" not in kept


@pytest.mark.parametrize("name", ["postgres", "redis-0", "minio"])
def test_a_service_that_lets_nobody_in_is_an_error_and_told_without_a_password(
    server: DataServer, name: str
) -> None:
    server.away.add(name)
    with pytest.raises(Failed, match=r"PostgreSQL|redis-0|MinIO") as caught:
        applied(server, postgres=2, redis=2, minio=2)
    assert caught.value.failure.phase == "admins"
    assert "xxxx" not in caught.value.failure.text()
    assert not any("xxxx" in line for line in server.host.journal)
    assert administrators.KEPT not in server.host.files
    server.away.clear()
    applied(server, postgres=2, redis=2, minio=2)
    assert all(admits(server, kind, 2) for kind in KINDS)


def test_a_service_that_is_about_to_let_people_in_is_waited_for(server: DataServer) -> None:
    server.away |= {"postgres", "redis-0", "minio"}
    begun = server.host.time

    def comes_up() -> None:
        if server.host.time >= begun + 20:
            server.away.clear()

    server.host.after = comes_up
    applied(server, postgres=2, redis=2, minio=2)
    assert all(admits(server, kind, 2) for kind in KINDS)


def test_what_does_not_run_yet_is_asked_once_it_does(server: DataServer) -> None:
    for name in ("postgres", "minio", *PORTS):
        del server.host.systemd.running[f"{name}.service"]
    prepared = read_admins(Reader(document(redis=2), ""))
    administrators.prepare(server.ports(), prepared)
    assert admits(server, "redis", 1)
    assert not admits(server, "redis", 2)


def test_no_program_is_run_with_a_secret_among_its_words(server: DataServer) -> None:
    applied(server, postgres=2, redis=2, minio=2, backup=2)
    settled(server, postgres=2, redis=2, minio=2, backup=2)
    assert "mc" in server.seen
    assert "psql" in server.seen
    assert not any("xxxx" in word for word in server.seen)
    assert "SCRAM" not in " ".join(server.seen)


def test_a_root_user_that_does_all_by_itself_is_asked_nothing(server: DataServer) -> None:
    applied(server, redis=2)
    settled(server, redis=2)
    assert "mc" not in server.seen
    assert server.minio.root_access


def change(**values: object) -> dict[str, Any]:
    return {**document(redis=2, minio=2), **values}


ACCOUNT = {"user": "a", "password": "A" * 40, "policy": "p"}


@pytest.mark.parametrize(
    "wrong",
    [
        change(postgres="short"),
        change(postgres="A" * 39 + "'"),
        change(postgres="A" * 39 + "\n"),
        change(redis=[{"name": "redis-0", "port": 6379, "passwords": []}]),
        change(redis=[{"name": "redis-0", "port": 6379, "passwords": ["A" * 39 + "@"]}]),
        change(redis=[{"name": "../x", "port": 6379, "passwords": ["A" * 40]}]),
        change(redis=[{"name": "redis-0", "port": 0, "passwords": ["A" * 40]}]),
        change(minio={"logins": [], "accounts": []}),
        change(minio={"logins": [{"user": "a", "password": "A" * 39 + "/"}], "accounts": []}),
        change(minio={"logins": [ACCOUNT], "accounts": []}),
        *(
            change(minio={"logins": [{"user": "a", "password": "A" * 40}], "accounts": [ACCOUNT | wrong]})
            for wrong in ({"user": "a b"}, {"user": "--help"}, {"policy": "$(id)"}, {"password": "A;" * 20})
        ),
        change(numbers={"postgres": 1}),
        change(numbers=dict.fromkeys(("postgres", "redis", "minio", "archive", "backup"), 0)),
        change(more=1),
    ],
)
def test_hostile_documents_touch_nothing_and_are_not_repeated(
    server: DataServer, wrong: dict[str, Any]
) -> None:
    for verb, sent in ((settle, wrong), (apply, {"version": 1, "admins": wrong})):
        with pytest.raises(BadDocument) as caught:
            verb(server.ports(), Reader(sent, ""), "tester")
        assert "AAAA" not in str(caught.value)
    assert (server.seen, server.host.files) == ([], {})


def test_mc_s_words_are_words_of_its_own_and_never_the_shell_s() -> None:
    assert program(["a; reboot", "$(id)"])[-2:] == ["a; reboot", "$(id)"]
