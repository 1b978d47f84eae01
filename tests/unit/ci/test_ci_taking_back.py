"""What a deployment asked for and could not bring about: it is taken back, and nothing else is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ops.ci.deploy import Asked, deploy
from ops.request import VARIABLE, request_text
from ops.runs import Ended, Step, StepFailed
from tests.unit.ci.ci_world import IMAGE, OTHER_IMAGE, REPOSITORY, Place, stack_outputs


def _fails(place: Place, *resources: str) -> None:
    """The first update fails at these resources, what comes after it goes well."""
    steps = [Step(each, "update", "command:remote:Command") for each in resources]
    place.pulumi.by_verb["up"] = (*steps, *(StepFailed(step) for step in steps))
    place.pulumi.ended["up"] = Ended(False)

    def mended(verb: str) -> None:
        if verb == "up" and place.pulumi.runs.count("up") == 2:
            place.pulumi.by_verb["up"], place.pulumi.ended["up"] = (), Ended(True)

    place.pulumi.before = mended


PIN = {"image": OTHER_IMAGE, "instead_of": f"{REPOSITORY}:main"}


@pytest.mark.parametrize(
    ("images", "back"),
    [
        ({}, request_text({}, {}, [], ["shop"])),
        ({"shop": PIN}, request_text({"shop": OTHER_IMAGE}, {}, [])),
        ({"shop": PIN | {"instead_of": f"{REPOSITORY}:v1"}}, request_text({}, {}, [], ["shop"])),
    ],
    ids=["nothing was deployed", "another image was deployed", "an edit of the manifest had ended it"],
)
def test_an_image_that_does_not_start_is_not_asked_for_any_longer(
    place: Place, images: Any, back: str
) -> None:
    """Else every later run would fail, those of other apps too."""
    place.outputs["dev"] = stack_outputs("shop", images=images)
    place.dispatched("codeb-release")
    _fails(place, "shop-release-codeb1")
    result = deploy(Asked("dev"), place.world)
    assert (result.ok, result.document["phase"]) == (False, "update")
    assert place.pulumi.requests == [json.loads(request_text({"shop": IMAGE}, {}, [])), json.loads(back)]
    assert "shop: its image is taken back" in result.problems[-1]
    assert "shop: its image is taken back" in place.hub.slack[0]


def _cut(place: Place, serves: str, status: str = "running") -> None:
    """An earlier job has asked for IMAGE, and was cut before anybody took it back."""
    place.outputs["dev"] = stack_outputs(
        "shop", images={"shop": {"image": IMAGE, "instead_of": f"{REPOSITORY}:main"}}
    )
    place.outputs["dev"]["registry"]["projects"]["shop"] |= {"status": status, "image": serves}
    _fails(place, "shop-release-codeb1")


UNPINNED = request_text({}, {}, [], ["shop"])


@pytest.mark.parametrize("event", ["push", "the same again"])
@pytest.mark.parametrize(
    ("serves", "status", "back"),
    [
        (OTHER_IMAGE, "running", request_text({"shop": OTHER_IMAGE}, {}, [])),
        (f"{REPOSITORY}:main", "running", UNPINNED),
        (OTHER_IMAGE.replace("shop", "evil"), "running", UNPINNED),
        (IMAGE, "planned", UNPINNED),
    ],
    ids=["a deployed image", "the manifest's", "one that the manifest does not name", "nothing"],
)
def test_what_a_cut_job_has_left_is_taken_back_by_the_next_one(
    place: Place, serves: str, status: str, back: str, event: str
) -> None:
    if event != "push":
        place.dispatched("codeb-release")
    _cut(place, serves, status)
    assert not deploy(Asked("dev"), place.world).ok
    assert place.pulumi.requests[1:] == [json.loads(back)]


@pytest.mark.parametrize("event", ["push", "the same again"])
def test_an_image_that_serves_is_not_taken_back(place: Place, event: str) -> None:
    """Something else has failed, such as a variable of its manifest."""
    if event != "push":
        place.dispatched("codeb-release")
    _cut(place, IMAGE)
    assert not deploy(Asked("dev"), place.world).ok
    assert place.pulumi.runs == ["up"]


def test_a_project_whose_name_begins_like_another_s_takes_nothing_back(place: Place) -> None:
    place.write("shop-release")
    place.dispatched("codeb-release")
    _fails(place, "shop-release-release-codeb1")
    assert not deploy(Asked("dev"), place.world).ok
    assert place.pulumi.runs == ["up"]


@pytest.mark.parametrize("resource", ["blog-release-codeb1", "shop-two-release-codeb1", "codeb1-bundle"])
def test_what_fails_beside_it_takes_no_image_back(place: Place, resource: str) -> None:
    place.dispatched("codeb-release")
    _fails(place, resource)
    assert not deploy(Asked("dev"), place.world).ok
    assert place.pulumi.runs == ["up"]


def test_an_image_that_can_t_be_taken_back_is_said(place: Place) -> None:
    place.dispatched("codeb-release")
    _fails(place, "shop-release-codeb1")
    place.pulumi.before = lambda _: None
    result = deploy(Asked("dev"), place.world)
    assert place.pulumi.runs == ["up", "up"]
    assert result.problems[-1] == "error: what failed could not be taken back: later runs try it again"


@pytest.mark.parametrize("close", ["5", "[{}]", "null"])
def test_a_request_of_another_shape_takes_nothing_back(place: Place, close: str) -> None:
    place.environ[VARIABLE] = f'{{"images": 1, "previews": {{"close": {close}}}}}'
    _fails(place, "shop-release-codeb1")
    assert not deploy(Asked("dev"), place.world).ok
    assert place.pulumi.runs == ["up"]
