"""Releases and rollbacks against a host in memory: what serves, what is put back, what people are told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.documents.errors import BadDocument, Failed
from agent.host import paths
from tests.unit.agent.fakes.documents import release_document
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.fakes.podman import App
from tests.unit.agent.verbs import UPSTREAM, V1, V2, V3, back, fails, new_host, run, serves

BOOT = "/etc/systemd/system/multi-user.target.wants/codeb-shop-app-{}.service"
SECRETS = ("hunter2-hunter2", "cache-password-of-shop", "cache-admin-password")


@pytest.fixture
def host() -> FakeHost:
    return new_host()


def snapshot(host: FakeHost) -> dict[str, object]:
    passing = ("/log/", "/projects/", paths.CADDY_READ)
    kept = {path: entry for path, entry in host.files.items() if not any(part in path for part in passing)}
    return {"files": kept, "links": dict(host.links), "running": dict(host.systemd.running)}


def test_first_release_serves_blue_and_answers_the_registry_entry(host: FakeHost) -> None:
    answer = run(host)
    assert host.tell(UPSTREAM) == "127.0.0.1:3001"
    assert answer["ok"] is True
    assert (answer["active"], answer["image"], answer["changed"]) == ("blue", V1, True)
    assert str(answer["digest"]).startswith("sha256:")
    assert answer["health"] == {"status": "healthy", "last_check": answer["released_at"]}
    assert (
        host.systemd.running["codeb-shop-app-blue.service"].image == f"reg.lab:5000/shop@{answer['digest']}"
    )


def test_second_release_serves_green_and_blue_stands_by_for_an_hour(host: FakeHost) -> None:
    run(host)
    answer = run(host, V2)
    assert (answer["active"], serves(host)) == ("green", V2)
    assert "codeb-shop-app-blue.service" in host.systemd.running
    active = {f"/etc/codeb/projects/shop-app/active.{kind}" for kind in ("env", "conf", "image")}
    assert set(host.links) == {BOOT.format("green"), *active}
    host.advance(3601)
    assert list(host.systemd.running) == ["codeb-shop-app-green.service"]


def test_the_same_release_again_changes_nothing_and_starts_nothing(host: FakeHost) -> None:
    run(host)
    before, host.calls[:] = snapshot(host), []
    answer = run(host)
    assert answer["changed"] is False
    assert snapshot(host) == before
    assert not [c for c in host.calls if c[:2] in (["systemctl", "start"], ["podman", "pull"])]


def test_the_same_release_does_not_lengthen_the_standby(host: FakeHost) -> None:
    run(host)
    run(host, V2)
    host.advance(3000)
    run(host, V2)
    host.advance(700)
    assert list(host.systemd.running) == ["codeb-shop-app-green.service"]


def test_standby_of_zero_minutes_stops_the_old_colour_after_the_switch(host: FakeHost) -> None:
    run(host)
    run(host, V2, standby_minutes=0)
    assert list(host.systemd.running) == ["codeb-shop-app-green.service"]


def test_a_changed_site_reloads_caddy_and_restarts_no_container(host: FakeHost) -> None:
    run(host)
    running = dict(host.systemd.running)
    answer = run(host, site="shop-app.lab.test {\n# more\n}\n")
    assert answer["changed"] is True
    assert host.systemd.running == running
    assert b"# more" in host.caddy.sites["/etc/caddy/sites/shop-app.caddy"]


def test_a_release_of_the_same_site_never_reloads_caddy(host: FakeHost) -> None:
    run(host)
    host.calls.clear()
    run(host, V2)
    assert not [call for call in host.calls if "reload" in call]


def test_a_moved_tag_is_released_when_pull_is_always(host: FakeHost) -> None:
    run(host, pull="always")
    assert run(host, pull="always")["changed"] is False


@pytest.mark.parametrize(
    ("app", "phase", "word"),
    [
        (App(crashes=True), "health", "exit code 3"),
        (App(status=500, body=b"no"), "health", "answered 500: no"),
        (App(body=b'{"checks": {"database": {"status": "down"}}}'), "health", "database"),
        (App(elapsed_ms=800), "health", "the limit is 500 ms"),
        (App(boots_after_s=1e9), "health", "connection refused"),
    ],
)
def test_a_bad_release_leaves_everything_as_it_was(host: FakeHost, app: App, phase: str, word: str) -> None:
    run(host)
    before = snapshot(host)
    host.podman.registry[V2] = app
    failure = fails(host).failure
    assert (failure.phase, word in failure.cause) == (phase, True), failure
    assert "blue" in failure.put_back
    assert snapshot(host) == before
    assert serves(host) == V1
    assert run(host, V3)["active"] == "green"


def test_a_missing_image_stops_nothing(host: FakeHost) -> None:
    run(host)
    before = snapshot(host)
    failure = fails(host, "reg.lab:5000/shop:nope").failure
    assert (failure.phase, "manifest unknown" in failure.cause) == ("pull", True)
    assert snapshot(host) == before


def test_a_site_that_caddy_refuses_never_replaces_a_good_one(host: FakeHost) -> None:
    run(host)
    before = snapshot(host)
    failure = fails(host, V2, site="broken").failure
    assert (failure.phase, "unrecognized directive" in failure.cause) == ("check", True)
    assert snapshot(host) == before


def test_a_first_release_that_fails_leaves_nothing_but_data(host: FakeHost) -> None:
    host.podman.registry[V1] = App(crashes=True)
    before = snapshot(host)
    failure = fails(host, V1).failure
    assert "first release" in failure.put_back
    assert snapshot(host) == before
    assert host.redis.users == {}
    assert [path for path in host.files if "/projects/" in path] == []
    assert host.caddy.sites == {}


def test_a_failure_shows_log_lines_without_secrets(host: FakeHost) -> None:
    run(host)
    host.podman.registry[V2] = App(crashes=True)
    failure = fails(host).failure
    assert failure.log
    for shown in (failure.text(), json.dumps(failure.answer()), "\n".join(host.journal)):
        assert not [secret for secret in SECRETS if secret in shown]


def test_no_secret_is_ever_in_a_command_a_unit_or_the_record(host: FakeHost) -> None:
    run(host)
    run(host, V2)
    shown = [" ".join(call) for call in host.calls]
    shown += [str(host.tell(path)) for path in host.files if not path.endswith(".env")]
    assert not [text for text in shown for secret in SECRETS if secret in text]
    assert host.files["/etc/codeb/projects/shop-app/blue.env"].mode == 0o600


def test_probe_through_caddy_decides(host: FakeHost) -> None:
    run(host)
    host.caddy.sites.clear()
    failure = fails(host).failure
    assert failure.phase == "probe"
    assert (serves(host), host.tell(UPSTREAM)) == (V1, "127.0.0.1:3001")


def test_a_certificate_that_is_not_there_yet_is_a_warning(host: FakeHost) -> None:
    host.caddy.certificate = False
    warnings = run(host)["warnings"]
    assert isinstance(warnings, list)
    assert "no certificate" in warnings[0]


def test_rollback_goes_back_at_once_while_the_old_colour_stands_by(host: FakeHost) -> None:
    run(host)
    run(host, V2)
    started = host.systemd.running["codeb-shop-app-blue.service"].started
    before = host.time
    answer = back(host)
    assert (answer["active"], answer["image"], answer["changed"]) == ("blue", V1, True)
    assert host.systemd.running["codeb-shop-app-blue.service"].started == started
    assert host.time - before < 1
    assert host.links[BOOT.format("blue")]
    assert BOOT.format("green") not in host.links


def test_rollback_starts_the_old_colour_when_its_standby_is_over(host: FakeHost) -> None:
    run(host)
    run(host, V2)
    host.advance(7200)
    assert back(host)["image"] == V1
    assert serves(host) == V1


def test_rollback_again_stays_where_it_is(host: FakeHost) -> None:
    run(host)
    run(host, V2)
    back(host)
    answer = back(host)
    assert (answer["image"], answer["changed"]) == (V1, False)


def test_rollback_without_an_earlier_release_says_so(host: FakeHost) -> None:
    run(host)
    with pytest.raises(Failed, match="no earlier release"):
        back(host)


def test_history_keeps_the_last_ten_and_the_audit_log_keeps_all(host: FakeHost) -> None:
    for _ in range(6):
        run(host, V1)
        run(host, V2)
    record = json.loads(str(host.tell("/var/lib/codeb/projects/shop-app.json")))
    assert len(record["history"]) == 10
    assert len(str(host.tell("/var/log/codeb/audit.log")).splitlines()) == 12
    assert host.files["/var/log/codeb/audit.log"].mode == 0o600


def test_images_that_nobody_can_go_back_to_are_removed(host: FakeHost) -> None:
    for image in (V1, V2, V3):
        run(host, image)
    assert sorted(host.podman.images) == [V2, V3]


def test_two_runs_of_one_project_do_not_mix(host: FakeHost) -> None:
    host.held.add("/var/lib/codeb/projects/shop-app.lock")
    assert fails(host).failure.phase == "lock"


def test_a_lost_record_is_replaced_by_what_the_document_says(host: FakeHost) -> None:
    run(host)
    del host.files["/var/lib/codeb/projects/shop-app.json"]
    assert run(host, V2)["active"] == "green"


@pytest.mark.parametrize(
    "change",
    [
        {"project": "shop; reboot"},
        {"project": "../etc"},
        {"image": "--privileged"},
        {"image": "a\nUser=root"},
        {"domain": "a b"},
        {"publish": "0.0.0.0 -p 1"},
        {"environment": {"A B": "x"}},
        {"environment": {"A": "x\0B=y"}},
        {"environment": {"A": "x" * 60_001}},
        {"ports": {"blue": 3001, "green": 3001}},
        {"standby_minutes": -1},
        {"surprise": 1},
        {"version": 2},
    ],
)
def test_hostile_documents_touch_nothing(host: FakeHost, change: dict[str, Any]) -> None:
    before = dict(host.files)
    with pytest.raises(BadDocument):
        run(host, **change)
    assert (host.files, host.calls) == (before, [])


def test_units_of_another_project_are_refused(host: FakeHost) -> None:
    units = release_document(V1, project="other-app")["units"]
    with pytest.raises(BadDocument, match="the unit of this project"):
        run(host, units=units)
