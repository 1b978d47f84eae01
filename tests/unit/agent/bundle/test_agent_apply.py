"""`apply`: the pure difference, and its run against a host in memory."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.bundle.applied import Applied
from agent.bundle.apply import apply
from agent.bundle.document import Bundle, File, Service, Wait
from agent.bundle.plan import make_plan
from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import Reader
from agent.host import commands, paths
from agent.host.ports import Entry, Result
from agent.images.postgres import version
from agent.removal.retire import retire
from tests.unit.agent.fakes.host import FakeHost, Killed
from tests.unit.agent.fakes.podman import App
from tests.unit.agent.fakes.systemd import Container

QUADLET = "/etc/containers/systemd/"
SECRET = "very-secret-password-of-redis"


def file(path: str, content: str, mode: str = "0644", **units: list[str]) -> dict[str, Any]:
    return {"path": path, "content": content, "mode": mode, "owner": "root:root", **units}


def bundle(**changes: object) -> dict[str, Any]:
    document = {
        "version": 1,
        "packages": ["podman", "nftables"],
        "directories": [{"path": "/etc/codeb", "mode": "0755", "owner": "root:root"}],
        "files": [
            file(f"{QUADLET}redis-0.container", "[Container]\nImage=r:1\n", restarts=["redis-0.service"]),
            file(f"{QUADLET}caddy.container", "[Container]\nImage=r:1\n", restarts=["caddy.service"]),
            file("/etc/caddy/Caddyfile", "import sites/*.caddy\n", reloads=["caddy.service"]),
            file("/etc/codeb/secrets/redis-0", f"{SECRET}\n", "0600", restarts=["redis-0.service"]),
            file(
                "/etc/ssh/sshd_config.d/10-codeb.conf", "PasswordAuthentication no\n", reloads=["ssh.service"]
            ),
            file("/etc/nftables.conf", "table inet codeb {}\n", reloads=["nftables.service"]),
        ],
        "services": [
            {"name": "redis-0.service", "wait": {"kind": "container-health", "timeout_s": 30}},
            {"name": "caddy.service"},
        ],
    }
    return {**document, **changes}


@pytest.fixture
def host() -> FakeHost:
    return FakeHost(packages=["podman"], images={"r:1": App(), "r:2": App()}, caddy=False)


def run(host: FakeHost, document: dict[str, Any]) -> dict[str, Any]:
    return apply(host.ports(), Reader(document, ""), "tester")


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


OWN = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOwnOwnOwn"
KEYS = "/root/.ssh/authorized_keys"


def letting_in(*keys: str) -> dict[str, Any]:
    document = bundle()
    text = "".join(f"{key}\n" for key in keys)
    document["files"].append({**file(KEYS, text, "0600"), "keep": True})
    return document


def test_a_file_to_keep_stays_when_it_is_listed_no_more_and_when_the_host_is_retired(host: FakeHost) -> None:
    run(host, letting_in(OWN))
    assert f"deleted:{KEYS}" not in run(host, bundle())["changed"]
    assert host.tell(KEYS) == f"{OWN}\n"
    run(host, letting_in(OWN))
    retire(host.ports(), Reader({}, ""), "tester")
    assert host.tell(KEYS) == f"{OWN}\n"


def test_what_an_older_agent_remembered_of_a_bundle_is_read(host: FakeHost) -> None:
    run(host, bundle())
    known = json.loads(str(host.tell("/var/lib/codeb/bundle.json")))
    del known["kept"]
    host.put("/var/lib/codeb/bundle.json", json.dumps(known))
    assert run(host, bundle())["changed"] == []


@pytest.mark.parametrize(
    ("keys", "caller", "fine"),
    [
        ((OWN, "ssh-rsa AAAA ann"), OWN, True),
        ((f"{OWN} codeb",), OWN, True),
        ((f'from="10.0.0.0/8" {OWN}',), OWN, True),
        (("ssh-rsa AAAA ann",), "", True),
        (("ssh-rsa AAAA ann",), OWN, False),
        ((f"# {OWN}", "ssh-rsa AAAA ann"), OWN, False),
        ((f"{OWN}Longer",), OWN, False),
        ((), OWN, False),
    ],
)
def test_nobody_locks_himself_out(host: FakeHost, keys: tuple[str, ...], caller: str, fine: bool) -> None:
    host.key = caller
    if fine:
        run(host, letting_in(*keys))
        return
    with pytest.raises(Failed, match="lacks the key by which this very session logged in"):
        run(host, letting_in(*keys))
    assert KEYS not in host.files


def test_a_list_of_keys_that_openssh_can_not_read_is_refused(host: FakeHost) -> None:
    with pytest.raises(Failed, match=f"{KEYS} would be refused"):
        run(host, letting_in("broken"))


def test_what_must_not_be_here_goes_once_sshd_has_read_its_new_files(host: FakeHost) -> None:
    first = "/etc/ssh/ssh_host_ecdsa_key"
    host.put(first, "key", 0o600)
    host.systemd.running["ssh.service"] = Container("sshd", "", 0)
    answer = run(host, bundle(absent=[first, f"{first}.pub"]))
    assert answer["changed"][-1] == f"deleted:{first}"
    assert first not in host.files
    assert ["systemctl", "reload", "ssh.service"] in host.calls
    assert run(host, bundle(absent=[first, f"{first}.pub"]))["changed"] == []


def test_a_file_that_is_wanted_and_unwanted_is_refused(host: FakeHost) -> None:
    with pytest.raises(BadDocument, match="is among the files"):
        run(host, bundle(absent=["/etc/nftables.conf"]))


def test_what_must_not_be_here_stays_while_sshd_refuses_to_reload(host: FakeHost) -> None:
    first = "/etc/ssh/ssh_host_ecdsa_key"
    host.put(first, "key", 0o600)
    host.systemd.running["ssh.service"] = Container("sshd", "", 0)
    host.answers["systemctl reload ssh.service"] = Result(1, err="Job failed")
    with pytest.raises(Failed):
        run(host, bundle(absent=[first]))
    assert first in host.files


POSTGRES = f"{QUADLET}postgres.container"
OF_16, OF_17 = "docker.io/library/postgres:16-alpine", "docker.io/library/postgres:17-alpine"


def with_postgres(image: str, pull: str = "missing") -> dict[str, Any]:
    document = bundle()
    unit = file(POSTGRES, f"[Container]\nImage={image}\nPull={pull}\n", restarts=["postgres.service"])
    return {**document, "files": [*document["files"], unit]}


@pytest.fixture
def of_16() -> FakeHost:
    """A host whose PostgreSQL has files of 16."""
    host = FakeHost(packages=["podman"], images={"r:1": App(), OF_16: App(), OF_17: App()}, caddy=False)
    for image, major in ((OF_16, 16), (OF_17, 17)):
        host.answers[" ".join(version(image))] = Result(0, f"postgres (PostgreSQL) {major}.4\n")
    host.put("/srv/codeb/postgres/PG_VERSION", "16\n")
    run(host, with_postgres(OF_16))
    return host


def test_an_image_of_another_postgresql_is_refused_before_anything_is_written_or_restarted(
    of_16: FakeHost,
) -> None:
    before = dict(of_16.files)
    of_16.calls.clear()
    document = with_postgres(OF_17)
    document["files"][3]["content"] = "another-secret\n"
    with pytest.raises(Failed) as refused:
        run(of_16, document)
    assert of_16.files == before
    assert not [call for call in of_16.calls if call[0] == "systemctl"]
    failure = refused.value.failure
    assert failure.cause == f"PostgreSQL's files are of version 16, and {OF_17} is 17, which can't read them"
    assert f"codeb upgrade postgres --to {OF_17}" in failure.remedy
    assert SECRET not in failure.text()


def test_after_an_upgrade_the_image_of_before_is_refused_with_the_one_to_set(of_16: FakeHost) -> None:
    of_16.put("/srv/codeb/postgres/PG_VERSION", "17\n")
    of_16.put(POSTGRES, f"[Container]\nImage={OF_17}\nPull=missing\n")
    with pytest.raises(Failed) as refused:
        run(of_16, with_postgres(OF_16))
    assert refused.value.failure.remedy == f"set `codeb:images.postgres` to {OF_17}"
    assert run(of_16, with_postgres(OF_17))["restarted"] == []


def test_no_image_is_asked_for_while_the_unit_stays_as_it_is(of_16: FakeHost) -> None:
    of_16.calls.clear()
    run(of_16, with_postgres(OF_16))
    assert not [call for call in of_16.calls if call[:2] == ["podman", "run"]]


def test_a_new_host_has_no_files_that_an_image_could_not_read() -> None:
    host = FakeHost(packages=["podman"], images={"r:1": App(), OF_17: App()}, caddy=False)
    run(host, with_postgres(OF_17))
    assert POSTGRES in host.files


def test_an_image_that_is_never_pulled_and_not_here_is_said(of_16: FakeHost) -> None:
    with pytest.raises(Failed, match="is not on this host"):
        run(of_16, with_postgres("docker.io/library/postgres:18", pull="never"))


@pytest.mark.parametrize("content", ['{"step": "switching"}', "not json"])
def test_nothing_is_applied_while_an_upgrade_is_cut_off(of_16: FakeHost, content: str) -> None:
    of_16.put("/var/lib/codeb/upgrade.json", content)
    with pytest.raises(Failed, match="was cut off"):
        run(of_16, bundle())
    of_16.put("/var/lib/codeb/upgrade.json", '{"step": "kept"}')
    run(of_16, with_postgres(OF_16))
