"""How a booting host is waited for: by a real login, which is never tried again when its key is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.host import LabError, machine
from lab.host.machine import Host
from lab.host.network import Network
from lab.host.paths import Folders


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host("codeb1", Folders(lab=tmp_path, cache=tmp_path), Network())


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What sshd said to each login so far."""
    said: list[str] = []
    monkeypatch.setattr(Host, "state", lambda _: "running")
    monkeypatch.setattr(machine, "LOGIN_PATIENCE_S", 1.5)
    return said


def answers(monkeypatch: pytest.MonkeyPatch, tries: list[str], *words: str) -> None:
    """sshd says these one after the other, the last one for ever."""

    def refusal(_: Host) -> str:
        tries.append(words[min(len(tries), len(words) - 1)])
        return tries[-1]

    monkeypatch.setattr(Host, "_refusal", refusal)


def test_sshd_may_come_up_later_than_the_rest(
    host: Host, monkeypatch: pytest.MonkeyPatch, tries: list[str]
) -> None:
    answers(monkeypatch, tries, "ssh: connect to host: Connection refused", "")
    host.wait()
    assert len(tries) == 2


def test_a_refused_key_is_tried_once(host: Host, monkeypatch: pytest.MonkeyPatch, tries: list[str]) -> None:
    answers(monkeypatch, tries, "root@10.77.0.2: Permission denied (publickey).")
    with pytest.raises(LabError, match=r"does not let this machine in: .*Permission denied"):
        host.wait()
    assert len(tries) == 1


def test_a_host_that_is_up_and_lets_nobody_in_is_told_from_one_that_does_not_come_up(
    host: Host, monkeypatch: pytest.MonkeyPatch, tries: list[str]
) -> None:
    answers(monkeypatch, tries, "ssh: connect to host: Connection refused")
    with pytest.raises(LabError) as failure:
        host.wait()
    assert "does not come up" not in str(failure.value)
    assert "python -m lab console" in str(failure.value)
    assert "fail2ban-client unban 10.77.0.1" in str(failure.value)
