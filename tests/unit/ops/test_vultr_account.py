"""What is known of an account whose key may not see all of it."""

from __future__ import annotations

from typing import Any, cast

import pytest

from codeb.fleet import State
from codeb.fleet.kinds import DATABASE, OBJECTS, SERVER
from ops.vultr.account import read_account
from ops.vultr.client import Client, VultrError, WrongKey


class Listing:
    """An account with nothing in it; `refused` are paths that the key may not ask for."""

    def __init__(self, *refused: str) -> None:
        self.refused = refused

    def pages(self, path: str, items: str) -> list[dict[str, Any]]:
        if "all" in self.refused or path in self.refused:
            raise WrongKey(f"Vultr does not take the key (403: {path})")
        return []


def test_a_kind_that_the_key_may_not_see_is_unasked_and_the_others_are_known() -> None:
    client = cast(Client, Listing("/object-storage"))
    found = read_account(client, State(), "codeb-prod-0a1b2c", ())
    assert set(found.unasked) == {OBJECTS}
    assert "403" in found.unasked[OBJECTS]
    assert {SERVER, DATABASE} <= set(found.things)


def test_a_key_that_may_see_nothing_is_said() -> None:
    with pytest.raises(VultrError, match="does not take the key"):
        read_account(cast(Client, Listing("all")), State(), "codeb-prod-0a1b2c", ())
