"""Production's shape from nothing: two app servers behind a balancer, a data server whose disk outlives it."""

from __future__ import annotations

import json
import time

import pytest
from visiting import Visitors, echo

from lab.fleet.production import VISITOR, Production
from tests.vultr_api import Api

pytestmark = pytest.mark.lab

APPS = {f"{name}.lab.test": "/api/health" for name in ("blog", "food", "estate", "shop")} | {
    "echo.lab.test": "/"
}
APP_SERVERS = ("app-1", "app-2")
EJECTED_S = 5.0
CHECKED_S = 3 * 15 + 5
"""The balancer's health check: the third that fails counts, they are 15 s apart and may take 5 s."""
METADATA = "http://169.254.169.254/v1.json"
FETCH = f"""
fetch('{METADATA}', {{ signal: AbortSignal.timeout(4000) }})
  .then((answer) => console.log('answered', answer.status), (error) => console.log('no answer', String(error)));
"""


def test_apps_answer_through_the_balancer_which_tells_the_visitor_s_address(production: Production) -> None:
    production.waits_for(APPS)
    headers = production.ask("echo.lab.test").json()["headers"]
    assert headers["x-real-ip"] == headers["x-forwarded-for"] == VISITOR
    assert headers["x-forwarded-proto"] == "https"


def test_a_second_run_changes_nothing(production: Production) -> None:
    production.up("--expect-no-changes")


def test_both_replicas_answer(production: Production) -> None:
    production.waits_for({"echo.lab.test": "/"})
    seen = {production.ask("echo.lab.test").json()["replica"] for _ in range(20)}
    assert len(seen) == 2, "each edge asks its own replica first, and the balancer both edges"


def test_an_app_s_container_does_not_reach_the_metadata_service_and_its_server_does(
    production: Production,
) -> None:
    for server in APP_SERVERS:
        container = f"codeb-echo-{production.project(server, 'echo')['active']}"
        inside = production.on(server, "podman", "exec", container, "node", "-e", FETCH)
        assert inside.stdout.decode().startswith("no answer"), inside
        host = production.on(server, "curl", "-fsS", "-m", "4", METADATA)
        assert json.loads(host.stdout)["hostname"].startswith(server.replace("-", "")), host


def test_status_doctor_and_check_find_the_servers_by_the_stack_s_outputs(production: Production) -> None:
    said = production.codeb("status")
    assert all(server in said for server in APP_SERVERS)
    report = json.loads(production.asked("doctor", "--json").stdout)
    answered = {each["server"] for each in report["servers"] if not each["problem"]}
    assert answered == {*APP_SERVERS, "data-1"}
    assert report["account"]["ok"]
    assert "All is as the state has it" in production.codeb("fleet", "check")


@pytest.mark.slow
def test_a_rollback_takes_all_replicas(production: Production) -> None:
    production.write("echo", echo("second"))
    production.up()
    assert titles(production) == {"second"}
    production.codeb("rollback", "echo")
    assert titles(production) == {"first"}
    assert all(
        "rolled back" in production.project(server, "echo")["release"]["why"] for server in APP_SERVERS
    )
    production.codeb("rollback", "echo", "--forward")
    assert titles(production) == {"second"}


def titles(production: Production) -> set[str]:
    return {production.ask("echo.lab.test").json()["title"] for _ in range(12)}


@pytest.mark.slow
def test_a_server_that_is_switched_off_is_out_in_the_promised_time_and_the_next_update_starts_it(
    production: Production,
) -> None:
    production.waits_for(APPS)
    off = next(each for each in production.cloud.servers() if each.name == "app-2")
    with Visitors(production, "echo.lab.test") as visitors:
        time.sleep(3)
        cut = time.monotonic()
        Api(production.cloud.account).does("POST", f"/instances/{off.instance}/halt")
        time.sleep(EJECTED_S + CHECKED_S + 15)
    failed = visitors.failed(cut)
    last = failed[-1][0] if failed else 0
    print(f"\nswitched off: {visitors.said()}, {len(failed)} failed, the last one begun {last} s after it")
    assert visitors.failed() == failed, "nothing failed before"
    assert last <= EJECTED_S + CHECKED_S
    assert len(visitors.seen) > 10 * len(failed)
    assert "switched off: server codeb-app-2" in production.asked("fleet", "check").stdout
    assert f"server codeb-app-2 ({off.instance}) was switched off, and is started" in production.up()
    production.waits_for(APPS)
    seen = until_two_replicas_answer(production)
    assert len(seen) == 2
    assert "All is as the state has it" in production.codeb("fleet", "check")
    production.up("--expect-no-changes")


