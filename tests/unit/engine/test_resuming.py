"""Kills, locks, refreshes and the state file."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab.engine.checkpoint import StackFiles
from lab.engine.errors import EngineError
from lab.engine.locking import Locked, locked
from lab.engine.provider import ProviderError
from lab.engine.run import Options
from tests.unit.engine.harness import Stack, targeting

ROOT = Path(__file__).parents[3]
SLOW = """
import pulumi
from pulumi_command import local
a = local.Command("a", create="echo a >> log.txt", delete="true")
b = local.Command("b", create="test -e again || { touch started; sleep 60; }; echo b >> log.txt",
                  opts=pulumi.ResourceOptions(depends_on=[a]))
"""


def run(folder: Path, command: str) -> subprocess.Popen[str]:
    arguments = ["--cwd", str(folder), "--stack", "dev", "--backend", str(folder.parent / "backend")]
    return subprocess.Popen(
        [sys.executable, "-m", "lab.engine", command, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PULUMI_CONFIG_PASSPHRASE": "pass"},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 120
    while not path.exists():
        assert process.poll() is None, process.stdout and process.stdout.read()
        assert time.monotonic() < until, f"{path} did not appear"
        time.sleep(0.05)


@pytest.mark.engine
def test_a_killed_run_is_finished_by_the_next_one(stack: Stack) -> None:
    (stack.folder / "__main__.py").write_text(SLOW)
    process = run(stack.folder, "up")
    wait_for(stack.folder / "started", process)
    other = run(stack.folder, "up")
    text, _ = other.communicate()
    assert other.returncode == 1
    assert "locked" in text
    process.kill()
    process.communicate()
    (stack.folder / "again").touch()
    process = run(stack.folder, "up")
    text, _ = process.communicate()
    assert process.returncode == 0, text
    assert "cleared the lock of a run that was killed" in text
    assert "interrupted while creating" in text
    assert (stack.folder / "log.txt").read_text() == "a\nb\n", "a is not made twice"
    assert "pending_operations" not in stack.deployment
    assert not StackFiles(stack.backend, "proj", "dev").journal.exists()


@pytest.mark.engine
def test_an_interrupt_ends_the_run_in_order(stack: Stack) -> None:
    (stack.folder / "__main__.py").write_text(SLOW)
    process = run(stack.folder, "up")
    wait_for(stack.folder / "started", process)
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 1, text
    assert [item["urn"].rsplit("::", 1)[-1] for item in stack.resources()] == ["a"]
    assert list(StackFiles(stack.backend, "proj", "dev").locks.glob("*.json")) == []


def test_a_torn_journal_loses_only_its_last_line(stack: Stack) -> None:
    stack.up('Thing("a")')
    files = StackFiles(stack.backend, "proj", "dev")
    text = stack.state_file.read_text()
    document = next(item for item in stack.resources())
    renamed = {**document, "urn": document["urn"].replace("::a", "::b")}
    from lab.engine.ledger import digest

    lines = [[["base", digest(text)]], [["put", "n0", renamed]]]
    files.journal.write_text("".join(json.dumps(line) + "\n" for line in lines) + '[["done", "b')
    stack.up('Thing("a")\nThing("b")')
    assert stack.world.take_log() == ["+a"], "b was there already"
    assert stack.names() == ["a", "b"]


def test_a_journal_that_was_folded_already_is_skipped(stack: Stack) -> None:
    stack.up('Thing("a")')
    journal = StackFiles(stack.backend, "proj", "dev").journal
    journal.write_text(
        json.dumps([["base", "of another checkpoint"]]) + "\n" + json.dumps([["done", "b1"]]) + "\n"
    )
    stack.up('Thing("a")')
    assert stack.names() == ["a"]


def test_the_lock_of_the_cli_is_respected(stack: Stack) -> None:
    files = StackFiles(stack.backend, "proj", "dev")
    files.prepare()
    lock = files.locks / "some.json"
    lock.write_text(
        json.dumps({"pid": 1, "username": "me", "hostname": socket.gethostname(), "timestamp": "now"})
    )
    engine, _ = stack.engine('Thing("a")')
    with pytest.raises(EngineError, match="currently locked by 1 lock"):
        engine.up()
    assert lock.exists()


def test_two_runs_exclude_each_other(tmp_path: Path) -> None:
    files = StackFiles(tmp_path, "proj", "dev")
    with locked(files, lambda text: None) as own:
        assert json.loads(own.read_text())["pid"] == os.getpid()
        with pytest.raises(Locked), locked(files, lambda text: None):
            pass
    assert not own.exists()
    with open(files.journal.with_suffix(".lock")) as handle:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_refresh_notices_what_has_vanished_or_changed(stack: Stack) -> None:
    stack.up('a = Thing("a", v=1)\nb = Thing("b", v=a.result)\nThing("c", v=1, opts=O(depends_on=[a]))')
    ids = {item["urn"].rsplit("::", 1)[-1]: item["id"] for item in stack.resources()}
    del stack.world.things[ids["a"]]
    stack.world.things[ids["c"]]["v"] = 7
    result = stack.refresh()
    assert result.summary == {"delete": 1, "same": 2, "update": 1}
    assert sorted(stack.names()) == ["b", "c"]
    found = {item["urn"].rsplit("::", 1)[-1]: item for item in stack.resources()}
    assert found["c"]["inputs"]["v"] == 7
    assert "dependencies" not in found["b"]
    assert "dependencies" not in found["c"]


def test_up_with_refresh_makes_what_has_vanished_anew(stack: Stack) -> None:
    stack.up('Thing("a", v=1)')
    stack.world.things.clear()
    stack.world.take_log()
    stack.up('Thing("a", v=1)', Options(refresh=True))
    assert stack.world.take_log() == ["+a"]


def test_refresh_can_run_the_program(stack: Stack) -> None:
    program = 'p = Provider("p", server="one", token="{0}")\nThing("a", opts=O(provider=p))\nThing("new")'
    stack.up(program.format(1).replace('\nThing("new")', '\nThing("left")'))
    left = next(item["id"] for item in stack.resources() if item["urn"].endswith("left"))
    del stack.world.things[left]
    stack.world.take_log()
    result = stack.refresh(program.format(2), Options(run_program=True))
    assert result.exit_code == 0, stack.text
    assert stack.world.take_log() == []
    assert stack.names() == ["a"]
    provider = next(item for item in stack.deployment["resources"] if item["urn"].endswith("::p"))
    assert provider["inputs"]["token"] == "2"


@pytest.mark.parametrize("run_program", [False, True])
def test_destroy_deletes_in_reverse_order_with_or_without_the_program(
    stack: Stack, run_program: bool
) -> None:
    program = 'a = Thing("a")\nb = Thing("b", v=a.result)\nThing("c", v=b.result)'
    stack.up(program)
    stack.world.take_log()
    result = stack.destroy(program, Options(run_program=run_program))
    assert result.exit_code == 0, stack.text
    assert stack.world.take_log() == ["-c", "-b", "-a"]
    assert stack.deployment.get("resources", []) == []


def test_destroying_a_target_alone_is_refused_when_something_depends_on_it(stack: Stack) -> None:
    stack.up('a = Thing("a")\nThing("b", v=a.result)')
    stack.world.take_log()
    assert stack.destroy(options=targeting("a")).exit_code == 1
    assert "will be destroyed but was not specified" in stack.text
    assert stack.destroy(options=targeting("a", target_dependents=True)).exit_code == 0
    assert stack.world.take_log() == ["-b", "-a"]


def test_a_failed_deletion_keeps_what_it_depends_on(stack: Stack) -> None:
    stack.up('a = Thing("a")\nb = Thing("b", v=a.result)\nThing("c")')
    stack.world.failing["-b"] = ProviderError("in use")
    assert stack.destroy().exit_code == 1
    assert sorted(stack.names()) == ["a", "b", "c"]


def test_the_checkpoint_before_is_kept(stack: Stack) -> None:
    stack.up('Thing("a")')
    before = stack.state_file.read_text()
    stack.up('Thing("b")')
    assert stack.state_file.with_name("dev.json.bak").read_text() == before


def test_a_long_chain_is_deleted_one_by_one() -> None:
    from lab.engine.graph import Graph, layers
    from lab.engine.resource import Resource

    chain = [
        Resource(
            f"urn:pulumi:s::p::t::{number}",
            "t",
            custom=True,
            dependencies=[f"urn:pulumi:s::p::t::{number - 1}"],
        )
        for number in range(3000)
    ]
    ordered = layers(list(reversed(chain)), Graph(chain))
    assert [layer[0] for layer in ordered] == chain[::-1]
