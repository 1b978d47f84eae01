"""PostgreSQL 16 becomes 17 on the host and goes back, in real containers, while apps are asked and write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from stack import Stack, served_all_the_time

from lab.host.processes import wait_until
from lab.images.store import NEXT_POSTGRES

pytestmark = [pytest.mark.lab, pytest.mark.slow]
PROJECT, DATABASE = "food-delivery-app", "food_delivery_db"
NEW = NEXT_POSTGRES.reference
ROWS = "CREATE TABLE upgraded AS SELECT n, md5(n::text) AS t FROM generate_series(1, 200000) n"
SAME = "SELECT count(*), sum(n), min(t) FROM upgraded"


@pytest.fixture
def ready(stack: Stack) -> Iterator[Stack]:
    """The stack with rows of a database's owner, on 16 at first and at the end, with no files of another version."""
    stack.lab.image(NEXT_POSTGRES)
    owner = stack.sql(
        "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()", DATABASE
    )
    stack.sql(f'SET ROLE "{owner}"; {ROWS}', DATABASE)
    yield stack
    if major(stack) == 17:
        stack.codeb("upgrade", "postgres", "--back", "--without-backup")
    stack.codeb("upgrade", "postgres", "--forget")
    stack.configure()
    stack.sql("DROP TABLE IF EXISTS upgraded", DATABASE)
    assert stack.up().status == 0


def major(stack: Stack) -> int:
    return int(stack.sql("SHOW server_version_num")) // 10_000


def images(postgres: str) -> dict[str, str]:
    found = {"redis": "redis:7", "minio": "minio:2026-02-12", "caddy": "caddy:2.11.7"}
    return {"postgres": postgres, **{name: f"localhost/lab/{image}" for name, image in found.items()}}


def started(stack: Stack) -> str:
    return stack.on_host("podman", "inspect", "--format", "{{.State.StartedAt}}", "postgres").stdout.decode()


def archived(stack: Stack, system: str) -> bool:
    """Whether the archive has begun anew, of this cluster."""
    document: dict[str, Any] = json.loads(stack.on_host("cat", "/var/lib/codeb/archive.json").stdout or b"{}")
    listed = stack.codeb("restore", "list", PROJECT).stdout
    return document.get("system") == system and "and any moment since" in listed


def test_an_upgrade_and_the_way_back_in_containers(ready: Stack) -> None:
    stack = ready
    before = stack.sql(SAME, DATABASE)
    stack.configure(images=images(NEW))
    refused = stack.up()
    assert refused.status != 0
    assert f"codeb upgrade postgres --to {NEW}" in refused.text, "the guard says what to do"
    assert major(stack) == 16
    stack.configure()

    looked = stack.codeb("upgrade", "postgres", "--to", NEW, "--dry-run")
    assert looked.returncode == 0, looked.stdout + looked.stderr
    with served_all_the_time("blog.lab.test"):
        done = stack.codeb("upgrade", "postgres", "--to", NEW, "--wait", "300")
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)
    assert major(stack) == 17
    assert stack.sql(SAME, DATABASE) == before
    first = started(stack)
    same = stack.up()
    assert same.status == 0, "nothing has to be written, so nothing goes back"
    assert (major(stack), started(stack)) == (17, first)
    stack.configure(backup={"spool": 9})
    refused = stack.up()
    assert refused.status != 0
    assert f"set `codeb:images.postgres` to {NEW}" in refused.text
    stack.configure(images=images(NEW))
    updated = stack.up()
    assert updated.status == 0, updated.text
    assert started(stack) == first, "PostgreSQL was not restarted"
    system = stack.sql("SELECT system_identifier FROM pg_control_system()")
    assert wait_until(lambda: archived(stack, system), 240), "the archive goes on with a new base backup"
    saved = stack.codeb("backup", PROJECT)
    assert saved.returncode == 0, saved.stdout + saved.stderr

    back = stack.codeb("upgrade", "postgres", "--back", "--wait", "300")
    assert back.returncode == 0, back.stdout + back.stderr
    print(back.stdout)
    assert major(stack) == 16
    assert stack.sql(SAME, DATABASE) == before
    stack.configure()
    updated = stack.up()
    assert updated.status == 0, updated.text
    gone = stack.codeb("upgrade", "postgres", "--forget")
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert stack.on_host("ls", "/srv/codeb/postgres-17").returncode != 0


def test_what_is_cut_off_is_ended_by_the_host(ready: Stack) -> None:
    stack = ready
    before = stack.sql(SAME, DATABASE)
    document = json.dumps({"version": 1, "to": NEW, "by": "a test"})
    script = (
        'printf %s "$1" > /run/upgrade.json; systemd-run --quiet --unit=killed-upgrade --property=StandardInput='
        "file:/run/upgrade.json /usr/local/bin/codeb-agent upgrade"
    )
    assert stack.on_host("sh", "-c", script, "sh", document).returncode == 0
    there = ("test", "-e", "/srv/codeb/postgres/standby.signal")
    assert wait_until(lambda: stack.on_host(*there).returncode == 0, 300, pause=0.2), "it only reads"
    stack.on_host("systemctl", "kill", "--signal=KILL", "killed-upgrade.service")
    assert wait_until(lambda: stack.on_host("test", "-e", "/var/lib/codeb/upgrade.json").returncode != 0, 480)
    assert major(stack) == 16
    assert stack.sql(SAME, DATABASE) == before
    stack.sql("CREATE TABLE later (n int); DROP TABLE later", DATABASE)
    assert stack.on_host("test", "-e", "/srv/codeb/upgrade").returncode != 0
