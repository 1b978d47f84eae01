"""The verb `doctor`: what is wrong with a host, and what to do."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from agent.host import commands
from agent.host.ports import Result
from agent.report import diagnosis
from tests.unit.agent.fakes.disks import GIB, Device, FileSystem
from tests.unit.agent.fakes.documents import release_document
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.verbs import V1, call, new_host

FAILED_UNITS = "systemctl list-units --failed --plain --no-legend --full"


@pytest.fixture
def host() -> FakeHost:
    """A host with nothing wrong."""
    host = new_host()
    host.put("/etc/nftables.conf", "table inet codeb {\n}\n")
    host.answers["nft list tables"] = host.answers["sshd -T"] = said("table inet codeb\n")
    host.answers["systemd-detect-virt --quiet --container"] = host.answers[FAILED_UNITS] = said("")
    return host


def said(text: str) -> Result:
    return Result(0, out=text)


def test_doctor_of_a_healthy_host_finds_nothing(host: FakeHost) -> None:
    call(host.ports(), "release", release_document(V1))
    code, answer, _ = call(host.ports(), "doctor")
    assert (code, answer["problems"]) == (0, [])


def test_doctor_names_what_is_wrong_and_what_to_do(host: FakeHost) -> None:
    call(host.ports(), "release", release_document(V1))
    host.systemd.running.clear()
    host.links.clear()
    host.put("/etc/containers/systemd/codeb-ghost-blue.container", "")
    host.put("/etc/caddy/sites/shop-app.caddy", "broken")
    host.answers["nft list tables"] = said("")
    host.answers["sshd -T"] = said("passwordauthentication yes\n")
    host.answers[FAILED_UNITS] = said(
        "codeb-shop-app-green.service loaded failed failed x\nfail2ban.service loaded failed failed y\n"
    )
    host.caddy.certificate = False
    code, answer, err = call(host.ports(), "doctor")
    found = " | ".join(problem["what"] for problem in answer["problems"])
    assert code == 1
    for part in (
        "blue, where users are sent, connection refused",
        "doesn't start at boot",
        "site file is not the one",
        "HTTPS doesn't answer",
        "codeb-ghost-blue.container belongs to no project",
        "Caddy would refuse",
        "firewall not loaded: inet codeb",
        "sshd allows passwords",
        "unit fail2ban.service has failed",
    ):
        assert part in found
        assert part in err
    assert "green.service has failed" not in found, "a standby that ended is no problem"
    assert all(problem["remedy"] for problem in answer["problems"])


@pytest.mark.parametrize(
    ("version", "fine"), [("5.4.2", True), ("5.10.0", True), ("6.0", True), ("5.3.9", False), ("", False)]
)
def test_podman_must_be_new_enough(version: str, fine: bool) -> None:
    assert (diagnosis.podman(version) == []) is fine


def test_a_full_disk_is_a_problem() -> None:
    assert diagnosis.disk("/", 85.0) == []
    assert "93 % full" in diagnosis.disk("/", 93.0)[0].what


def test_a_ban_of_somebody_who_logged_in_before_is_named_and_strangers_are_counted(host: FakeHost) -> None:
    host.answers[" ".join(commands.SHUT_OUT)] = said("198.51.100.9 2001:db8::7\n10.77.0.1")
    host.answers[" ".join(commands.LOGINS)] = said(
        "Accepted publickey for root from 10.77.0.1 port 40110 ssh2: ED25519 SHA256:abc\n"
        "Accepted publickey for root from 2001:db8::7 port 40110 ssh2: ED25519 SHA256:abc\n"
        "Accepted publickey for root from 10.77.0.19 port 40110 ssh2: ED25519 SHA256:abc\n"
    )
    code, answer, err = call(host.ports(), "doctor")
    assert code == 1
    assert [problem["what"].split()[3] for problem in answer["problems"]] == ["2001:db8::7,", "10.77.0.1,"]
    assert "`fail2ban-client set sshd unbanip 10.77.0.1`" in answer["problems"][1]["remedy"]
    assert answer["shut_out"] == 3
    assert "198.51.100.9" not in err


def test_strangers_that_are_shut_out_are_no_problem(host: FakeHost) -> None:
    host.answers[" ".join(commands.SHUT_OUT)] = said("198.51.100.9")
    host.answers[" ".join(commands.LOGINS)] = said("")
    code, answer, _ = call(host.ports(), "doctor")
    assert (code, answer["problems"], answer["shut_out"]) == (0, [], 1)
    assert answer["summary"] == "all is well\naddresses that Fail2Ban shuts out: 1"


def test_a_host_without_fail2ban_is_not_asked_who_logged_in(host: FakeHost) -> None:
    host.answers[" ".join(commands.SHUT_OUT)] = Result(127, err="fail2ban-client is not installed")
    assert call(host.ports(), "doctor")[1]["shut_out"] == 0
    assert commands.LOGINS not in host.calls


def test_a_release_under_way_is_no_problem_and_a_killed_one_is(host: FakeHost) -> None:
    call(host.ports(), "release", release_document(V1))
    host.files["/var/lib/codeb/projects/shop-app.undo"] = host.files["/var/lib/codeb/projects/shop-app.json"]
    undo = '{"version": 1, "target": "green", "active": "blue", "reload": false, "saved": []}'
    host.put("/var/lib/codeb/projects/shop-app.undo", undo)
    host.links.clear()
    host.put("/etc/containers/systemd/codeb-new-app-blue.container", "")
    for name in ("shop-app", "new-app"):
        host.put(f"/var/lib/codeb/projects/{name}.lock", "")
        host.held.add(f"/var/lib/codeb/projects/{name}.lock")
    assert call(host.ports(), "doctor")[1]["problems"] == []
    host.held.clear()
    err = call(host.ports(), "doctor")[2]
    assert "an unfinished release was killed" in err
    assert "doesn't start at boot" in err
    assert "codeb-new-app-blue.container belongs to no project" in err


def test_a_failed_unit_that_is_gone_is_no_problem(host: FakeHost) -> None:
    host.answers[FAILED_UNITS] = said(
        "codeb-shop-app-cron-report.service not-found failed failed codeb-shop-app-cron-report.service\n"
        "● codeb-shop-app-cron-tidy.service loaded failed failed tidy\n"
    )
    (problem,) = call(host.ports(), "doctor")[1]["problems"]
    assert problem["what"] == "unit codeb-shop-app-cron-tidy.service has failed"


def test_of_names_that_another_project_took_it_is_said_whose_they_are(host: FakeHost) -> None:
    both = "shop-app.lab.test, old.lab.test {\n}\n"
    call(host.ports(), "release", release_document(V1, site=both))
    taker = release_document(V1, "blog-app", (3003, 3004), site="blog-app.lab.test, old.lab.test {\n}\n")
    taker["cache"] = {**taker["cache"], "index": 3, "user": "blog"}
    assert call(host.ports(), "release", taker)[0] == 0
    (problem,) = call(host.ports(), "doctor")[1]["problems"]
    assert problem["what"] == "shop-app: old.lab.test went to blog-app, which answers there now"
    assert "take them out of blog-app's manifest" in problem["remedy"]


def test_a_site_that_was_changed_by_hand_besides_is_said_too(host: FakeHost) -> None:
    both = "shop-app.lab.test, old.lab.test {\n}\n"
    call(host.ports(), "release", release_document(V1, site=both))
    host.put("/etc/caddy/sites/shop-app.caddy", "shop-app.lab.test {\n\t# by hand\n}\n")
    host.put("/etc/caddy/sites/blog-app.caddy", "old.lab.test {\n}\n")
    err = call(host.ports(), "doctor")[2]
    assert "old.lab.test went to blog-app" in err
    assert "its site file is not the one that was released" in err


DISK = {"device": "/dev/disk/by-id/virtio-b1", "path": "/srv/codeb", "label": "codeb-data"}


@pytest.fixture
def on_disk(host: FakeHost) -> FakeHost:
    """The host with a data disk in use, mounted at boot."""
    known = {"version": 1, "disks": [{**DISK, "uuid": "u"}], "shares": [], "formatting": []}
    host.put("/var/lib/codeb/storage.json", json.dumps(known))
    host.put("/etc/systemd/system/srv-codeb.mount", "[Mount]\n")
    host.systemd.enabled.add("srv-codeb.mount")
    host.disks.devices[DISK["device"]] = Device("252:16", 100 * GIB, FileSystem("u", 100 * GIB))
    host.disks.mount(DISK["device"], "/srv/codeb")
    return host


def test_a_disk_that_is_well_is_told_of_and_no_problem(on_disk: FakeHost) -> None:
    code, answer, _ = call(on_disk.ports(), "doctor")
    assert (code, answer["problems"]) == (0, [])
    told = {
        "path": "/srv/codeb",
        "device": DISK["device"],
        "size_bytes": 100 * GIB,
        "mounted": True,
        "free_percent": 25.0,
    }
    assert answer["host"]["disks"] == [told]
    assert call(on_disk.ports(), "status")[1]["host"]["disks"] == [told]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda host: host.disks.devices.clear(), "of /srv/codeb is missing"),
        (lambda host: host.disks.unmount("/srv/codeb"), "is not mounted at /srv/codeb"),
        (lambda host: setattr(host.disks, "read_only", True), "at /srv/codeb is read-only"),
        (lambda host: setattr(host.disks, "free", 5), "is 95 % full"),
        (
            lambda host: setattr(host.disks.devices[DISK["device"]], "size", 150 * GIB),
            "larger than its file system by 50.0 GiB",
        ),
        (lambda host: host.systemd.enabled.clear(), "isn't mounted at boot"),
        (
            lambda host: host.put("/var/lib/codeb/storage.json", "{"),
            "/var/lib/codeb/storage.json can't be read",
        ),
    ],
)
def test_what_is_wrong_with_a_disk_is_said(
    on_disk: FakeHost, change: Callable[[FakeHost], object], said: str
) -> None:
    change(on_disk)
    code, answer, err = call(on_disk.ports(), "doctor")
    assert code == 1
    assert said in err
    assert all(problem["remedy"] for problem in answer["problems"])
    assert call(on_disk.ports(), "status")[0] == 0


def test_user_data_that_others_can_read_is_a_problem(host: FakeHost) -> None:
    path = "/var/lib/cloud/instances/i/user-data.txt"
    host.answers[" ".join(commands.USER_DATA_SHOWN)] = said(f"{path}\n")
    (problem,) = call(host.ports(), "doctor")[1]["problems"]
    assert problem["what"].startswith(f"{path} holds user data")
