"""The verb `upgrade` from a real PostgreSQL 16 to a real 17, and back."""

from __future__ import annotations

from agent.host import paths
from tests.upgrade.conftest import ask, sql
from tests.upgrade.machine import NEW, Host


def test_all_databases_are_served_by_the_new_version_as_they_were(machine: Host) -> None:
    answer = ask(machine, to=NEW)
    assert answer["ok"], (answer, machine.journal.lines)
    assert sql(machine, "SHOW server_version_num;\n").startswith("17")
