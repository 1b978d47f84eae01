"""Shares: mounted by their tag, with an end to every question, let go when no bundle lists them."""

from __future__ import annotations

import pytest

from agent.documents.errors import Failed
from agent.host.ports import Result
from agent.storage import programs
from tests.unit.agent.fakes.host import FakeHost, Killed
from tests.unit.agent.storage.disk_bundle import SHARED, bundle, run, server, share
from tests.unit.agent.verbs import call

UNIT = "srv-codeb\\x2dcertificates.mount"
LISTED = bundle(shares=[share()])


@pytest.fixture
def host() -> FakeHost:
    return server()


def test_a_share_is_mounted_and_comes_back_after_a_reboot(host: FakeHost) -> None:
    answer = run(host, LISTED)
    assert f"/etc/systemd/system/{UNIT}" in answer["changed"]
    assert host.disks.mounts == {SHARED: "certs"}
    assert run(host, LISTED)["changed"] == []
    host.reboot()
    assert host.disks.mounts == {SHARED: "certs"}


def test_a_share_that_is_gone_is_said_and_what_runs_goes_on(host: FakeHost) -> None:
    run(host, bundle())
    host.disks.lost.add(SHARED)
    with pytest.raises(Failed, match="systemctl start"):
        run(host, LISTED)
    assert "postgres.service" in host.systemd.running
    host.disks.lost.clear()
    assert run(host, LISTED)["ok"]


def test_a_share_that_hangs_is_said_after_ten_seconds_and_doctor_names_it(host: FakeHost) -> None:
    run(host, LISTED)
    host.disks.silent.add(SHARED)
    with pytest.raises(Failed, match="doesn't answer within 10 s"):
        run(host, LISTED)
    assert "postgres.service" in host.systemd.running
    assert f"the share at {SHARED} doesn't answer" in call(host.ports(), "doctor")[2]
    assert call(host.ports(), "status")[0] == 0


def test_a_share_that_is_listed_no_more_is_let_go_even_when_it_hangs(host: FakeHost) -> None:
    run(host, LISTED)
    host.disks.silent.add(SHARED)
    answer = run(host, bundle())
    assert f"unmounted:{SHARED}" in answer["changed"]
    assert programs.let_go(SHARED) in host.calls
    assert (host.disks.mounts, host.tell(f"/etc/systemd/system/{UNIT}")) == ({}, None)
    assert run(host, bundle())["changed"] == []


def test_retire_lets_go_of_shares(host: FakeHost) -> None:
    run(host, LISTED)
    assert call(host.ports(), "retire", {})[0] == 0
    assert host.disks.mounts == {}
    assert not [path for path in host.files if UNIT in path]


@pytest.mark.parametrize("then", [LISTED, bundle()])
def test_killed_anywhere_the_next_run_ends_well(then: dict[str, object]) -> None:
    for kill in range(1, 200):
        host = server()
        if then is not LISTED:
            run(host, LISTED)
        host.operations, host.kill_at = 0, kill
        try:
            run(host, then)
            break
        except Killed:
            pass
        host.kill_at = 0
        host.held.clear()
        run(host, then)
        assert (SHARED in host.disks.mounts) is (then is LISTED), f"killed at effect {kill}"
        assert (host.tell(f"/etc/systemd/system/{UNIT}") is not None) is (then is LISTED)


def test_a_mount_of_which_nobody_says_anything_holds_up_nobody(host: FakeHost) -> None:
    run(host, LISTED)
    host.answers[" ".join(programs.mounted_at(SHARED))] = Result(124, err="findmnt did not end within 10 s")
    with pytest.raises(Failed, match="nobody says within 10 s what is mounted at"):
        run(host, LISTED)
    assert f"the share at {SHARED} doesn't answer" in call(host.ports(), "doctor")[2]
    assert f"unmounted:{SHARED}" in run(host, bundle())["changed"]


def test_a_share_that_can_not_be_let_go_is_said(host: FakeHost) -> None:
    run(host, LISTED)
    host.answers[" ".join(programs.let_go(SHARED))] = Result(1, err="umount: permission denied")
    with pytest.raises(Failed, match="can't be unmounted: umount: permission denied"):
        run(host, bundle())
    host.answers.clear()
    assert f"unmounted:{SHARED}" in run(host, bundle())["changed"]
