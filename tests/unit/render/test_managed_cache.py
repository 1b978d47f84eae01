"""What a project's user may do at Vultr's Valkey is what it may in the data server's Redis, said without an order."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from codeb.render.managed_cache import cache_access, commands

RULE = re.compile(r"\+[a-z_]+(?:\|[a-z0-9-]+)?")
TABLE = Path(__file__).parents[2] / "services" / "redis_commands.txt"
LATER = {
    *(
        "hexpire",
        "hexpireat",
        "hexpiretime",
        "hpersist",
        "hpexpire",
        "hpexpireat",
        "hpexpiretime",
        "hpttl",
        "httl",
    ),
    *("hgetdel", "hgetex", "hsetex", "xackdel", "xdelex"),
}
"""What came to Redis after Valkey had left it: a rule with a name that nobody knows would be refused."""


def shared() -> set[str]:
    rows = (line.split() for line in TABLE.read_text().splitlines() if not line.startswith("#"))
    return {name for name, allowed, _ in rows if allowed == "allowed"}


def test_it_allows_what_a_shared_instance_allows() -> None:
    assert set(commands()) == shared() - LATER - {"acl|whoami"} | {"flushdb"}


def test_no_rule_undoes_another_whatever_the_order() -> None:
    access = cache_access(4, "shop:")
    assert access.categories == ("-@all",)
    assert all(rule.startswith("+") and "@" not in rule for rule in access.commands)
    assert len(set(access.commands)) == len(access.commands)
    assert all(RULE.fullmatch(rule) for rule in access.commands)


@pytest.mark.parametrize("index", [2, 15])
def test_one_index_and_one_prefix_of_channels(index: int) -> None:
    access = cache_access(index, "food_delivery:")
    assert [rule for rule in access.commands if rule.startswith("+select")] == [f"+select|{index}"]
    assert (access.keys, access.channels) == (("*",), ("food_delivery:*",))


@pytest.mark.parametrize(
    "command", ["keys", "flushall", "swapdb", "move", "copy", "config", "acl", "monitor", "client|list"]
)
def test_what_reaches_others_is_not_there(command: str) -> None:
    assert not [each for each in commands() if each == command or each.startswith(f"{command}|")]
