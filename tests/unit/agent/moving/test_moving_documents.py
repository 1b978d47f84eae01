"""What a move is told and remembers: hostile documents are refused, and a record that is damaged hides no other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import Reader
from agent.host import paths
from agent.moving import record, sums
from agent.moving.move import read_wanted
from agent.moving.record import Move
from agent.moving.sides import load_sides
from agent.moving.sums import Sums
from agent.report.move_problems import of_moves
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.store.sealing import settings

STEPS = ["copying", "moved", "settled", "returned"]
SERVICE: dict[str, Any] = {
    "version": 1,
    "host": "db.vultrdb.example",
    "port": "16751",
    "user": "vultradmin",
    "database": "defaultdb",
    "trusted": True,
    "projects": [{"id": "shop", "database": "shop_db", "owner": "shop", "logins": ["shop", "shop.2"]}],
}


@pytest.mark.parametrize(
    "document",
    [
        {"version": 1, "project": "shop; reboot", "act": "move", "to": "here"},
        {"version": 1, "project": "shop", "act": "move", "to": "elsewhere"},
        {"version": 1, "project": "shop", "act": "move"},
        {"version": 1, "project": "shop", "act": "drop"},
        {"version": 1, "project": "shop", "act": "settle", "lose": True},
        {"version": 1, "project": "shop", "act": "undo", "more": 1},
    ],
)
def test_what_is_no_wish_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(BadDocument):
        read_wanted(Reader(document, ""), "ann")


@pytest.mark.parametrize(
    "changes",
    [
        {"host": "db.example -c evil"},
        {"host": "../x"},
        {"port": "16751;"},
        {"user": 'a"b'},
        {"projects": [{"id": "shop", "database": 'x"; DROP', "owner": "shop", "logins": []}]},
        {"projects": [{"id": "shop", "database": "shop_db", "owner": "shop'", "logins": []}]},
    ],
)
def test_a_service_of_another_form_is_never_asked(changes: dict[str, Any]) -> None:
    host = host_with({**SERVICE, **changes})
    with pytest.raises(Failed, match="can't be read"):
        load_sides(host.ports())


def host_with(service: dict[str, Any]) -> FakeHost:
    from agent.host.ports import Result

    host = FakeHost()
    host.put(paths.BACKUP_SETTINGS, json.dumps(settings()), 0o600)
    host.put(paths.MANAGED_SETTINGS, json.dumps(service), 0o600)
    inspect = "podman container inspect --format {{.Image}} {{.ImageDigest}} postgres"
    host.answers[inspect] = Result(0, f"{'1' * 64} sha256:{'2' * 64}\n")
    return host


def test_both_sides_are_asked_by_the_image_that_runs_and_no_password_is_among_the_words() -> None:
    sides = load_sides(host_with(SERVICE).ports())
    words = sides.managed.psql("shop_db")
    assert "--env=PGHOST=db.vultrdb.example" in words
    assert "--env=PGPORT=16751" in words
    assert "--env=PGSSLMODE=verify-full" in words
    assert f"--volume={paths.MANAGED_LOGIN}:/run/codeb/pgpass:ro" in words
    assert "--env=PGUSER=postgres" in sides.here.psql()
    assert sides.database("shop").filled == "shop_db.moving"
    with pytest.raises(Failed, match="no database at the managed service"):
        sides.database("blog")


def test_without_a_service_nothing_moves() -> None:
    with pytest.raises(Failed, match="no managed PostgreSQL"):
        load_sides(FakeHost().ports())


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("to", ["here", "managed"])
def test_a_record_says_where_the_data_is(step: Any, to: Any) -> None:
    host = FakeHost()
    made = record.note(host.ports(), Move("shop", to, step, "ann", "2026-11-28T12:00:00Z", "ab", 7))
    assert record.load(host.ports(), "shop") == made
    assert record.lives(host.ports()) == {"shop": to if step in ("moved", "settled") else record.other(to)}
    assert host.files[f"{paths.MOVES}/shop.json"].mode == 0o600
    record.forget(host.ports(), "shop")
    assert record.lives(host.ports()) == {}


def test_a_damaged_record_hides_no_other() -> None:
    host = FakeHost()
    record.note(host.ports(), Move("shop", "managed", "settled", "ann", "2026-11-28T12:00:00Z"))
    host.put(f"{paths.MOVES}/blog.json", "{", 0o600)
    host.put(f"{paths.MOVES}/not a project.json", "{}", 0o600)
    assert record.lives(host.ports()) == {"shop": "managed"}
    with pytest.raises(Failed, match=r"blog.json can't be read"):
        record.load(host.ports(), "blog")


@pytest.mark.parametrize("step", STEPS)
def test_a_move_that_was_cut_off_is_told(step: Any) -> None:
    host = FakeHost()
    record.note(host.ports(), Move("shop", "managed", step, "ann", "2026-11-28T12:00:00Z"))
    told = [each.what for each in of_moves(host.ports())]
    assert bool(told) == (step in ("copying", "moved"))
    assert all("shop: a move to managed by ann was cut off" in each for each in told)


TABLES = st.dictionaries(
    st.text(max_size=8), st.tuples(st.integers(0, 9), st.text("0123456789", max_size=4)), max_size=4
)


@given(TABLES, TABLES)
def test_sums_are_the_same_for_the_same_data_alone(one: dict[str, Any], other: dict[str, Any]) -> None:
    same = one == other
    assert (Sums(one).text == Sums(dict(reversed(other.items()))).text) is same
    if same:
        sums.refuse_other(Sums(one), Sums(other))
    else:
        with pytest.raises(Failed):
            sums.refuse_other(Sums(one), Sums(other))
