"""A database brought back to the moment before a mistake while its app and the others are served, and the way back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from stack import ADDRESS, Stack, new_project, served_all_the_time

from lab import paths
from lab.host.processes import wait_until
from lab.load import Load, Shape, Target

pytestmark = [pytest.mark.lab, pytest.mark.slow]
PROJECT, DOMAIN, DATABASE = "ledger", "ledger.lab.test", "ledger_db"
STEADY = Shape(rate=40, sockets=0, events=0, upload_seconds=0)


@pytest.fixture
def noted(stack: Stack) -> Iterator[Stack]:
    """The stack with a project as large as the largest of the repository's and a table of notes in its database.

    All of it is gone afterwards, with what restores have put aside.
    """
    largest = stack.manifest("food-delivery-app")
    shared = {name: largest[name] for name in ("resources", "monitoring", "backup")}
    own = {**new_project(PROJECT), "project": {"id": PROJECT, "lifecycle": "destroy"}}
    with stack.with_project(PROJECT, {**own, **shared}):
        stack.sql(
            "CREATE TABLE notes (n integer PRIMARY KEY, at timestamptz DEFAULT clock_timestamp())", DATABASE
        )
        yield stack
        stack.sql(f"DROP DATABASE IF EXISTS {DATABASE}_before_restore")


def count(stack: Stack) -> int:
    return int(stack.sql("SELECT count(*) FROM notes", DATABASE))


def test_a_wrong_delete_is_taken_back_to_the_moment_before_and_nobody_notices(noted: Stack) -> None:
    def archived() -> bool:
        listed = noted.codeb("restore", "list", PROJECT)
        return "and any moment since" in listed.stdout

    assert wait_until(archived, 120), "the archive's first base backup is there"
    containers = {name: noted.entry(name)["container_id"] for name in (PROJECT, "blog")}
    noted.sql("INSERT INTO notes SELECT generate_series(1, 1000)", DATABASE)
    time.sleep(1)
    before = datetime.now(UTC)
    time.sleep(1)
    noted.sql("DELETE FROM notes", DATABASE)
    target = Target(DOMAIN, ADDRESS, paths.CA_CERTIFICATE)
    with (
        served_all_the_time("blog.lab.test", "food.lab.test", "estate.lab.test"),
        Load(target, STEADY) as load,
    ):
        time.sleep(30)
        restored = noted.codeb("restore", PROJECT, "--at", before.isoformat())
        time.sleep(3)
    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert count(noted) == 1000
    assert load.result.failed == 0, load.result.failures
    assert len(load.result.requests) > 1000
    assert {name: noted.entry(name)["container_id"] for name in containers} == containers
    print(restored.stdout)

    again = noted.codeb("restore", PROJECT, "--backup", "newest")
    assert again.returncode == 1, "what was put aside would go"
    assert "--replace" in again.stderr
    undone = noted.codeb("restore", "undo", PROJECT)
    assert undone.returncode == 0, undone.stdout + undone.stderr
    assert count(noted) == 0
