"""`apply`: the pure difference, and its run against a host in memory."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.bundle.applied import Applied
from agent.bundle.document import Bundle, File, Service, Wait
from agent.bundle.plan import make_plan
from agent.documents.errors import BadDocument, Failed
from agent.host import commands, paths
from agent.host.ports import Entry
from tests.unit.agent.bundle.applying import QUADLET, SECRET, bundle, file, run
from tests.unit.agent.fakes.host import FakeHost, Killed
from tests.unit.agent.fakes.podman import App


def test_a_new_host_gets_packages_files_and_running_services(host: FakeHost) -> None:
    answer = run(host, bundle())
    assert answer["restarted"] == ["redis-0.service", "caddy.service"]
    assert "package:nftables" in answer["changed"]
    assert host.debian.packages == {"podman", "nftables"}
    assert host.files["/etc/codeb/secrets/redis-0"].mode == 0o600
    assert answer["versions"] == {"podman": "5.4.2"}
    assert host.calls.count(["systemctl", "daemon-reload"]) == 1


def test_the_same_bundle_again_changes_and_restarts_nothing(host: FakeHost) -> None:
    run(host, bundle())
    host.calls.clear()
    answer = run(host, bundle())
    assert (answer["changed"], answer["restarted"]) == ([], [])
    assert not [
        c for c in host.calls if c[:2] == ["systemctl", "daemon-reload"] or c[1] in ("start", "restart")
    ]


def test_a_changed_file_restarts_what_reads_it_and_nothing_else(host: FakeHost) -> None:
    run(host, bundle())
    document = bundle()
    document["files"][3]["content"] = "another-secret\n"
    assert run(host, document)["restarted"] == ["redis-0.service"]


def test_a_changed_caddyfile_reloads_caddy(host: FakeHost) -> None:
    run(host, bundle())
    host.caddy.runs = True
    document = bundle()
    document["files"][2]["content"] = "import sites/*.caddy\n# more\n"
    host.calls.clear()
    assert run(host, document)["restarted"] == []
    assert commands.CADDY_RELOAD in host.calls
    assert ["systemctl", "reload", "caddy.service"] not in host.calls


def test_files_no_longer_listed_are_deleted_and_their_units_stopped(host: FakeHost) -> None:
    run(host, bundle())
    document = bundle()
    document["files"] = document["files"][1:]
    document["services"] = document["services"][1:]
    answer = run(host, document)
    assert f"deleted:{QUADLET}redis-0.container" in answer["changed"]
    assert "redis-0.service" not in host.systemd.running


def test_an_exporter_whose_drop_in_goes_is_off_and_nothing_else_of_debians(host: FakeHost) -> None:
    exporter, other = (f"prometheus-{name}-exporter.service" for name in ("node", "redis"))
    document = bundle()
    services = {exporter: "10-codeb.conf", other: "10-codeb.conf", "ssh.service": "10-codeb.conf"}
    for unit, name in services.items():
        document["files"].append(file(f"/etc/systemd/system/{unit}.d/{name}", "[Service]\n"))
    run(host, document)
    document["files"] = [
        each
        for each in document["files"]
        if exporter not in each["path"] and "ssh.service" not in each["path"]
    ]
    host.calls.clear()
    run(host, document)
    assert [call for call in host.calls if call[:2] == ["systemctl", "disable"]] == [
        commands.disable(exporter)
    ]


def test_what_the_node_exporter_was_told_goes_with_the_timer(host: FakeHost) -> None:
    document = bundle()
    document["files"].append(
        file(f"/etc/systemd/system/{paths.METRICS_SERVICE}", "[Service]\nExecStart=/bin/true\n")
    )
    run(host, document)
    host.put(paths.SERIES, "codeb_projects 1\n")
    run(host, bundle())
    assert paths.SERIES not in host.files


@pytest.mark.parametrize("number", [2, 4, 5])
def test_a_bad_file_never_replaces_a_good_one(host: FakeHost, number: int) -> None:
    run(host, bundle())
    host.caddy.runs = True
    before = dict(host.files)
    document = bundle()
    document["files"][number]["content"] = "broken\n"
    with pytest.raises(Failed) as caught:
        run(host, document)
    assert caught.value.failure.phase == "check"
    assert document["files"][number]["path"] in caught.value.failure.cause
    assert host.files == before


def test_packages_that_apt_cannot_get_say_so(host: FakeHost) -> None:
    host.debian.installable = False
    with pytest.raises(Failed, match="apt-get can't install nftables: E: Unable to locate package"):
        run(host, bundle())


def test_a_service_that_does_not_come_up_shows_its_log_without_secrets(host: FakeHost) -> None:
    document = bundle()
    document["files"][0]["content"] = "[Container]\nImage=missing\n"
    document["files"].append(file("/etc/codeb/secrets/db", "hunter2-hunter2\n", "0600"))
    with pytest.raises(Failed) as caught:
        run(host, document)
    failure = caught.value.failure
    assert failure.phase == "services"
    assert failure.log
    assert "hunter2" not in failure.text()


def test_a_restart_that_a_kill_prevented_is_done_by_the_next_run(host: FakeHost) -> None:
    run(host, bundle())
    document = bundle()
    document["files"][3]["content"] = "another-secret\n"
    host.operations, host.kill_at = 0, 0
    probe = 0
    while f"{host.tell('/etc/codeb/secrets/redis-0')}" != "another-secret\n":
        probe += 1
        host.operations, host.kill_at = 0, probe
        with pytest.raises(Killed):
            run(host, document)
    host.kill_at = 0
    assert run(host, document)["restarted"] == ["redis-0.service"]
    assert run(host, document)["restarted"] == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 40)), max_size=4))
def test_killed_anywhere_it_converges(story: list[tuple[int, int]]) -> None:
    host = FakeHost(packages=["podman"], images={"r:1": App(), "r:2": App()}, caddy=False)
    for changed, kill in story:
        document = bundle()
        document["files"][changed]["content"] += f"# {kill}\n"
        host.operations, host.kill_at = 0, kill
        try:
            run(host, document)
        except Killed:
            continue
    host.kill_at = 0
    run(host, bundle())
    assert {path: host.tell(path) for path in (f["path"] for f in bundle()["files"])} == {
        f["path"]: f["content"] for f in bundle()["files"]
    }
    assert {"redis-0.service", "caddy.service"} <= set(host.systemd.running)
    left = json.loads(str(host.tell("/var/lib/codeb/bundle.json")))
    assert (left["restarts"], left["reloads"], left["daemon_reload"]) == ([], [], False)
    assert run(host, bundle())["changed"] == []


@pytest.mark.parametrize(
    "change",
    [
        {"packages": ["podman; reboot"]},
        {"packages": ["--force-yes"]},
        {"files": [file("etc/x", "")]},
        {"files": [file("/etc/../root/x", "")]},
        {"files": [file("/etc/x", "", "644")]},
        {"files": [file("/etc/x", ""), file("/etc/x", "")]},
        {"files": [file("/etc/x", "", restarts=["a b"])]},
        {"services": [{"name": "x.service", "wait": {"kind": "tcp"}}]},
        {"services": [{"name": "--all"}]},
        {"unknown": 1},
    ],
)
def test_hostile_bundles_touch_nothing(host: FakeHost, change: dict[str, object]) -> None:
    with pytest.raises(BadDocument):
        run(host, bundle(**change))
    assert (host.files, host.calls) == ({}, [])


def test_an_error_about_a_secret_file_does_not_show_it(host: FakeHost) -> None:
    with pytest.raises(BadDocument) as caught:
        run(host, bundle(files=[{**file("/etc/x", SECRET), "mode": "rw"}]))
    assert SECRET not in str(caught.value)


def test_the_plan_of_a_settled_host_is_empty() -> None:
    made = File("/etc/x", 0o644, "root:root", b"text")
    whole = Bundle((), (), (made,), (Service("x.service", Wait()),))
    last = Applied(files=("/etc/x",), services=("x.service",))
    plan = make_plan(whole, last, {"/etc/x": Entry(b"text", 0o644, "root:root")})
    assert (plan.write, plan.delete, plan.stop, plan.restart, plan.reload) == ((), (), (), (), ())
    assert plan.settled == last


@pytest.mark.parametrize(
    "entry",
    [
        None,
        Entry(b"other", 0o644, "root:root"),
        Entry(b"text", 0o600, "root:root"),
        Entry(b"text", 0o644, "a:b"),
    ],
)
def test_content_mode_and_owner_count(entry: Entry | None) -> None:
    whole = Bundle((), (), (File("/etc/x", 0o644, "root:root", b"text"),), ())
    assert make_plan(whole, Applied(), {"/etc/x": entry}).write == whole.files
