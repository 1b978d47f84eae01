"""Seen from inside the containers: a project reaches its own data and nobody else's; no secret shows anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from inside import REDIS, in_app
from stack import ADDRESS, HOST, Stack, new_project

from lab import paths

pytestmark = pytest.mark.lab

CONNECT = """
const net = require('net');
const socket = net.connect({host: process.argv[1], port: Number(process.argv[2]), timeout: 2500});
const end = (word) => { console.log(word); process.exit(0); };
socket.on('connect', () => end('open')); socket.on('timeout', () => end('timeout')); socket.on('error', (e) => end(e.code));
"""

DATABASE = """
const { Client } = require('pg');
const url = new URL(process.env.DATABASE_URL); url.pathname = '/' + process.argv[1];
const client = new Client({ connectionString: url.href });
client.connect().then(() => client.query('select 1')).then(() => { console.log('open'); process.exit(0); },
  (e) => { console.log(e.code || e.message); process.exit(0); });
"""


@pytest.fixture(scope="module")
def lodger(stack: Stack) -> Iterator[Stack]:
    """The stack with a project whose container has PostgreSQL's client, which is gone afterwards, data and all."""
    manifest = new_project("lodger")
    manifest["project"]["lifecycle"] = "destroy"
    with stack.with_project("lodger", manifest):
        yield stack


def address_of(stack: Stack, project: str) -> str:
    container = f"codeb-{project}-{stack.entry(project)['active']}"
    shape = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    return stack.on_host("podman", "inspect", "--format", shape, container).stdout.decode().strip()


def test_an_app_connects_to_its_own_database(lodger: Stack) -> None:
    assert in_app(lodger, "lodger", DATABASE, "lodger_db") == "open"


@pytest.mark.parametrize("database", ["postgres", "template1"])
def test_an_app_cannot_connect_to_the_platform_s_databases(lodger: Stack, database: str) -> None:
    assert in_app(lodger, "lodger", DATABASE, database) == "28000", (
        "invalid_authorization_specification expected"
    )


@pytest.mark.parametrize("database", ["food_delivery_db", "real_estate_db"])
def test_an_app_cannot_connect_to_another_projects_database(lodger: Stack, database: str) -> None:
    assert in_app(lodger, "lodger", DATABASE, database) == "42501", "insufficient_privilege expected"


def test_an_app_cannot_reach_another_projects_container(stack: Stack) -> None:
    own, other = address_of(stack, "blog"), address_of(stack, "food-delivery-app")
    assert in_app(stack, "blog", CONNECT, own, "3000") == "open"
    assert in_app(stack, "blog", CONNECT, other, "3000") != "open"


@pytest.mark.parametrize("port", ["22", "3001", "3003", "3005", "9001"])
def test_an_app_cannot_reach_the_hosts_other_ports(stack: Stack, port: str) -> None:
    assert in_app(stack, "blog", CONNECT, ADDRESS, port) != "open"


def test_an_app_cannot_read_another_projects_bucket(stack: Stack) -> None:
    environment = stack.outputs(secrets=True)["connections"]["blog"]
    assert _list_bucket(stack, environment, environment["MINIO_BUCKET"]) == 0
    assert _list_bucket(stack, environment, "food-delivery-uploads") != 0


def test_an_app_s_key_makes_no_other_key_and_administers_nothing(stack: Stack) -> None:
    environment = stack.outputs(secrets=True)["connections"]["blog"]
    assert environment["MINIO_ACCESS_KEY"] == "blog"
    for command in ("user svcacct add me blog", "user ls me", "info me"):
        assert _mc(stack, environment, "admin", *command.split()) != 0, command


def _list_bucket(stack: Stack, environment: dict[str, str], bucket: str) -> int:
    return _mc(stack, environment, "ls", f"me/{bucket}")