def until_two_replicas_answer(production: Production, seconds: float = 60) -> set[str]:
    end, seen = time.monotonic() + seconds, set[str]()
    while len(seen) < 2 and time.monotonic() < end:
        answer = production.ask("echo.lab.test")
        seen |= {answer.json()["replica"]} if answer.status == "200" else set()
        time.sleep(0.5)
    return seen


@pytest.mark.slow
def test_a_data_server_made_anew_has_the_disk_and_what_was_written_before(production: Production) -> None:
    production.waits_for(APPS)
    order = {"item_id": 1, "quantity": 1, "reference": "before-it-was-replaced"}
    assert production.ask("shop.lab.test", "/api/orders", order).status == "201"
    orders = production.ask("shop.lab.test", "/api/orders").json()
    bucket = production.outputs(secrets=True)["connections"]["food-delivery-app"]["MINIO_BUCKET"]
    put(production, f"{bucket}/kept.txt", "written before")
    old = {each.name: each.instance for each in production.cloud.servers()}
    production.codeb("fleet", "replace", "data-1", "--yes")
    new = {each.name: each.instance for each in production.cloud.servers()}
    assert {name for name in old if old[name] != new[name]} == {"data-1"}
    (disk,) = production.cloud.account.content()["blocks"].values()
    assert disk["attached_to_instance"] == new["data-1"]
    production.waits_for(APPS)
    assert production.ask("shop.lab.test", "/api/orders").json() == orders
    assert mc(production, "cat", f"me/{bucket}/kept.txt") == "written before"
    assert production.ask("shop.lab.test", "/api/orders", order).status == "200", "it is known already"
    assert "All is as the state has it" in production.codeb("fleet", "check")
    production.up("--expect-no-changes")
    assert {each["status"] for each in production.outputs()["registry"]["projects"].values()} == {"running"}


def mc(production: Production, *arguments: str, stdin: str = "") -> str:
    """What MinIO's client says to the key of an app; the server's alias is `me`."""
    environment = production.outputs(secrets=True)["connections"]["food-delivery-app"]
    script = (
        'read -r key; read -r secret; export MC_HOST_me="http://$key:$secret@127.0.0.1:9000" MC_CONFIG_DIR=/tmp/mc; '
        'exec mc "$@"'
    )
    keys = f"{environment['MINIO_ACCESS_KEY']}\n{environment['MINIO_SECRET_KEY']}\n{stdin}"
    inside = ("podman", "exec", "-i", "minio", "sh", "-c", script, "sh", *arguments)
    done = production.on("data-1", *inside, stdin=keys)
    assert done.returncode == 0, done
    return done.stdout.decode()


def put(production: Production, where: str, text: str) -> None:
    mc(production, "pipe", "--quiet", f"me/{where}", stdin=text)


@pytest.mark.slow
def test_an_app_server_made_anew_is_let_in_and_runs_what_the_old_one_ran(production: Production) -> None:
    production.waits_for(APPS)
    old = {each.name: each.instance for each in production.cloud.servers()}
    with Visitors(production, "echo.lab.test") as visitors:
        production.codeb("fleet", "replace", "app-1", "--yes")
        production.waits_for(APPS)
    print(f"\napp-1 made anew: {visitors.said()}, {visitors.failed(visitors.seen[0][0])}")
    new = {each.name: each.instance for each in production.cloud.servers()}
    assert {name for name in old if old[name] != new[name]} == {"app-1"}
    assert len(until_two_replicas_answer(production)) == 2
    production.up("--expect-no-changes")


def test_servers_that_boot_together_come_up_by_themselves(production: Production) -> None:
    """All lose power: apps are there before the database that they need, which is on another server."""
    instances = {each.name: each.instance for each in production.cloud.servers()}
    vultr = Api(production.cloud.account)
    for instance in instances.values():
        vultr.does("POST", f"/instances/{instance}/halt")
    for server in APP_SERVERS:
        vultr.does("POST", f"/instances/{instances[server]}/start")
    time.sleep(20)
    vultr.does("POST", f"/instances/{instances['data-1']}/start")
    production.waits_for(APPS)


def test_destroy_leaves_the_account_empty_and_no_host_behind(production: Production) -> None:
    assert production.pulumi.destroy() == 0
    assert production.cloud.account.is_empty()
    assert production.cloud.servers() == []
    assert production.cloud.entry() is None
