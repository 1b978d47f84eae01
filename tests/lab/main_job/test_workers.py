"""Workers on a real host, with a queue in the project's own Redis: releases lose no job, and an exclusive worker is one."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from inside import in_app, serving
from stack import IMAGE, Stack, new_project, served_all_the_time

pytestmark = pytest.mark.lab

QUEUES = ("shared", "alone")
SCRIPT = " ".join(line.strip() for line in (Path(__file__).parent / "queue.cjs").read_text().splitlines())
"""The worker and what fills its queue, as one argument of a command in the manifest."""


def manifest(title: str, *, works: bool = True) -> dict[str, Any]:
    found = new_project("queue", DEMO_TITLE=title)
    found["project"]["lifecycle"] = "destroy"
    command = ["node", "-e", SCRIPT if works else "process.exit(7)", "--", "work"]
    found["features"] = {
        "workers": [
            {"name": "shared", "command": [*command, "shared"], "replicas": 2},
            {"name": "alone", "command": [*command, "alone"], "exclusive": True, "stop_timeout": "10s"},
        ]
    }
    return found


@pytest.fixture
def queue(stack: Stack) -> Iterator[Stack]:
    stack.write("queue", manifest("first"))
    added = stack.up()
    assert added.status == 0, added.text
    yield stack
    stack.remove("queue")
    assert stack.up().status == 0
    assert not units(stack), "its workers are gone with it"


def units(stack: Stack) -> list[str]:
    """The services of workers that run."""
    rows = stack.on_host("systemctl", "list-units", "--output=json", "codeb-queue-*-w-*").stdout
    return sorted(row["unit"] for row in json.loads(rows) if row["active"] == "active")


def expected(colour: str) -> list[str]:
    names = ("alone@1", "shared@1", "shared@2")
    return [f"codeb-queue-{colour}-w-{name}.service" for name in names]


@contextmanager
def filled(stack: Stack) -> Iterator[None]:
    """50 jobs a second come into each queue meanwhile, from a container that no release touches; all are done at the end."""
    env_file = f"/etc/codeb/projects/queue/{serving(stack, 'queue')}.env"
    environment = stack.on_host("cat", env_file).stdout.decode()
    assert stack.on_host("sh", "-c", "umask 077; cat > /run/queue.env", stdin=environment).returncode == 0
    for name in QUEUES:
        done = stack.on_host(
            *("podman", "run", "--detach", "--rm", f"--name=fill-{name}", "--network=codeb-queue"),
            *("--env-file=/run/queue.env", "--pull=never", IMAGE, "node", "-e", SCRIPT, "--", "fill", name),
        )
        assert done.returncode == 0, done.stderr.decode()
    try:
        yield
        for name in QUEUES:
            assert in_app(stack, "queue", SCRIPT, "stop", name) == "OK"
    finally:
        stack.on_host("podman", "rm", "--force", "--time=5", *(f"fill-{name}" for name in QUEUES))
        stack.on_host("rm", "-f", "/run/queue.env")


def told(stack: Stack, name: str) -> dict[str, int]:
    """What became of the jobs of a queue, once nothing is left in it or a minute is over."""
    deadline = time.monotonic() + 60
    while True:
        found: dict[str, int] = json.loads(in_app(stack, "queue", SCRIPT, "tell", name))
        if found["done"] == found["made"] or time.monotonic() > deadline:
            return found
        time.sleep(1)


def play(stack: Stack, releases: int) -> None:
    """Releases under way while jobs come in; afterwards each job was done once, and the exclusive worker was always one."""
    began = time.monotonic()
    with filled(stack), served_all_the_time("queue.lab.test"):
        for number in range(releases):
            stack.write("queue", manifest(f"title {number}"))
            done = stack.up()
            assert done.status == 0, done.text
            assert units(stack) == expected(serving(stack, "queue"))
    seconds = time.monotonic() - began
    for name, alive in (("shared", 2), ("alone", 1)):
        found = told(stack, name)
        print(f"{name}: {found}, {releases} releases in {seconds:.0f} s")
        assert found["done"] == found["made"] > 0
        assert (found["twice"], found["left"], found["alive"]) == (0, 0, alive)
        assert name == "shared" or found["together"] == 0


@pytest.mark.slow
def test_releases_lose_no_job_and_an_exclusive_worker_is_one(queue: Stack) -> None:
    assert units(queue) == expected("blue")
    play(queue, 3)

    colour = serving(queue, "queue")
    queue.on_host("systemctl", "daemon-reload")  # as at boot: systemd has read the links before
    wants = queue.on_host("systemctl", "show", "--property=Wants", "multi-user.target").stdout.decode()
    other = "blue" if colour == "green" else "green"
    assert all(name in wants for name in expected(colour)), "they start at boot"
    assert not any(name in wants for name in expected(other))
    assert queue.on_host("codeb-agent", "doctor", stdin="{}").returncode == 0

    with served_all_the_time("queue.lab.test"):
        rolled = queue.codeb("rollback", "queue")
        assert rolled.returncode == 0, rolled.stderr
        assert units(queue) == expected(other)
        assert queue.codeb("rollback", "queue", "--forward").returncode == 0
        again = queue.on_host(
            "codeb-agent", "restart", stdin=json.dumps({"project": "queue", "why": "a test"})
        )
        assert again.returncode == 0, again.stderr.decode()
        assert units(queue) == expected(other)

        queue.write("queue", manifest("bad", works=False))
        bad = queue.up()
    assert bad.status != 0
    assert "-w-shared@1.service ended: exit code 7" in bad.text
    assert units(queue) == expected(other), "the old ones work on"
    assert told(queue, "alone")["together"] == 0


@pytest.mark.slow
def test_twenty_releases_lose_no_job(queue: Stack) -> None:
    play(queue, 20)
