"""Accounts of monitoring come with a bundle that has their passwords and go with the first that has none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from agent.admins import ensure as administrators
from agent.admins import figures
from agent.admins.document import read_admins
from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import Reader
from agent.host.ports import Ports, RedisRefused, Result
from tests.unit.agent.admins.data_server import DataServer, document
from tests.unit.agent.fakes.host import FakeHost

PASSWORDS = {"postgres": "P" * 40, "redis": "R" * 40}


@dataclass
class Redis:
    """What administrators say to instances; `refuses` is what they all answer."""

    said: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)
    refuses: str = ""

    def call(self, host: str, port: int, password: str, commands: Sequence[Sequence[str]]) -> list[object]:
        if self.refuses:
            raise RedisRefused(self.refuses)
        self.said += [(port, tuple(command)) for command in commands]
        return ["OK"] * len(commands)


@dataclass
class Psql:
    """What psql is given on its input."""

    answer: Result = field(default_factory=lambda: Result(0, ""))
    given: list[str] = field(default_factory=list)

    def run(self, argv: Sequence[str], *, stdin: str = "", **_: Any) -> Result:
        self.given.append(stdin)
        return self.answer


def ports(redis: Redis, psql: Psql) -> Ports:
    return replace(FakeHost().ports(), redis=redis, runner=psql)  # type: ignore[arg-type]


def admins(metrics: dict[str, str] | None) -> Any:
    return read_admins(Reader(document() | ({"metrics": metrics} if metrics else {}), ""))


def test_every_instance_gets_the_user_and_its_rules_and_keeps_them() -> None:
    redis, psql = Redis(), Psql(Result(0, "changed\n"))
    assert figures.ensure(ports(redis, psql), admins(PASSWORDS), before=False) == ["role:codeb_metrics"]
    wanted = ("ACL", "SETUSER", "codeb_metrics", "reset", "on", f">{'R' * 40}", *figures.RULES)
    assert redis.said == [(port, words) for port in (6379, 6390) for words in (wanted, ("ACL", "SAVE"))]


def test_the_password_reaches_psql_as_a_verifier_alone() -> None:
    psql = Psql()
    figures.ensure(ports(Redis(), psql), admins(PASSWORDS), before=True)
    (given,) = psql.given
    assert given.startswith("\\set verifier 'SCRAM-SHA-256$4096:")
    assert "PPPP" not in given
    assert "GRANT pg_monitor TO codeb_metrics" in given


def test_what_was_never_watched_is_asked_nothing() -> None:
    redis, psql = Redis(), Psql()
    assert figures.ensure(ports(redis, psql), admins(None), before=False) == []
    assert (redis.said, psql.given) == ([], [])


def test_a_bundle_without_passwords_takes_both_accounts_away() -> None:
    redis, psql = Redis(), Psql(Result(0, "changed\n"))
    assert figures.ensure(ports(redis, psql), admins(None), before=True) == ["role:codeb_metrics"]
    assert (6379, ("ACL", "DELUSER", "codeb_metrics")) in redis.said
    assert "DROP ROLE IF EXISTS codeb_metrics;" in psql.given[0]


@pytest.mark.parametrize(
    ("redis", "psql", "whose"),
    [
        (Redis(), Psql(Result(3, "", "ERROR:  permission denied")), "PostgreSQL's role codeb_metrics: ERROR"),
        (Redis(refuses="NOPERM"), Psql(), "the user codeb_metrics of redis-0: NOPERM"),
    ],
)
def test_a_refusal_says_whose_and_no_password(redis: Redis, psql: Psql, whose: str) -> None:
    with pytest.raises(Failed) as caught:
        figures.ensure(ports(redis, psql), admins(PASSWORDS), before=False)
    assert whose in caught.value.failure.cause
    assert "RRRR" not in caught.value.failure.text()


@pytest.mark.parametrize(
    "wrong",
    [
        {"postgres": "short", "redis": "R" * 40},
        {"postgres": "P" * 40},
        PASSWORDS | {"minio": "M" * 40},
        {"postgres": "P" * 30 + "';--", "redis": "R" * 40},
    ],
)
def test_a_document_of_another_form_is_refused_without_its_passwords(wrong: dict[str, str]) -> None:
    with pytest.raises(BadDocument) as caught:
        admins(wrong)
    assert not any(value in str(caught.value) for value in wrong.values() if len(value) > 10)


def test_accounts_of_a_run_that_ended_half_way_are_looked_for_when_nobody_asks_for_them_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there: list[bool] = []

    def half(_ports: Ports, _admins: Any, *, before: bool) -> list[str]:
        there.append(before)
        raise Failed("admins", "an instance is loading", "run again")

    monkeypatch.setattr(figures, "ensure", half)
    server = DataServer(FakeHost())
    for passwords in (PASSWORDS, None):
        with pytest.raises(Failed):
            administrators.ensure(server.ports(), admins(passwords))
    assert there == [False, True]


def test_whether_they_are_there_is_remembered_and_nothing_of_it_where_they_never_were() -> None:
    server = DataServer(FakeHost())
    administrators.ensure(server.ports(), admins(None))
    assert json.loads(str(server.host.tell(administrators.KEPT))) == {
        "version": 1,
        "numbers": document()["numbers"],
    }
