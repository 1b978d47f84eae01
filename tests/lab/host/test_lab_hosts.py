"""Hosts are real machines: they boot, reboot, lose power, are copied and go away without a trace."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from lab.host import Lab, LabError
from lab.host.paths import Folders
from lab.host.processes import wait_until

pytestmark = pytest.mark.lab
FIRST, SECOND = "labt1", "labt2"


@pytest.fixture(scope="module", autouse=True)
def hosts(lab: Lab) -> None:
    lab.ensure_hosts([FIRST, SECOND])


def said(lab: Lab, name: str, *argv: str) -> str:
    """Output of a command that must succeed in a host."""
    done = lab.run(name, argv)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


def ssh(lab: Lab, known_hosts: Path, address: str) -> subprocess.CompletedProcess[str]:
    options = [f"UserKnownHostsFile={known_hosts}", "StrictHostKeyChecking=yes", "BatchMode=yes"]
    words = [word for option in options for word in ("-o", option)]
    line = ["ssh", *words, "-i", str(lab.ssh_key_path()), f"root@{address}", "hostname"]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def test_a_host_is_a_whole_debian_13_machine(lab: Lab) -> None:
    assert said(lab, FIRST, "systemctl", "is-system-running") == "running"
    assert "VERSION_CODENAME=trixie" in said(lab, FIRST, "cat", "/etc/os-release")
    assert said(lab, FIRST, "podman", "--version").startswith("podman version 5.")
    assert said(lab, FIRST, "cat", "/proc/1/comm") == "systemd"


def test_ssh_works_with_the_pinned_key_and_with_no_other(lab: Lab, tmp_path: Path) -> None:
    address = lab.info(FIRST).address
    done = ssh(lab, lab.known_hosts_path(), address)
    assert done.stdout.strip() == FIRST, done.stderr

    swapped = tmp_path / "known_hosts"
    swapped.write_text(f"{address} {lab.info(SECOND).host_key}\n")
    done = ssh(lab, swapped, address)
    assert done.returncode == 255
    assert "HOST IDENTIFICATION HAS CHANGED" in done.stderr


def test_names_and_addresses_outside_the_lab_are_refused_and_not_waited_for(lab: Lab) -> None:
    assert lab.run(FIRST, ["getent", "hosts", "example.org"]).returncode == 2, "there is no such name"
    assert lab.run(FIRST, ["curl", "--silent", "https://192.0.2.1/"]).returncode == 7, "refused, no time-out"


def test_hosts_reach_each_other_and_share_nothing(lab: Lab) -> None:
    said(lab, FIRST, "ping", "-c1", "-W2", lab.info(SECOND).address)
    said(lab, FIRST, "touch", "/root/only-here")
    assert lab.run(SECOND, ["test", "-e", "/root/only-here"]).returncode == 1
    assert lab.info(FIRST).host_key != lab.info(SECOND).host_key
    machines = {said(lab, name, "cat", "/etc/machine-id") for name in (FIRST, SECOND)}
    assert len(machines) == 2


def test_a_reboot_keeps_files_and_volumes(lab: Lab) -> None:
    said(lab, FIRST, "podman", "volume", "create", "kept")
    said(lab, FIRST, "touch", "/etc/kept", "/run/forgotten")
    started = said(lab, FIRST, "stat", "--format=%Y", "/proc/1")
    time.sleep(1.1)
    lab.reboot(FIRST)
    assert said(lab, FIRST, "stat", "--format=%Y", "/proc/1") != started
    said(lab, FIRST, "test", "-e", "/etc/kept")
    assert lab.run(FIRST, ["test", "-e", "/run/forgotten"]).returncode == 1
    assert "kept" in said(lab, FIRST, "podman", "volume", "ls", "--quiet")


def test_after_a_power_cut_the_same_call_brings_it_back(lab: Lab) -> None:
    said(lab, FIRST, "sh", "-c", "echo written > /root/data && sync")
    lab.power_cut(FIRST)
    assert lab.host(FIRST).state() == "off"
    with pytest.raises(LabError, match="not running"):
        lab.run(FIRST, ["true"])
    lab.ensure_hosts([FIRST])
    assert said(lab, FIRST, "cat", "/root/data") == "written"


def test_a_killed_supervisor_leaves_no_half_host(lab: Lab) -> None:
    supervisor = lab.host(FIRST).supervised.process("supervisor")
    assert supervisor is not None
    supervisor.send(signal.SIGKILL)
    assert wait_until(lambda: not lab.host(FIRST).supervised.running(), 10)
    lab.ensure_hosts([FIRST])
    assert said(lab, FIRST, "systemctl", "is-system-running") == "running"


def test_a_lost_bridge_is_made_again_under_running_hosts(lab: Lab) -> None:
    subprocess.run(["ip", "link", "delete", lab.network.bridge], check=True)
    lab.ensure_hosts([FIRST, SECOND])
    said(lab, FIRST, "ping", "-c1", "-W2", lab.info(SECOND).address)


def test_a_second_clone_is_told_who_has_the_bridge(lab: Lab, tmp_path: Path) -> None:
    other = Lab(Folders(lab=tmp_path / ".lab", cache=lab.folders.cache), lab.network, lab.progress)
    with pytest.raises(LabError) as error:
        other.ensure_hosts(["labt3"])
    assert str(lab.folders.lab) in error.value.cause
    other.down()
    assert lab.network.holder() == str(lab.folders.lab), "the other clone took the bridge down"
    said(lab, FIRST, "true")


def test_a_snapshot_comes_back(lab: Lab) -> None:
    said(lab, SECOND, "podman", "volume", "create", "before")
    said(lab, SECOND, "rm", "/etc/motd")
    lab.snapshot(SECOND, "label")
    said(lab, SECOND, "podman", "volume", "rm", "before")
    said(lab, SECOND, "touch", "/etc/motd")
    lab.restore(SECOND, "label")
    assert "before" in said(lab, SECOND, "podman", "volume", "ls", "--quiet")
    assert lab.run(SECOND, ["test", "-e", "/etc/motd"]).returncode == 1, "what was removed is there again"
    with pytest.raises(LabError, match="no snapshot 'other'"):
        lab.restore(SECOND, "other")


def test_limits_that_the_lab_cannot_enforce_are_recorded(lab: Lab) -> None:
    line = "podman run --rm --memory=64m --pids-limit=99 localhost/lab/base:trixie true"
    if lab.run(FIRST, ["podman", "image", "exists", "localhost/lab/base:trixie"]).returncode != 0:
        pytest.skip("the lab's images are not built")
    said(lab, FIRST, "rm", "-rf", "/run/lab-limits")
    said(lab, FIRST, *line.split())
    record = said(lab, FIRST, "sh", "-c", "cat /run/lab-limits/*")
    assert '"limit": 67108864' in record
    assert '"pids": {"limit": 99}' in record


def test_clean_leaves_nothing(lab: Lab) -> None:
    folder = str(lab.folders.lab)
    lab.clean(keep_cache=True)
    assert folder not in Path("/proc/mounts").read_text()
    assert not Path("/sys/class/net", lab.network.bridge).exists()
    assert not Path("/sys/class/net", f"vb-{FIRST}").exists()
    assert list(lab.folders.lab.iterdir()) == []
    assert processes_of(folder) == []
    assert lab.folders.cache.is_dir()
    lab.clean(keep_cache=True)


def processes_of(folder: str) -> list[str]:
    """Command lines that name the folder, ours excepted."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if folder in line and path.parent.name != str(os.getpid()):
            found.append(line)
    return found
