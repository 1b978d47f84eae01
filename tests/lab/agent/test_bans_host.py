"""Fail2Ban and sshd for real: an operator's mistakes shut nobody out, refused logins do, and a ban is said."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from agent_lab import NAME, AgentHost

from codeb.render.text import render
from codeb.ssh import SshTarget
from ops.ssh import SshError, ask

STRANGER = "10.77.0.201"
"""Another address of this machine."""
JAIL = "/etc/fail2ban/jail.d/codeb.local"
FILTER = "/etc/fail2ban/filter.d/codeb-sshd.conf"
SSHD = "/etc/ssh/sshd_config.d/20-bans-test.conf"
ME = "10.77.0.1"


@pytest.fixture(scope="module")
def guarded(host: AgentHost) -> Iterator[AgentHost]:
    """The host with the platform's jail, and sshd's own penalties off: they would hide the jail's count."""
    host.put(FILTER, render("host/fail2ban-sshd.conf"))
    host.put(SSHD, "PerSourcePenalties no\n")
    host.sh("systemctl", "reload", "ssh.service")
    bridge = host.lab.network.bridge
    subprocess.run(["ip", "address", "add", f"{STRANGER}/24", "dev", bridge], check=False)
    trust(host)
    yield host
    subprocess.run(["ip", "address", "del", f"{STRANGER}/24", "dev", bridge], check=False)
    host.sh("fail2ban-client", "unban", "--all")
    host.sh("rm", "-f", FILTER, SSHD, JAIL)
    host.sh("systemctl", "reload", "ssh.service")
    host.sh("systemctl", "restart", "fail2ban.service")


def trust(host: AgentHost, *addresses: str) -> None:
    host.put(JAIL, render("host/fail2ban.local", ssh_port=22, trusted=addresses))
    host.sh("systemctl", "restart", "fail2ban.service")
    deadline = time.monotonic() + 20
    while "filter" not in host.sh("fail2ban-client", "status", "sshd", check=False).lower():
        assert time.monotonic() < deadline, "Fail2Ban does not come up"
        time.sleep(0.2)


def banned(host: AgentHost) -> list[str]:
    return host.sh("fail2ban-client", "get", "sshd", "banip").split()


def target(host: AgentHost, host_key: str = "") -> SshTarget:
    info = host.lab.info(NAME)
    return SshTarget(info.address, 22, "root", host_key or info.host_key, host.lab.ssh_key_path().read_text())


def guess(host: AgentHost, folder: Path) -> None:
    """A login from the other address with a key that nobody knows."""
    key = folder / "key"
    if not key.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    options = (
        "BatchMode=yes",
        "IdentitiesOnly=yes",
        "StrictHostKeyChecking=no",
        "UserKnownHostsFile=/dev/null",
    )
    words = [part for option in options for part in ("-o", option)]
    address = host.lab.info(NAME).address
    line = ["ssh", "-F", "none", *words, "-b", STRANGER, "-i", str(key), f"root@{address}", "true"]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 255, done.stdout


def test_a_wrong_pin_and_probes_of_the_port_shut_nobody_out(guarded: AgentHost, tmp_path: Path) -> None:
    wrong = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1yqM2dSsm5K5nH0fSg7w3kPBbO1l0Zf3f5YyTqNcVt"
    right = target(guarded)
    for _ in range(7):
        with pytest.raises(SshError, match="is not the pinned one"):
            ask(target(guarded, wrong), "status", {"version": 1})
        with socket.create_connection((right.address, 22), 5):
            pass
    subprocess.run(["ssh-keyscan", "-T", "5", right.address], capture_output=True, check=True)
    time.sleep(3)
    assert banned(guarded) == []
    assert ask(right, "status", {"version": 1}).code == 0


def test_refused_logins_shut_a_stranger_out_and_nobody_else(guarded: AgentHost, tmp_path: Path) -> None:
    tries = 0
    while not banned(guarded):
        assert tries < 10, guarded.sh("tail", "-n", "40", "/var/log/fail2ban.log")
        guess(guarded, tmp_path)
        tries += 1
        time.sleep(1)  # some lines Fail2Ban sees only when the next one comes
    assert tries >= 5
    assert banned(guarded) == [STRANGER]
    assert ask(target(guarded), "status", {"version": 1}).code == 0
    answer = guarded.agent("doctor")
    assert answer.document["shut_out"] == 1
    assert STRANGER not in answer.err, "a stranger is counted"
    trust(guarded, STRANGER)
    assert banned(guarded) == [], "trusted now, whatever was"
    for _ in range(6):
        guess(guarded, tmp_path)
    time.sleep(3)
    assert banned(guarded) == []


def test_a_ban_of_the_operator_is_said_on_both_sides(guarded: AgentHost) -> None:
    assert ask(target(guarded), "status", {"version": 1}).code == 0
    guarded.sh("fail2ban-client", "set", "sshd", "banip", ME)
    try:
        with pytest.raises(SshError, match="Connection refused; if the server is up, Fail2Ban has shut"):
            ask(target(guarded), "status", {"version": 1})
        answer = guarded.agent("doctor")
        assert f"Fail2Ban shuts out {ME}, from which somebody has logged in before" in answer.err
        assert f"unbanip {ME}" in answer.err
    finally:
        guarded.sh("fail2ban-client", "set", "sshd", "unbanip", ME)
    assert ask(target(guarded), "status", {"version": 1}).code == 0
