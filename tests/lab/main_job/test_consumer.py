"""Another team's program beside the lab's stack: what it reads is true, works, and follows the platform."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from inside import in_app
from stack import ADDRESS, Stack, get, new_project

from codeb.outputs import VERSIONS
from tests.consumer import Consumer
from tests.outputs import check

pytestmark = [pytest.mark.lab, pytest.mark.slow]

PLATFORM = "organization/codeb/dev"
PSQL = 'read -r url; exec psql "$url" -Atc "select current_user"'


@pytest.fixture
def consumer(stack: Stack, tmp_path: Path) -> Iterator[Consumer]:
    """Its stack is in the backend of the lab's, and gone afterwards."""
    found = stack.pulumi.environment()
    for name in ("PULUMI_OPTION_CONFIG_FILE", "LAB_STACK"):  # of the lab's own stack
        del found[name]
    made = Consumer(tmp_path / "consumer", stack.pulumi.home, found)
    with made.stack(PLATFORM, "blog"):
        yield made
    assert made.files() == {}


def user_of(stack: Stack, database: str) -> str:
    """Whom PostgreSQL takes for who comes with this URL. Asked where it runs: its own container isn't let out
    to its address, and has the platform's CA elsewhere than apps have it."""
    server, _, _ = database.partition("?")
    near = f"{server.replace(f'@{ADDRESS}:', '@127.0.0.1:')}?sslmode=require"
    asked = stack.on_host("podman", "exec", "-i", "postgres", "sh", "-c", PSQL, stdin=f"{near}\n")
    assert asked.returncode == 0, asked.stderr.decode()
    return asked.stdout.decode().strip()


def test_the_lab_s_outputs_are_as_the_schema_says(stack: Stack) -> None:
    assert stack.up().status == 0
    outputs = stack.outputs(secrets=True)
    check(outputs)
    assert outputs["versions"] == {name: VERSIONS[name] for name in outputs if name != "versions"}


@pytest.mark.slow
def test_another_team_s_program_sees_a_project_come_change_and_go(stack: Stack, consumer: Consumer) -> None:
    assert stack.up().status == 0
    consumer.up()
    report = consumer.outputs()["report"]
    assert get(f"{report['url']}/api/health").status == 200
    variables = dict(line.split("=", 1) for line in consumer.files()["blog.env"].splitlines())
    database = variables["DATABASE_URL"]
    assert database == in_app(stack, "blog", "console.log(process.env.DATABASE_URL)")
    assert user_of(stack, database) == "blog"
    assert report["database"] == "blog_db"
    assert database not in consumer.state()
    assert consumer.steps() == set()

    manifest = new_project("shop")
    manifest["project"]["lifecycle"] = "destroy"
    stack.write("shop", manifest)
    assert stack.up().status == 0
    assert consumer.steps() == {("create", "watch-shop")}
    consumer.up()
    (target,) = json.loads(consumer.files()["targets/shop.json"])
    assert get(f"{target['targets'][0]}/api/health").status == 200

    manifest["environment"]["variables"]["DEMO_TITLE"] = "changed"
    stack.write("shop", manifest)
    assert stack.up().status == 0
    check(stack.outputs(secrets=True))
    assert consumer.steps() == {("update", "watch-shop")}, "its release is another"

    stack.remove("shop")
    assert stack.up().status == 0
    check(stack.outputs(secrets=True))
    assert consumer.steps() == {("delete", "watch-shop")}
    consumer.up()
    assert "targets/shop.json" not in consumer.files()
