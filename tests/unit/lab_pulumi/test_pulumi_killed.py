"""Locks and pending creations that a killed CLI leaves in a file backend."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.host.processes import wait_until
from lab.pulumi.killed import broken_sidecars, pending_creates, unlock, without_creates

CREATING = {"type": "creating", "resource": {"urn": "urn:pulumi:dev::codeb::t::a"}}
DELETING = {"type": "deleting", "resource": {"urn": "urn:pulumi:dev::codeb::t::b"}}
LARGEST_PID = 2**22
"""No process has it: the kernel counts to one less."""


@pytest.fixture
def pulumi(tmp_path: Path) -> Iterator[int]:
    """The id of a process that is called as the CLI is."""
    program = tmp_path / "pulumi"
    shutil.copy2(shutil.which("sleep") or "sleep", program)
    with subprocess.Popen([program, "60"]) as process:
        # Its name comes a moment after it has started.
        assert wait_until(lambda: Path(f"/proc/{process.pid}/comm").read_text() == "pulumi\n", 10)
        yield process.pid
        process.kill()


def lock(backend: Path, pid: int, stack: str = "dev", host: str | None = None) -> Path:
    """A lock as the CLI writes it (`backend/diy/lock.go`)."""
    folder = backend / ".pulumi/locks/organization/codeb" / stack
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{len(list(folder.iterdir()))}.json"
    path.write_text(
        json.dumps(
            {"pid": pid, "username": "root", "hostname": host or socket.gethostname(), "timestamp": "…"}
        )
    )
    return path


def test_the_lock_of_a_process_that_is_gone_is_removed_and_named(tmp_path: Path) -> None:
    path = lock(tmp_path, LARGEST_PID)
    assert [str(LARGEST_PID) in message for message in unlock(tmp_path, "codeb", "dev")] == [True]
    assert not path.exists()


def test_the_lock_of_a_running_cli_stays(tmp_path: Path, pulumi: int) -> None:
    path = lock(tmp_path, pulumi)
    assert list(unlock(tmp_path, "codeb", "dev")) == []
    assert path.exists()


def test_a_process_id_that_another_program_has_got_keeps_no_lock(tmp_path: Path) -> None:
    path = lock(tmp_path, os.getpid())
    assert len(list(unlock(tmp_path, "codeb", "dev"))) == 1
    assert not path.exists()


def test_locks_of_other_machines_and_other_stacks_stay(tmp_path: Path, pulumi: int) -> None:
    """Nobody here can tell whether a process of another machine runs."""
    paths = [lock(tmp_path, LARGEST_PID, host="elsewhere"), lock(tmp_path, LARGEST_PID, stack="prod")]
    gone = lock(tmp_path, LARGEST_PID)
    assert len(list(unlock(tmp_path, "codeb", "dev"))) == 1
    assert all(path.exists() for path in paths)
    assert not gone.exists()


def test_a_backend_without_locks_is_fine(tmp_path: Path) -> None:
    assert list(unlock(tmp_path, "codeb", "dev")) == []


@pytest.mark.parametrize("begun", ["", '{"user.cache_control":""', "\0\0"])
def test_an_attribute_file_that_was_only_begun_is_removed_and_named(tmp_path: Path, begun: str) -> None:
    folder = tmp_path / ".pulumi/stacks/codeb"
    folder.mkdir(parents=True)
    whole = {
        "dev.json": "{}",
        "dev.json.bak.attrs": '{"md5": ""}\n',
        "prod.json.attrs": "",
        "dev2.json.attrs": "",
    }
    for name, content in whole.items():
        (folder / name).write_text(content)
    (folder / "dev.json.attrs").write_text(begun)
    assert ["dev.json.attrs" in message for message in broken_sidecars(tmp_path, "codeb", "dev")] == [True]
    assert {path.name for path in folder.iterdir()} == set(whole)
    assert list(broken_sidecars(tmp_path, "codeb", "dev")) == []


@pytest.mark.parametrize(
    ("latest", "pending"),
    [
        (None, False),
        ({}, False),
        ({"pending_operations": None}, False),
        ({"pending_operations": [DELETING]}, False),
        ({"pending_operations": [DELETING, CREATING]}, True),
    ],
)
def test_creations_that_were_begun_are_seen_in_the_state(tmp_path: Path, latest: Any, pending: bool) -> None:
    state = tmp_path / "dev.json"
    assert not pending_creates(state), "no state, none pending"
    state.write_text(json.dumps({"version": 3, "checkpoint": {"stack": "dev", "latest": latest}}))
    assert pending_creates(state) is pending


def test_only_creations_are_taken_out_of_a_deployment() -> None:
    deployment = {"resources": [1], "pending_operations": [DELETING, CREATING]}
    assert without_creates(deployment) == {"resources": [1], "pending_operations": [DELETING]}
    assert without_creates({"resources": []})["pending_operations"] == []
