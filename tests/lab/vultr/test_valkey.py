"""A managed cache is a real Valkey: TLS by an authority of its own, users with the rules that the platform gives them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from cloud import Cloud

from agent.host import paths
from agent.host.ports import RedisRefused
from agent.real.redis import RealRedis
from codeb.render import cache_access
from lab.vultr.ports import CacheUser, DatabaseSpec, MachineError, Served
from tests.services.test_managed_rules import OTHERWISE
from tests.services.test_redis_attacks import ATTACKS, table

SPEC = DatabaseSpec("cache-1", "8.1", "vultradmin", "AVNS_0123456789abcdef", "defaultdb", "valkey")
HARMLESS = {"empty an index"}
"""Everybody may empty what is his own."""


def user(name: str, index: int, password: str = "") -> CacheUser:
    access = cache_access(index, f"{name}:")
    where = (*(f"~{key}" for key in access.keys), *(f"&{channel}" for channel in access.channels))
    return CacheUser(name, password or f"of-{name}", (*access.categories, *access.commands, *where))


BOTH = (user("blog", 2), user("shop", 3))


@pytest.fixture(scope="module")
def served(cloud: Cloud) -> Iterator[Served]:
    yield cloud.machines.make_database(SPEC)
    cloud.machines.drop_database(SPEC.id)


@pytest.fixture(autouse=True)
def trusted(cloud: Cloud, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its authority is one of the host's, and both projects' users are let in."""
    monkeypatch.setattr(paths, "CA_FILE", str(cloud.machines.authority(SPEC.id)))
    assert cloud.machines.make_database(replace(SPEC, users=BOTH)) == served


def said(served: Served, who: CacheUser, *commands: tuple[str, ...]) -> list[object]:
    return RealRedis().call_as(served.host, served.port, who.name, who.password, commands)


def test_each_user_has_his_index_and_reaches_no_other(served: Served) -> None:
    blog, shop = BOTH
    assert said(served, blog, ("SELECT", "2"), ("SET", "k", "mine"), ("FLUSHDB",), ("GET", "k"))[-1] is None
    assert said(served, shop, ("SELECT", "3"), ("SET", "k", "kept"), ("GET", "k"))[-1] == "kept"
    with pytest.raises(RedisRefused, match="NOPERM"):
        said(served, blog, ("SELECT", "3"))


@pytest.mark.parametrize("attack", [name for name in ATTACKS if name not in HARMLESS])
def test_nothing_of_a_neighbour_is_reached(served: Served, attack: str) -> None:
    with pytest.raises(RedisRefused, match=r"NOPERM|ERR (DEBUG|MODULE) command not allowed"):
        said(served, BOTH[0], ("SELECT", "2"), ATTACKS[attack])


def test_every_command_is_judged_as_on_the_data_server(served: Served) -> None:
    """Those that the data server's Redis has not are denied."""
    admin = CacheUser(SPEC.user, SPEC.password, ())
    names: Any = said(served, admin, ("COMMAND", "LIST"))[0]
    told: Any = said(served, admin, *(("COMMAND", "INFO", name) for name in names))
    found = {each[0]: abs(each[1]) for (row,) in told for each in (row[9] or [row])}
    tries = [(*name.split("|"), *["1"] * (words - name.count("|") - 1)) for name, words in found.items()]
    answers = said(served, admin, *(("ACL", "DRYRUN", "blog", *words) for words in tries))
    judged = {
        name: "denied" if "no permissions to run" in str(answer) else "allowed"
        for name, answer in zip(found, answers, strict=True)
    }
    rows = {name: shared for name, (shared, _) in table().items()} | OTHERWISE
    assert len(judged) > 300
    assert {name: one for name, one in judged.items() if one != rows.get(name, "denied")} == {}


def test_nobody_comes_in_without_tls_or_with_another_password(served: Served) -> None:
    blog = BOTH[0]
    with pytest.raises(RedisRefused):
        RealRedis().call(served.host, served.port, blog.password, [("PING",)])
    with pytest.raises(RedisRefused, match="WRONGPASS"):
        said(served, replace(blog, password="of-nobody"), ("PING",))


def test_a_user_who_is_not_named_any_more_is_out_and_a_rule_that_is_none_changes_nothing(
    cloud: Cloud, served: Served
) -> None:
    blog, shop = BOTH
    cloud.machines.make_database(replace(SPEC, users=(shop,)))
    with pytest.raises(RedisRefused, match="WRONGPASS"):
        said(served, blog, ("PING",))
    with pytest.raises(MachineError, match="refuses the rules"):
        cloud.machines.make_database(replace(SPEC, users=(replace(blog, rules=("+nosuch",)), shop)))
    assert said(served, shop, ("PING",)) == ["PONG"]


def test_what_it_keeps_is_there_after_a_restart_at_the_same_address(cloud: Cloud, served: Served) -> None:
    shop = BOTH[1]
    said(served, shop, ("SELECT", "3"), ("SET", "after", "there"))
    notes = cloud.machines.ground.book.read()
    cloud.machines.ground.store(SPEC.id, notes.databases[SPEC.id]).stop()
    assert cloud.machines.make_database(replace(SPEC, users=BOTH)) == served
    assert said(served, shop, ("PING",)) == ["PONG"]


def test_a_version_that_the_lab_has_no_programs_of_is_refused(cloud: Cloud) -> None:
    with pytest.raises(MachineError, match=r"Valkey 8\.1, and no 9\.0"):
        cloud.machines.make_database(replace(SPEC, id="cache-2", version="9.0"))
