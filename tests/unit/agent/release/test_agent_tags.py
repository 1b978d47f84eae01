"""A tag that was pushed again: each release asks its registry, and all servers of one release run one digest."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.agent.fakes.documents import release_document
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.fakes.podman import App, pinned
from tests.unit.agent.verbs import V1, back, call, fails, new_host, run

A, B = {"COLOUR": "red"}, {"COLOUR": "blue"}
NO_ROUTE = "Error: pinging container registry reg.lab:5000: dial tcp: lookup reg.lab: no such host"
RATE = (
    "Error: reading manifest 1 in reg.lab:5000/shop: toomanyrequests: You have reached your pull rate limit"
)
DENIED = "Error: reading manifest 1 in reg.lab:5000/shop: unauthorized: authentication required"
FIRST, AGAIN = (pinned(V1, build).partition("@")[2] for build in ("", "again"))


def pushed_again(host: FakeHost, **changes: Any) -> None:
    host.podman.registry[V1] = App(build="again", **changes)


@pytest.fixture
def host() -> FakeHost:
    host = new_host()
    assert run(host, environment=A)["digest"] == FIRST
    return host


@pytest.mark.parametrize("pull", ["missing", "always"])
def test_a_release_runs_what_the_tag_is_now(host: FakeHost, pull: str) -> None:
    pushed_again(host)
    answer = run(host, environment=B, pull=pull)
    assert (answer["digest"], answer["resolved"], answer["warnings"]) == (AGAIN, AGAIN, [])
    assert pinned(V1, "again") in str(host.systemd.running["codeb-shop-app-green.service"].image)
    assert back(host)["digest"] == FIRST, "the release before is still there, by its digest"


def test_what_changes_around_the_container_doesn_t_replace_it(host: FakeHost) -> None:
    pushed_again(host)
    host.calls.clear()
    answer = run(host, environment=A, standby_minutes=5)
    assert (answer["digest"], answer["resolved"]) == (FIRST, FIRST)
    assert not [words for words in host.calls if words[:2] == ["podman", "pull"]]


@pytest.mark.parametrize("again", [True, False])
def test_the_release_before_is_taken_up_again_only_as_the_tag_is_now(host: FakeHost, again: bool) -> None:
    run(host, environment=B)
    if again:
        pushed_again(host)
    answer = run(host, environment=A)
    assert (answer["digest"], answer["active"]) == (AGAIN if again else FIRST, "blue")
    assert ("released again" in str(answer["release"])) is not again


@pytest.mark.parametrize(
    "said", [NO_ROUTE, RATE, "Error: received unexpected HTTP status: 503 Service Unavailable"]
)
def test_without_an_answer_of_the_registry_what_is_here_runs_and_it_says_so(
    host: FakeHost, said: str
) -> None:
    pushed_again(host)
    host.podman.error = said
    answer = run(host, environment=B)
    assert answer["digest"] == FIRST
    (warning,) = answer["warnings"]  # type: ignore[misc]
    assert f"it runs what this host had of {V1}, which may be older" in warning
    assert run(host, environment=A)["active"] == "blue", "and so is the release before"


@pytest.mark.parametrize("said", [DENIED, "Error: manifest unknown", "Error: x509: unknown authority"])
def test_an_answer_that_is_no_image_fails(host: FakeHost, said: str) -> None:
    host.podman.error = said
    assert fails(host, V1, environment=B).failure.phase == "pull"


def test_the_release_before_comes_back_even_if_its_tag_is_gone_here_and_its_registry_silent(
    host: FakeHost,
) -> None:
    run(host, environment=B)
    host.podman.nameless.append((V1, host.podman.images.pop(V1)))
    host.podman.error = NO_ROUTE
    answer = run(host, environment=A)
    assert (answer["active"], answer["digest"]) == ("blue", FIRST)
    assert "no route" in str(answer["warnings"])


@pytest.mark.parametrize("image", [pinned(V1), f"{V1}@{FIRST}"])
def test_a_reference_by_digest_asks_nobody(image: str) -> None:
    host = new_host()
    host.podman.registry[image] = App()
    run(host, image, environment=A)
    host.podman.error = DENIED
    assert run(host, image, environment=B)["active"] == "green"
    assert f"reg.lab:5000/shop:codeb-{FIRST[7:19]}" in host.podman.aliases


def test_a_failed_release_of_a_tag_that_moved_leaves_the_old_image_to_be_started_again(
    host: FakeHost,
) -> None:
    """As after a reboot; also when an earlier agent gave it no name of its own."""
    host.podman.aliases.clear()
    pushed_again(host, crashes=True)
    assert fails(host, V1, environment=B).failure.phase == "health"
    host.reboot()
    assert "codeb-shop-app-blue.service" in host.systemd.running


@pytest.mark.parametrize(("image", "pull"), [(V1, "never"), ("localhost/shop:1", "missing")])
def test_what_stays_local_asks_nobody(image: str, pull: str) -> None:
    host = new_host()
    host.podman.images[image] = App()
    host.podman.error = DENIED
    assert run(host, image, environment=A, pull=pull)["active"] == "blue"
    assert run(host, image, environment=B, pull=pull)["active"] == "green"


def test_another_server_runs_the_digest_that_the_first_one_found(host: FakeHost) -> None:
    """Though the tag has moved on once more."""
    other = new_host()
    assert run(other, environment=A, digest=FIRST)["resolved"] == FIRST
    pushed_again(host)
    pushed_again(other)
    found = str(run(host, environment=B)["resolved"])
    answer = run(other, environment=B, digest=found)
    assert (answer["digest"], answer["image"]) == (AGAIN, V1)
    other.podman.registry[V1] = App(build="once more")
    assert run(other, environment=B, digest=found)["changed"] is False


def test_the_same_document_with_another_digest_is_another_release(host: FakeHost) -> None:
    pushed_again(host)
    answer = run(host, environment=A, digest=AGAIN)
    assert (answer["digest"], answer["active"]) == (AGAIN, "green")


def test_a_rollback_holds_on_every_server(host: FakeHost) -> None:
    other = new_host()
    pushed_again(host)
    pushed_again(other)
    run(host, environment=B)
    other.podman.registry = {V1: App()}
    run(other, environment=A)
    pushed_again(other)
    run(other, environment=B, digest=AGAIN)
    for each in (host, other):
        assert back(each)["digest"] == FIRST
    answer = run(host, environment=B, standby_minutes=5)
    assert (answer["digest"], answer["resolved"]) == (FIRST, AGAIN)
    held = run(other, environment=B, standby_minutes=5, digest=answer["resolved"])
    assert (held["digest"], held["active"]) == (FIRST, "blue")
    assert "was withdrawn" in str(held["warnings"])


@pytest.mark.parametrize("digest", ["latest", "sha256:1", "sha256:" + "A" * 64, 7])
def test_a_digest_is_one(host: FakeHost, digest: object) -> None:
    code, answer, _ = call(host.ports(), "release", release_document(V1, digest=digest))
    assert (code, "digest" in answer["cause"]) == (2, True)