def _mc(stack: Stack, environment: dict[str, str], *arguments: str) -> int:
    """The exit status of MinIO's client with an app's key; the server's alias is `me`."""
    script = (
        'read -r key; read -r secret; export MC_HOST_me="http://$key:$secret@127.0.0.1:9000" MC_CONFIG_DIR=/tmp/mc; '
        'exec mc "$@"'
    )
    keys = f"{environment['MINIO_ACCESS_KEY']}\n{environment['MINIO_SECRET_KEY']}\n"
    done = stack.on_host("podman", "exec", "-i", "minio", "sh", "-c", script, "sh", *arguments, stdin=keys)
    return done.returncode


def test_an_app_can_only_select_its_own_redis_index(stack: Stack) -> None:
    own = stack.entry("blog")["redis"]["db_index"]
    other = stack.entry("food-delivery-app")["redis"]["db_index"]
    assert in_app(stack, "blog", REDIS, f"SELECT {own:.0f}") == "+OK"
    assert in_app(stack, "blog", REDIS, f"SELECT {other:.0f}").startswith("-NOPERM")


@pytest.mark.parametrize(
    "command",
    [
        "PSUBSCRIBE *",
        "SUBSCRIBE food_delivery:x",
        "PUBLISH x y",
        "FUNCTION LIST",
        "SCRIPT FLUSH",
        "PUBSUB CHANNELS",
    ],
)
def test_an_app_hears_and_reaches_nothing_of_others_in_redis(stack: Stack, command: str) -> None:
    assert in_app(stack, "blog", REDIS, command).startswith("-NOPERM")


def test_an_app_publishes_under_the_prefix_that_it_is_told(stack: Stack) -> None:
    prefix = stack.outputs(secrets=True)["connections"]["blog"]["REDIS_CHANNEL_PREFIX"]
    assert prefix == "blog:"
    assert in_app(stack, "blog", REDIS, f"PUBLISH {prefix}news hello") == ":0"


def secret_values(stack: Stack) -> set[str]:
    """Every secret that exists: generated, root, keys."""
    found = {paths.ROOT_SECRET.read_text().strip(), paths.PASSPHRASE.read_text().strip()}
    found.add(stack.lab.ssh_key_path().read_text().splitlines()[1])
    names = ("PASSWORD", "SECRET", "DATABASE_URL")
    for environment in stack.outputs(secrets=True)["connections"].values():
        for name, value in environment.items():
            if name == "DATABASE_URL":
                value = value.split(":")[2].split("@")[0]
            if any(part in name for part in names):
                found.add(value)
    secrets = stack.on_host("sh", "-c", "cat /etc/codeb/secrets/*").stdout.decode()
    found.update(line for line in secrets.splitlines() if len(line) >= 32 and "-----" not in line)
    return found


def test_no_secret_shows_in_state_units_logs_or_process_lists(stack: Stack, first_up: str) -> None:
    values = secret_values(stack)
    assert len(values) > 10
    for place, text in places(stack, first_up):
        shown = [value for value in values if value in text]
        assert not shown, f"{len(shown)} secret values in {place}"


def places(stack: Stack, first_up: str) -> Iterator[tuple[str, str]]:
    yield "what make lab prints", first_up
    yield "a preview", stack.shown_preview("--diff")
    yield "plain outputs", json.dumps(stack.outputs())
    for path in sorted((paths.BACKEND / ".pulumi").rglob("*")):
        if path.is_file():
            yield f"the state ({path.name})", path.read_text(errors="replace")
    for what, command in HOST_PLACES.items():
        done = stack.lab.run(HOST, ["sh", "-c", command])
        assert done.returncode == 0, done.stderr.decode()
        assert done.stdout, f"{what}: nothing to search"
        yield what, done.stdout.decode(errors="replace")


HOST_PLACES: dict[str, Any] = {
    "the process list": "ps axww -o args",
    "unit files": "find /etc/containers/systemd /run/systemd/generator /etc/systemd -type f -exec cat {} +",
    "Caddy's files": "find /etc/caddy -type f -exec cat {} +",
    "the journal": "journalctl --no-pager -o cat -n 20000",
    "the agent's audit log": "cat /var/log/codeb/audit.log",
    "containers' command lines": "podman inspect --format '{{.Config.CreateCommand}} {{.Args}}' $(podman ps -aq)",
}
