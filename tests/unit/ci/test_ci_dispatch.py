"""`codeb ci dispatch`: what an app's pipeline tells the platform is what the platform takes."""

from __future__ import annotations

from typing import Any

import pytest

from ops.ci import dispatch, payload
from ops.ci.context import CiError, Workflow
from tests.unit.ci.ci_world import COMMIT, IMAGE, Place


@pytest.fixture
def app(place: Place) -> Place:
    place.environ |= {"IMAGE": IMAGE, "PLATFORM_TOKEN": "the-platform-token"}
    return place


def taken(place: Place) -> Workflow:
    """The run that the platform gets of what was sent last."""
    _, sent = place.hub.dispatched[-1]
    event = {"action": sent["event_type"], "client_payload": sent["client_payload"]}
    return Workflow("leo/platform", 1, 1, COMMIT, "repository_dispatch", event, "t")


def test_a_release_is_sent_as_the_platform_reads_it(app: Place) -> None:
    assert dispatch.release("shop", "leo/central", app.world).ok
    assert app.hub.dispatched[0][0] == "leo/central"
    assert app.hub.tokens == {"the-platform-token"}
    source = payload.Source("leo/platform", COMMIT, "https://github.com/leo/platform/actions/runs/42")
    assert payload.read_release(taken(app)) == payload.Release("shop", IMAGE, source)


@pytest.mark.parametrize("action", ["opened", "synchronize", "reopened"])
def test_a_pull_request_s_image_is_sent(app: Place, action: str) -> None:
    app.pull_request()
    app.event["action"] = action
    assert dispatch.preview("shop", "leo/central", app.world).ok
    found = payload.read_preview(taken(app))
    assert found is not None
    assert (found.action, found.pull, found.image, found.source.commit) == ("open", 12, IMAGE, COMMIT)


def test_a_closed_pull_request_needs_no_image(app: Place) -> None:
    app.pull_request()
    app.event["action"] = "closed"
    del app.environ["IMAGE"]
    assert dispatch.preview("shop", "leo/central", app.world).ok
    found = payload.read_preview(taken(app))
    assert found is not None
    assert (found.action, found.image) == ("close", "")


def test_a_fork_tells_nothing_and_ends_well(app: Place) -> None:
    app.pull_request("eve/shop")
    result = dispatch.preview("shop", "leo/central", app.world)
    assert (result.ok, result.document["sent"], app.hub.dispatched) == (True, False, [])


@pytest.mark.parametrize("image", ["", "ghcr.io/leo/shop:latest", "x y", f"{IMAGE}\n"])
def test_what_is_no_digest_is_not_sent(app: Place, image: str) -> None:
    app.environ["IMAGE"] = image
    with pytest.raises(CiError, match=r"^IMAGE: "):
        dispatch.release("shop", "leo/central", app.world)
    assert app.hub.dispatched == []


def test_a_token_that_is_not_set_is_named_with_what_it_needs(app: Place) -> None:
    del app.environ["PLATFORM_TOKEN"]
    with pytest.raises(CiError, match="Contents: write on leo/central"):
        dispatch.release("shop", "leo/central", app.world)


@pytest.mark.parametrize(
    "platform", ["central", "leo/central/x", "leo/..", "https://github.com/leo/central", "leo/central?x", ""]
)
def test_a_platform_is_owner_and_name(app: Place, platform: str) -> None:
    with pytest.raises(CiError, match=r"^repository: "):
        dispatch.release("shop", platform, app.world)
    assert app.hub.dispatched == []


def test_a_push_is_no_pull_request(app: Place) -> None:
    with pytest.raises(CiError, match="not of a pull request"):
        dispatch.preview("shop", "leo/central", app.world)


@pytest.mark.parametrize("number", [None, "12", 0, [12]])
def test_a_pull_request_without_number_is_refused(app: Place, number: Any) -> None:
    app.pull_request(number=number)
    with pytest.raises(CiError, match=r"^pull: "):
        dispatch.preview("shop", "leo/central", app.world)
