"""Private registries and images within bounds, on a real host with a registry that asks for a login."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import private_registry
import pytest
from agent_documents import release
from agent_lab import AgentHost, Answer
from private_registry import AUTH_FILE, NAME, PASSWORD, USER, PrivateRegistry, credentials

REPOSITORY = "team/app"
INSECURE = "/etc/containers/registries.conf.d/20-private.conf"


@pytest.fixture(scope="module")
def registry(host: AgentHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRegistry]:
    host.put(INSECURE, f'[[registry]]\nlocation = "{NAME}"\ninsecure = true\n')
    with private_registry.running(host.lab, tmp_path_factory.mktemp("registry")) as found:
        yield found
    host.sh("rm", "-f", INSECURE, AUTH_FILE)


@pytest.fixture
def pulled(host: AgentHost, registry: PrivateRegistry, project: str) -> Iterator[str]:
    """A reference that is in the registry and not on the host."""
    reference = registry.push(host, REPOSITORY, "v1")
    host.sh("rm", "-f", AUTH_FILE)
    yield reference
    host.agent("remove", {"project": project})
    assert images_of(host) == [], "nothing of the repository outlives its project"


def images_of(host: AgentHost) -> list[str]:
    """Ids of all images of the repository, untagged ones too."""
    found = json.loads(host.sh("podman", "image", "ls", "--format", "json"))
    mine = [
        image["Id"]
        for image in found
        if any(
            f"{NAME}/{REPOSITORY}" in name
            for key in ("Names", "RepoDigests", "History")
            for name in image.get(key) or []
        )
    ]
    return sorted(set(mine))


def unit_reads(host: AgentHost) -> int:
    """How often systemd was told to read its units."""
    said = host.sh("journalctl", "--quiet", "--boot", "--output=cat", "_PID=1")
    return len(re.findall(r"^Reload(?:ing)? requested from client", said, re.MULTILINE))


def released(host: AgentHost, reference: str, **changes: Any) -> Answer:
    return host.agent("release", release(reference, **{"pull": "missing", "standby_minutes": 0, **changes}))


def refused(answer: Answer) -> tuple[str, str]:
    """Cause and remedy of a release that the registry stopped."""
    assert (answer.code, answer.document["phase"]) == (1, "pull"), answer.document
    said = answer.err + json.dumps(answer.document)
    assert PASSWORD not in said
    assert "wrong-password" not in said
    return str(answer.document["cause"]), str(answer.document["remedy"])


def test_right_credentials_pull_and_the_digest_is_the_registry_s(
    host: AgentHost, registry: PrivateRegistry, pulled: str
) -> None:
    host.put(AUTH_FILE, credentials(USER, PASSWORD), "600")
    start = time.monotonic()
    answer = released(host, pulled)
    print(f"first release with a pull: {time.monotonic() - start:.1f} s")
    assert answer.code == 0, answer.err
    assert answer.document["digest"] == registry.digest(REPOSITORY, "v1")
    runs = host.sh("podman", "inspect", "--format", "{{.ImageName}}", "codeb-agent-one-blue").strip()
    assert runs == f"{NAME}/{REPOSITORY}@{answer.document['digest']}"
    unit = host.sh("cat", "/etc/containers/systemd/codeb-agent-one-blue.container")
    assert f"Image={NAME}/{REPOSITORY}@${{CODEB_IMAGE_DIGEST}}" in unit
    assert host.version("agent-one") == "v1"
    assert "Login" not in host.sh("podman", "login", "--get-login", NAME, check=False), (
        "no login is left behind"
    )


def test_without_credentials_it_says_so_and_how_to_set_them(host: AgentHost, pulled: str) -> None:
    cause, remedy = refused(released(host, pulled))
    assert "authentication required" in cause
    assert re.search(
        r"pulumi config set --secret --path 'codeb:registryCredentials\[\"reg.*:5001\"\]", remedy
    )


def test_wrong_credentials_are_told_from_none(host: AgentHost, pulled: str) -> None:
    host.put(AUTH_FILE, credentials(USER, "wrong-password"), "600")
    cause, remedy = refused(released(host, pulled))
    assert "refuses" in cause
    assert "registryCredentials" in remedy


def test_what_is_not_there_and_who_is_not_there_are_told_apart(host: AgentHost, pulled: str) -> None:
    host.put(AUTH_FILE, credentials(USER, PASSWORD), "600")
    cause, _ = refused(released(host, f"{NAME}/{REPOSITORY}:none"))
    assert "has no image" in cause
    cause, _ = refused(released(host, f"{NAME}/team/nothing:v1"))
    assert "has no image" in cause
    cause, _ = refused(released(host, "10.77.0.1:5999/team/app:v1"))
    assert "no route to the registry 10.77.0.1:5999" in cause
    cause, _ = refused(released(host, "no-such-registry.lab.test/team/app:v1"))
    assert "no route to the registry no-such-registry.lab.test" in cause


def test_a_pull_that_fails_leaves_what_serves_alone(host: AgentHost, pulled: str) -> None:
    host.put(AUTH_FILE, credentials(USER, PASSWORD), "600")
    assert released(host, pulled).code == 0
    host.sh("rm", "-f", AUTH_FILE)
    refused(released(host, f"{NAME}/{REPOSITORY}:v2"))
    assert host.version("agent-one") == "v1"


@pytest.mark.slow
def test_ten_releases_leave_at_most_two_images(
    host: AgentHost, registry: PrivateRegistry, pulled: str
) -> None:
    references = [pulled, *(registry.push(host, REPOSITORY, f"v{number}") for number in range(2, 11))]
    host.put(AUTH_FILE, credentials(USER, PASSWORD), "600")
    counts, seconds, reads = [], [], [unit_reads(host)]
    for reference in references:
        answer = released(host, reference)
        assert answer.code == 0, answer.err
        counts.append(len(images_of(host)))
        seconds.append(round(answer.seconds, 1))
        reads.append(unit_reads(host))
    print(f"images after each of ten releases: {counts}; seconds: {seconds}")
    assert host.version("agent-one") == "v10"
    assert counts == [1] + [2] * 9
    assert reads[0] < reads[1] < reads[2], "each colour's first release brings a unit"
    assert reads[2:] == [reads[2]] * 9, "another image is no reason to read all units again"
    back = host.agent("rollback", {"project": "agent-one"})
    assert (back.code, host.version("agent-one")) == (0, "v9"), back.err
    other = host.sh("podman", "image", "ls", "--format", "{{.Repository}}").split()
    assert "localhost/agent/app" in other, "images that were built here stay"


@pytest.mark.slow
def test_releases_that_fail_leave_no_image_and_the_standby_s_stays(
    host: AgentHost, registry: PrivateRegistry, pulled: str
) -> None:
    host.put(AUTH_FILE, credentials(USER, PASSWORD), "600")
    assert released(host, pulled).code == 0
    assert released(host, registry.push(host, REPOSITORY, "v2")).code == 0
    good = images_of(host)
    for number in range(3):
        bad = registry.push(host, REPOSITORY, f"bad{number}", "crash")
        answer = released(host, bad)
        assert (answer.code, answer.document["phase"]) == (1, "health"), answer.document
        assert images_of(host) == good
    back = host.agent("rollback", {"project": "agent-one"})
    assert (back.code, host.version("agent-one")) == (0, "v1"), back.err


MOVING = f"{NAME}/{REPOSITORY}:moving"


def test_a_tag_that_was_pushed_again_runs_as_it_is_now_and_its_image_of_before_comes_back(
    host: AgentHost, registry: PrivateRegistry, pulled: str
) -> None:
    host.put(AUTH_FILE, credentials(USER, PASSWORD), "600")
    registry.push(host, REPOSITORY, "m1", tag="moving")
    first = released(host, MOVING)
    assert (first.code, host.version("agent-one")) == (0, "m1"), first.err
    registry.push(host, REPOSITORY, "m2", tag="moving")
    same = released(host, MOVING)
    assert (same.document["changed"], host.version("agent-one")) == (False, "m1")
    second = released(host, MOVING, environment={"OTHER": "variable"})
    assert (second.code, host.version("agent-one")) == (0, "m2"), second.err
    assert second.document["resolved"] == registry.digest(REPOSITORY, "moving")
    assert "blue" not in host.sh("podman", "ps", "--format", "{{.Names}}"), "its standby is over"
    back = host.agent("rollback", {"project": "agent-one"})
    assert (back.code, host.version("agent-one")) == (0, "m1"), back.err
    registry.push(host, REPOSITORY, "m3", tag="moving")
    third = released(host, MOVING, environment={"OTHER": "one"}, digest=second.document["resolved"])
    assert (third.code, host.version("agent-one")) == (0, "m2"), third.err
    assert third.document["warnings"] == []


def test_without_its_registry_a_release_runs_what_is_here_and_says_so(
    host: AgentHost, registry: PrivateRegistry, pulled: str
) -> None:
    host.put(AUTH_FILE, credentials(USER, PASSWORD), "600")
    assert released(host, pulled).code == 0
    host.sh("nft", "add table ip lab_cut; add chain ip lab_cut out { type filter hook output priority 0; }")
    host.sh("nft", "add", "rule", "ip", "lab_cut", "out", "tcp", "dport", "5001", "reject")
    try:
        answer = released(host, pulled, environment={"OTHER": "variable"})
    finally:
        host.sh("nft", "delete", "table", "ip", "lab_cut")
    print(f"without a registry: {answer.seconds:.1f} s")
    assert (answer.code, answer.document["active"]) == (0, "green"), answer.err
    assert f"it runs what this host had of {pulled}, which may be older" in answer.document["warnings"][0]


@pytest.mark.slow
def test_a_tag_that_moves_leaves_no_untagged_images(
    host: AgentHost, registry: PrivateRegistry, pulled: str
) -> None:
    host.put(AUTH_FILE, credentials(USER, PASSWORD), "600")
    for number in range(4):
        registry.push(host, REPOSITORY, f"m{number}", tag="moving")
        answer = released(host, MOVING, environment={"RELEASE": str(number)})
        assert (answer.code, host.version("agent-one")) == (0, f"m{number}"), answer.err
        assert answer.document["digest"] == registry.digest(REPOSITORY, "moving")
    assert len(images_of(host)) == 2
