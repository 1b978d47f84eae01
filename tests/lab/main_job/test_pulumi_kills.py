"""kill -9 of whatever runs an update, at any moment: the next run converges, nothing is there twice, nothing is lost.

A fixed set runs each time, kills at random moments with `make test-slow`, more with
`pytest -s --pulumi-kills 50 tests/lab/main_job/test_pulumi_kills.py` (`-s` shows the table).
"""

from __future__ import annotations

import random
import time

import pytest
from killing import CLI, EVERYTHING, VICTIMS, Update
from stack import Stack, get, new_project

pytestmark = pytest.mark.lab

MOMENTS = (
    ("role", "the program"),
    ("role", "the plugin of postgresql"),
    ("database", EVERYTHING),
    ("database", "the language host"),
    ("user", "the plugin of minio"),
    ("access", CLI),
    ("release-codeb1", "the plugin of command"),
    ("release-codeb1", CLI),
)
"""Each kill hits the run that goes on after the one before, at this resource, or the next if this one was made already."""

MADE = ("role", "database", "public", "user", "policy", "access", "release-codeb1")
"""In the order in which a project's resources are made."""

LONGEST_S = 12.0
CHANCE = random.Random()  # noqa: S311 - other moments each time; the table tells which
STORAGE_KEYS = (
    'export MC_HOST_it="http://$MINIO_ROOT_USER:$(cat $MINIO_ROOT_PASSWORD_FILE)@127.0.0.1:9000"; '
    'mc admin user ls --json it && mc admin user svcacct ls --json it "$MINIO_ROOT_USER"'
)
"""Users, one a project, and the administrator's own keys, of which there are none."""


def declare(stack: Stack, name: str) -> None:
    manifest = new_project(name)
    manifest["project"]["lifecycle"] = "destroy"
    stack.write(name, manifest)


def started(stack: Stack) -> Update:
    """An update as `make lab` starts it."""
    stack.pulumi.clear()
    return stack.start_up()


def converges(stack: Stack, name: str) -> None:
    """The next run ends well, the one after has nothing to do, all is there once; then all of it goes."""
    again = stack.up()
    assert again.status == 0, again.text
    assert get(f"https://{name}.lab.test/api/restaurants").status == 200
    assert stack.up().changes == {}
    projects = len(stack.outputs()["registry"]["projects"])
    assert storage_keys(stack) == projects, "a storage key a project, and none that nobody knows"
    running = stack.on_host("podman", "ps", "--format", "{{.Names}}").stdout.decode().split()
    assert len([one for one in running if one.startswith(f"codeb-{name}-")]) == 1
    assert stack.databases().count(f"{name}_db") == 1
    stack.remove(name)
    gone = stack.up()
    assert gone.status == 0, gone.text
    assert f"{name}_db" not in stack.databases()
    assert name not in stack.on_host("ls", "/etc/containers/systemd", "/etc/caddy/sites").stdout.decode()
    assert storage_keys(stack) == projects - 1


def storage_keys(stack: Stack) -> int:
    done = stack.on_host("podman", "exec", "minio", "sh", "-c", STORAGE_KEYS)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().count('"accessKey"')


@pytest.mark.slow
def test_kill_after_kill_in_one_creation(stack: Stack) -> None:
    print()
    names = (f"killed{number}" for number in range(len(MOMENTS)))
    declare(stack, name := next(names))
    for resource, victim in MOMENTS:
        while not (run := started(stack)).wait_for(
            [f"{name}-{later}" for later in MADE[MADE.index(resource) :]]
        ):
            run.process.wait(120)  # the run before had made all of it
            converges(stack, name)
            declare(stack, name := next(names))
        time.sleep(CHANCE.uniform(0, 0.2))
        run.kill(victim)
        print(f"{victim:26} at {resource:15} after {', '.join(run.begun())}", flush=True)
    converges(stack, name)


@pytest.mark.slow
def test_kills_at_random_moments(stack: Stack, request: pytest.FixtureRequest) -> None:
    print()
    for number in range(request.config.getoption("--pulumi-kills")):
        name = f"random{number}"
        victim, moment = CHANCE.choice(VICTIMS), CHANCE.uniform(0.5, LONGEST_S)
        declare(stack, name)
        run = started(stack)
        time.sleep(moment)
        print(f"{victim:26} at {moment:4.1f} s    after {', '.join(run.begun())}")
        run.kill(victim)
        converges(stack, name)
