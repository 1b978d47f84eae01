"""Newest backups proven by the host's own service in real containers, and a database dropped after its final backup."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from stack import Stack, new_project

pytestmark = [pytest.mark.lab, pytest.mark.slow]
DAMAGE = (Path(__file__).parent / "damage.py").read_text()


def asked(stack: Stack, verb: str, **document: object) -> dict[str, Any]:
    """The agent's answer."""
    done = stack.on_host("codeb-agent", verb, stdin=json.dumps({"version": 1, **document}))
    return dict(json.loads(done.stdout.decode().splitlines()[-1]))


def proof(stack: Stack) -> dict[str, Any]:
    """What is known of blog's backups once the timer's service has run."""
    stack.on_host("systemctl", "start", "codeb-prove.service")
    return dict(asked(stack, "status", project="blog")["backups"]["blog"])


def test_the_service_proves_newest_backups_and_finds_a_damaged_one(stack: Stack) -> None:
    before = stack.entry("blog")["container_id"]
    assert stack.on_host("systemctl", "is-active", "codeb-prove.timer").returncode == 0
    assert asked(stack, "backup", project="blog")["ok"]
    good = proof(stack)
    assert good["proven"], good
    assert good["problem"] == ""

    assert asked(stack, "backup", project="blog")["ok"]
    damaged = stack.on_host("python3", "-", stdin=DAMAGE)
    assert damaged.returncode == 0, damaged.stderr.decode()
    bad = proof(stack)
    assert bad["problem"].startswith("was not proven at "), bad
    assert ": damaged: " in bad["problem"]
    assert bad["proven"] == good["proven"]

    assert asked(stack, "backup", project="blog")["ok"]
    assert proof(stack)["problem"] == ""
    stack.on_host("systemctl", "reset-failed", "codeb-prove.service")
    assert stack.on_host("ls", "/srv/codeb/proof").stdout == b"", "no server's files are left"
    names = stack.on_host("podman", "ps", "--all", "--format", "{{.Names}}").stdout.decode()
    assert "codeb-proof" not in names
    assert stack.entry("blog")["container_id"] == before


def test_a_database_is_dropped_after_a_backup_that_stays(stack: Stack) -> None:
    manifest = new_project("leaver")
    manifest["project"]["lifecycle"] = "destroy"
    stack.write("leaver", manifest)
    added = stack.up()
    assert added.status == 0, added.text
    stack.sql("create table kept (note text)", "leaver_db")
    stack.remove("leaver")
    gone = stack.up()
    assert gone.status == 0, gone.text
    assert "leaver_db" not in stack.databases()
    (found,) = asked(stack, "backups", project="leaver")["projects"]
    assert len(found["stores"][0]["backups"]) == 1
