"""Projects hand domains, ports and indexes to one another while their users look on; some hand-overs are cut short."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from runs import Run
from stack import ADDRESS, IMAGE, Stack, get, new_project

from lab import paths
from lab.load import Load, Shape, Target

pytestmark = pytest.mark.lab


def small(name: str, domain: str | None = None, *, cache: bool = False, ports: int = 0) -> dict[str, Any]:
    """A project that leaves nothing behind; `ports` is the first of its pair."""
    manifest = new_project(name)
    manifest["project"]["lifecycle"] = "destroy"
    manifest["environment"]["domain"] = f"{domain or name}.lab.test"
    manifest["resources"] = {"cache": {"enabled": cache}, "storage": {"enabled": False}}
    manifest["servers"] = {"ports": {"app": ports, "internal": ports + 1}} if ports else {}
    return manifest


@pytest.fixture(scope="module")
def neighbour(stack: Stack) -> Iterator[Stack]:
    """The stack with a project that nobody touches, so that its users must not notice anything."""
    with stack.with_project("neighbour", small("neighbour")):
        yield stack


@pytest.fixture
def room(neighbour: Stack) -> Iterator[Stack]:
    """The stack; whatever projects a test adds are gone afterwards."""
    stack = neighbour
    own = {path.name for path in (stack.folder / "manifests").iterdir()}
    yield stack
    for path in (stack.folder / "manifests").iterdir():
        if path.name not in own:
            path.unlink()
    gone = stack.up()
    assert gone.status == 0, gone.text


def deploy(stack: Stack, **manifests: dict[str, Any]) -> Run:
    """Write these manifests and update."""
    for name, manifest in manifests.items():
        stack.write(name, manifest)
    return stack.up()


def title(domain: str) -> str:
    """Which project answers."""
    found: str = get(f"https://{domain}.lab.test/api/restaurants").json()["title"]
    return found


def answers(domain: str) -> bool:
    """Whether anybody answers to the name."""
    try:
        return get(f"https://{domain}.lab.test/api/version").status == 200
    except OSError:
        return False


class Users(ExitStack):
    """Requests to these domains until the block ends, none of which may fail."""

    def __init__(self, *domains: str) -> None:
        super().__init__()
        targets = [Target(f"{domain}.lab.test", ADDRESS, paths.CA_CERTIFICATE) for domain in domains]
        self.loads = [
            Load(target, Shape(rate=25, sockets=0, events=0, upload_seconds=0)) for target in targets
        ]

    def __enter__(self) -> Users:
        for load in self.loads:
            self.enter_context(load)
        return self

    def assert_none_failed(self) -> None:
        for load in self.loads:
            assert load.result.failed == 0, load.result.failures
            assert len(load.result.requests) > 50


@pytest.mark.slow
def test_what_a_leaving_project_still_holds_is_given_to_nobody(room: Stack) -> None:
    added = deploy(room, oldapp=small("old-app", cache=True), other=small("other"))
    assert added.status == 0, added.text
    before = room.entry("old-app")
    room.remove("oldapp")
    spoilt = small("other")
    spoilt["environment"]["image"] = IMAGE.replace("1.0.0", "no-such-tag")
    with Users("old-app", "neighbour") as users:
        failed = deploy(room, other=spoilt)
        assert failed.status == 1
        assert "old-app leaves" in failed.text
        assert "old-app left" not in failed.text, "it has not"
        assert room.outputs()["registry"]["leaving"]["old-app"]["ports"] == before["ports"]
        again = deploy(room, other=spoilt, newapp=small("new-app", cache=True))
        assert again.status == 1
        new = room.entry("new-app")
        assert new["ports"] != before["ports"]
        assert new["redis"] != before["redis"]
        assert title("new-app") == "new-app"
    users.assert_none_failed()
    mended = deploy(room, other=small("other"))
    assert mended.status == 0, mended.text
    assert {"old-app", "old-app-release-codeb1", "old-app-database"} <= mended.steps("delete")
    assert not answers("old-app")
    settled = room.up()
    assert settled.changes == {}
    assert "leaving" not in room.outputs()["registry"]


@pytest.mark.slow
def test_two_projects_exchange_domains_and_ports_in_one_run(room: Stack) -> None:
    assert deploy(room, one=small("one", ports=3101), two=small("two", ports=3103)).status == 0
    with Users("one", "two", "neighbour") as users:
        swapped = deploy(room, one=small("one", "two", ports=3103), two=small("two", "one", ports=3101))
        assert swapped.status == 0, swapped.text
        assert (title("two"), title("one")) == ("one", "two")
        for number in range(2):  # each may release again at once, whoever's standby has its port
            for name, domain, ports in (("one", "two", 3103), ("two", "one", 3101)):
                manifest = small(name, domain, ports=ports)
                manifest["environment"]["variables"]["AGAIN"] = str(number)
                again = deploy(room, **{name: manifest})
                assert again.status == 0, again.text
    users.assert_none_failed()
    assert room.up().changes == {}
    back = room.codeb("rollback", "two")
    assert back.returncode == 0, back.stderr


@pytest.mark.slow
def test_three_projects_pass_their_domains_on_in_a_ring(room: Stack) -> None:
    names = ("one", "two", "three")
    assert deploy(room, **{name: small(name) for name in names}).status == 0
    with Users(*names) as users:
        turned = deploy(room, one=small("one", "two"), two=small("two", "three"), three=small("three", "one"))
        assert turned.status == 0, turned.text
    users.assert_none_failed()
    assert [title(name) for name in ("two", "three", "one")] == ["one", "two", "three"]
    assert room.up().changes == {}


@pytest.mark.slow
def test_a_renamed_project_keeps_its_domain_and_ports_without_a_gap(room: Stack) -> None:
    assert deploy(room, before=small("before", "kept", ports=3101)).status == 0
    room.remove("before")
    with Users("kept") as users:
        renamed = deploy(room, after=small("after", "kept", ports=3101))
        assert renamed.status == 0, renamed.text
        assert title("kept") == "after"
    users.assert_none_failed()
    assert b"codeb-before-" not in room.on_host("podman", "ps", "--format", "{{.Names}}").stdout


@pytest.mark.slow
def test_a_domain_that_moves_on_is_answered_until_its_new_owner_is_there(room: Stack) -> None:
    assert deploy(room, one=small("one"), two=small("two")).status == 0
    spoilt = small("two", "one")
    spoilt["environment"]["image"] = IMAGE.replace("1.0.0", "no-such-tag")
    with Users("one", "two") as users:
        failed = deploy(room, one=small("one", "elsewhere"), two=spoilt)
        assert failed.status == 1
        assert [title(name) for name in ("elsewhere", "one", "two")] == ["one", "one", "two"]
    users.assert_none_failed()
    with Users("one") as users:
        moved = deploy(room, two=small("two", "one"))
        assert moved.status == 0, moved.text
    users.assert_none_failed()
    assert title("one") == "two"
    assert not answers("two")
