"""The verb `doctor`: what is wrong with a host, and what to do."""

from __future__ import annotations

import pytest

from agent.host.ports import Result
from agent.report import diagnosis
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
