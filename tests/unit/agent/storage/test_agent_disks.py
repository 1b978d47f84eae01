"""Data disks: formatted once, never over data, mounted by what is on them, taken over by the next server, grown in place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from agent.documents.errors import BadDocument, Failed
from agent.host.ports import Result
from agent.storage import programs
from tests.unit.agent.fakes.disks import GIB, Device, FileSystem
from tests.unit.agent.fakes.host import FakeHost, Killed
from tests.unit.agent.storage.disk_bundle import DATA, DEVICE, OWNER, UNIT, bundle, disk, run, server
from tests.unit.agent.verbs import call

MARK = f"{DATA}/.codeb-disk"


def refused(host: FakeHost, document: dict[str, Any] | None = None) -> Failed:
    with pytest.raises(Failed) as caught:
        run(host, document)
    assert caught.value.failure.phase == "storage"
    return caught.value


def write(host: FakeHost, name: str = "postgres/PG_VERSION", text: str = "16") -> None:
    host.put(f"{DATA}/{name}", text)


def device(host: FakeHost) -> Device:
    return host.disks.devices[DEVICE]


def test_an_empty_disk_is_formatted_mounted_and_comes_back_after_a_reboot() -> None:
    host = server()
    answer = run(host)
    assert answer["changed"][:3] == [f"formatted:{DEVICE}", f"mounted:{DATA}", f"/etc/systemd/system/{UNIT}"]
    assert host.tell(MARK) == f"{OWNER}\n"
    write(host)
    host.reboot()
    assert host.disks.mounts == {DATA: DEVICE}
    assert host.tell(f"{DATA}/postgres/PG_VERSION") == "16"


def test_the_same_bundle_again_changes_nothing() -> None:
    host = server()
    run(host)
    write(host)
    host.calls.clear()
    assert run(host)["changed"] == []
    assert {words[0] for words in host.calls} & {
        "mkfs.ext4",
        "mount",
        "umount",
        "resize2fs",
        "e2fsck",
    } == set()


def test_services_start_after_the_disk_is_mounted() -> None:
    host = server()
    run(host)
    programs = [words[:2] for words in host.calls]
    mounted = next(n for n, words in enumerate(host.calls) if words[0] == "mount")
    assert mounted < next(
        n for n, words in enumerate(host.calls) if words == ["systemctl", "start", "postgres.service"]
    )
    assert ["mkfs.ext4", "-q"] in programs


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Device("252:16", junk=True), "is not empty: it holds data of no kind that is known"),
        (Device("252:16", others=("crypto_LUKS",)), "found was crypto_LUKS"),
        (Device("252:16", others=("LVM2_member",)), "found was LVM2_member"),
        (Device("252:16", others=("gpt", "PMBR")), "found was gpt, PMBR"),
        (Device("252:16", others=("dos",)), "found was dos"),
        (Device("252:16", others=("swap",)), "found was swap"),
        (Device("252:16", others=("xfs",)), "found was xfs"),
        (Device("252:16", system=FileSystem("u", GIB, "backup")), "found was ext4 (backup)"),
        (Device("252:16", system=FileSystem("u", GIB, "")), "found was ext4"),
        (
            Device("252:16", system=FileSystem("u", GIB), others=("linux_raid_member",)),
            "linux_raid_member, ext4",
        ),
        (Device("252:16", unreadable=True), "can't be read: wipefs: error"),
    ],
)
def test_what_holds_anything_is_refused_and_stays_as_it_is(found: Device, said: str) -> None:
    host = server(found)
    failure = refused(host).failure
    assert said in failure.cause
    assert DEVICE in failure.cause + failure.remedy
    assert (host.disks.formatted, host.disks.mounts, host.systemd.running) == (0, {}, {})
    assert not [path for path in host.files if path.startswith("/etc")]


def test_a_disk_that_does_not_come_is_said_after_a_while() -> None:
    host = server()
    found = host.disks.devices.pop(DEVICE)
    before = host.time
    failure = refused(host).failure
    assert f"the data disk isn't on this server: {DEVICE}" in failure.cause
    assert "attached to another server" in failure.remedy
    assert 60 <= host.time - before <= 300
    host.disks.devices[DEVICE] = found
    assert run(host)["ok"]


def test_a_disk_that_comes_late_is_waited_for() -> None:
    host = server()
    found = host.disks.devices.pop(DEVICE)

    def later() -> None:
        if host.time > began + 20:
            host.disks.devices[DEVICE] = found

    began, host.after = host.time, later
    assert f"formatted:{DEVICE}" in run(host)["changed"]


def test_data_on_the_root_disk_is_not_hidden() -> None:
    host = server()
    write(host, "postgres/PG_VERSION", "15")
    failure = refused(host).failure
    assert f"{DATA} holds data on the server's own disk already ({DATA}/postgres/PG_VERSION)" in failure.cause
    assert f"mv {DATA} {DATA}.before" in failure.remedy
    assert (host.disks.formatted, host.tell(f"{DATA}/postgres/PG_VERSION")) == (0, "15")


def test_the_next_server_takes_the_disk_over_with_its_data() -> None:
    first = server()
    run(first)
    write(first)
    first.disks.unmount(DATA)
    second = server(device(first))
    answer = run(second)
    assert f"formatted:{DEVICE}" not in answer["changed"]
    assert second.tell(f"{DATA}/postgres/PG_VERSION") == "16"


@pytest.mark.parametrize(
    ("marked", "said"),
    [
        ("codeb-prod-ffffff\n", "it is codeb-prod-ffffff's"),
        (None, "it holds data (PG_VERSION) and doesn't say whose"),
    ],
)
def test_the_disk_of_another_stack_is_refused_and_unmounted_again(marked: str | None, said: str) -> None:
    first = server()
    run(first)
    write(first)
    if marked is None:
        del first.files[MARK]
    else:
        first.put(MARK, marked)
    first.disks.unmount(DATA)
    before = dict(device(first).system.files) if device(first).system else {}
    second = server(device(first))
    assert said in refused(second).failure.cause
    assert (second.disks.mounts, second.systemd.running) == ({}, {})
    assert device(second).system
    assert device(second).system.files == before
    second.put("/var/lib/codeb/storage.json", '{"version": 1, "disks": [], "shares": [], "formatting": []}')
    assert said in refused(second).failure.cause


def test_another_device_at_the_mount_point_is_refused() -> None:
    host = server()
    host.disks.devices["/dev/vdz"] = Device("252:99", system=FileSystem("u", GIB))
    host.disks.mount("/dev/vdz", DATA)
    assert "is where device 252:99 is mounted" in refused(host).failure.cause
    assert host.disks.formatted == 0


def test_a_disk_that_grew_grows_in_place_and_one_that_shrank_is_refused() -> None:
    host = server()
    run(host)
    write(host)
    device(host).size = 20 * GIB
    assert run(host)["changed"] == [f"grown:{DATA}"]
    assert ["e2fsck", "-f", "-p", DEVICE] not in host.calls, "it is mounted"
    assert run(host)["changed"] == []
    device(host).size = 10 * GIB
    assert "it was made smaller" in refused(host).failure.cause
    assert host.tell(f"{DATA}/postgres/PG_VERSION") == "16"


def test_a_disk_that_grew_before_another_server_took_it_over_is_checked_first() -> None:
    first = server()
    run(first)
    first.disks.unmount(DATA)
    device(first).size = 30 * GIB
    second = server(device(first))
    assert f"grown:{DATA}" in run(second)["changed"]
    programs = [words[0] for words in second.calls if words[0] in ("e2fsck", "resize2fs", "mount")]
    assert programs == ["e2fsck", "resize2fs", "mount"]


def test_a_bundle_that_forgets_the_disk_is_refused() -> None:
    host = server()
    run(host)
    failure = refused(host, bundle()).failure
    assert f"the data at {DATA} is on {DEVICE} (codeb-data), which the bundle lists no more" in failure.cause
    assert host.disks.mounts == {DATA: DEVICE}


def killed_everywhere(make: Callable[[], FakeHost]) -> Iterator[tuple[int, FakeHost]]:
    """Servers whose first run was killed, each at another effect, and at which one it was."""
    for kill in range(1, 200):
        host = make()
        host.operations, host.kill_at = 0, kill
        try:
            run(host)
        except Killed:
            host.kill_at = 0
            host.held.clear()
            yield kill, host
        else:
            assert kill > 20
            return


@pytest.mark.parametrize("rebooted", [False, True])
def test_killed_anywhere_the_next_run_ends_well_and_formats_nothing_that_holds_data(rebooted: bool) -> None:
    for kill, host in killed_everywhere(server):
        if rebooted:
            host.reboot()
        for _ in range(2):
            run(host)
            write(host)
            assert host.tell(MARK) == f"{OWNER}\n"
            assert host.disks.formatted <= 2, "twice only where a kill came before anything was on it"
            host.reboot()
            assert host.tell(f"{DATA}/postgres/PG_VERSION") == "16", f"killed at effect {kill}"


def taker() -> FakeHost:
    """The next server, with the disk of one that is gone."""
    first = server()
    run(first)
    write(first)
    first.disks.unmount(DATA)
    return server(device(first))


def test_killed_while_a_disk_with_data_is_taken_over_nothing_is_formatted() -> None:
    for kill, second in killed_everywhere(taker):
        run(second)
        assert second.tell(f"{DATA}/postgres/PG_VERSION") == "16", f"killed at effect {kill}"
        assert second.disks.formatted == 0


def test_what_somebody_mounted_by_hand_after_a_kill_is_not_formatted_again() -> None:
    host = server()
    host.put(
        "/var/lib/codeb/storage.json",
        f'{{"version": 1, "disks": [], "shares": [], "formatting": ["{DEVICE}"]}}',
    )
    device(host).system = FileSystem("u", 10 * GIB, ever_mounted=True)
    run(host)
    assert host.disks.formatted == 0


def test_other_signatures_are_refused_after_a_kill_too() -> None:
    host = server(Device("252:16", others=("crypto_LUKS",)))
    host.put(
        "/var/lib/codeb/storage.json",
        f'{{"version": 1, "disks": [], "shares": [], "formatting": ["{DEVICE}"]}}',
    )
    assert "found was crypto_LUKS" in refused(host).failure.cause


def test_a_reboot_without_the_disk_mounts_nothing_and_doctor_says_so() -> None:
    host = server()
    run(host)
    found = host.disks.devices.pop(DEVICE)
    host.reboot()
    assert host.disks.mounts == {}
    err = call(host.ports(), "doctor")[2]
    assert f"data disk {DEVICE} of {DATA} is missing" in err
    assert "isn't on this server" in refused(host).failure.cause
    host.disks.devices[DEVICE] = found
    assert run(host)["ok"]
    assert host.disks.formatted == 1


def test_retire_unmounts_the_disk_and_leaves_its_data_on_it() -> None:
    host = server()
    run(host)
    write(host)
    answer = call(host.ports(), "retire", bundle(disk()))[1]
    assert (answer["data"], answer["disks"]) == ("", [DATA])
    assert host.disks.mounts == {}
    assert not [path for path in host.files if UNIT in path or path.startswith(DATA)]
    assert call(host.ports(), "retire", bundle(disk()))[1]["disks"] == []
    run(host)
    assert host.tell(f"{DATA}/postgres/PG_VERSION") == "16"


@pytest.mark.parametrize(
    "change",
    [
        {"device": "vdb"},
        {"device": "/dev/../etc/passwd"},
        {"path": "srv"},
        {"label": "a label"},
        {"label": "longer-than-sixteen"},
        {"owner": "; reboot"},
        {"unit": {"name": "ssh.service", "content": ""}},
        {"unknown": 1},
    ],
)
def test_hostile_disks_touch_nothing(change: dict[str, object]) -> None:
    host = server()
    with pytest.raises(BadDocument):
        run(host, bundle(disk(**change)))
    assert (host.files, host.calls) == ({}, [])


def test_two_disks_at_one_place_are_refused() -> None:
    with pytest.raises(BadDocument, match="listed twice"):
        run(server(), bundle(disk(), disk(device="/dev/disk/by-id/virtio-b2")))


def test_a_busy_server_that_does_not_say_what_is_mounted_is_not_taken_for_one_without_a_disk() -> None:
    host = server()
    run(host)
    write(host)
    host.answers[" ".join(programs.mounted_at(DATA))] = Result(124, err="findmnt did not end within 10 s")
    assert "nobody says within 10 s" in refused(host).failure.cause
    assert call(host.ports(), "status")[0] == 0
    assert f"nobody says within 10 s what is mounted at {DATA}" in call(host.ports(), "doctor")[2]
