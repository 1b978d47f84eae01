"""`codeb ci plan`: what people see, what the job that deploys gets, and what a fork may not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ops.ci.context import CiError
from ops.ci.plan import Asked, plan
from ops.ci.planned import differences, planned, read_id, steps_text
from ops.plans import Plan
from ops.request import VARIABLE, request_text
from ops.runs import Ended, Said, Step
from tests.unit.ci.ci_world import HOOK, HOSTILE, IMAGE, OTHER_IMAGE, STEP, Place, stack_outputs

MARK = "<!-- codeb:plan:dev -->"
PERSON = {"login": "eve", "type": "User"}


def test_a_plan_is_told_on_the_run_s_page_and_as_step_outputs(place: Place) -> None:
    result = plan(Asked("dev"), place.world)
    assert result.ok
    outputs = place.step_outputs
    assert read_id(outputs["plan"]).id == outputs["plan"]
    assert (outputs["request"], outputs["changes"]) == ("", "true")
    assert json.loads(outputs["planned"]) == [["shop-release-codeb1", "update", "command:remote:Command"]]
    assert "shop: image 1 → 2, restarts; no request fails" in place.summary
    assert "+$80.00 a month: app-3" in place.summary
    assert place.pulumi.runs == ["preview"]


def test_a_plan_has_the_same_name_in_another_folder(place: Place, tmp_path: Any) -> None:
    first = plan(Asked("dev"), place.world).document["plan"]
    place.folder = place.folder.rename(tmp_path / "elsewhere")
    assert plan(Asked("dev"), place.world).document["plan"] == first


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("files", "manifests, settings or program"),
        ("request", "the request (images, previews)"),
        ("steps", "  delete shop-database"),
    ],
)
def test_a_plan_has_another_name_when_anything_differs(place: Place, change: str, words: str) -> None:
    before = read_id(str(plan(Asked("dev"), place.world).document["plan"]))
    if change == "files":
        place.write("blog")
    elif change == "request":
        place.environ[VARIABLE] = request_text({"shop": IMAGE}, {}, [])
    else:
        place.pulumi.events = (STEP, Step("shop-database", "delete", "t"))
    now = read_id(str(plan(Asked("dev"), place.world).document["plan"]))
    assert now != before
    steps = [event for event in place.pulumi.events if isinstance(event, Step)]
    said = differences(before, now, steps, steps_text([STEP]))
    assert words in said[-1]
    assert len(said) == (2 if change == "steps" else 1), "what is the same is not said to differ"


def test_steps_that_are_not_the_plan_s_are_not_believed() -> None:
    made = Plan("dev", "/x", "tree", (STEP,))
    now = planned(replace(made, steps=(STEP, Step("b", "create", "t"))), "tree", "", {})
    for forged in ("", "[]", "x", "[[1]]", '[["b", "create", "t"]]', "[[" * 10_000):
        said = differences(planned(made, "tree", "", {}), now, (STEP, Step("b", "create", "t")), forged)
        assert said == ["an update would now:", "  create b", "  update shop-release-codeb1"]


def test_many_differences_are_bounded() -> None:
    made = Plan("dev", "/x", "tree", ())
    steps = tuple(Step(f"r{number}", "create", "t") for number in range(5000))
    said = differences(
        planned(made, "tree", "", {}), planned(replace(made, steps=steps), "tree", "", {}), steps, "[]"
    )
    assert len(said) == 32
    assert said[-1] == "  … 4970 more"
    assert steps_text(steps) == "", "an environment variable has no room for it"


def test_what_another_stack_was_asked_to_run_is_taken_over(place: Place) -> None:
    place.write("blog")
    pins = {
        "shop": {"image": IMAGE, "instead_of": "ghcr.io/leo/shop:main"},
        "blog": {"image": OTHER_IMAGE, "instead_of": "x"},
        "gone": {"image": IMAGE, "instead_of": "x"},
    }
    place.outputs["dev"] = stack_outputs("shop", images=pins)
    result = plan(Asked("prod", source="dev"), place.world)
    request = json.loads(place.step_outputs["request"])
    assert request == {"version": 1, "images": {"shop": IMAGE}, "previews": {"open": {}, "close": []}}
    assert place.pulumi.requests == [request]
    assert VARIABLE not in place.world.environ
    assert "gone: stack dev runs it; this stack has no manifest for it" in result.lines
    assert any(line.startswith("blog: stack dev runs ghcr.io/leo/shop@") for line in result.lines)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"status": "running", "image": OTHER_IMAGE}, f"but serves {OTHER_IMAGE}: not proven there"),
        ({"status": "planned", "image": IMAGE}, "but serves nothing yet: not proven there"),
    ],
)
def test_what_another_stack_does_not_serve_yet_is_left_out(place: Place, entry: Any, words: str) -> None:
    """Its update is under way, was cut, or has failed: its registry has the image all the same."""
    place.outputs["dev"] = stack_outputs("shop", images={"shop": {"image": IMAGE, "instead_of": "x"}})
    place.outputs["dev"]["registry"]["projects"]["shop"] |= entry
    result = plan(Asked("prod", source="dev"), place.world)
    assert place.step_outputs["request"] == ""
    assert words in result.lines[0]
    entry |= {"status": "running", "image": IMAGE}
    place.outputs["dev"]["registry"]["projects"]["shop"] |= entry
    assert plan(Asked("prod", source="dev"), place.world).document["request"]["images"] == {"shop": IMAGE}  # type: ignore[index]


def test_a_stack_without_pins_gives_no_request(place: Place) -> None:
    assert plan(Asked("prod", source="dev"), place.world).ok
    assert place.step_outputs["request"] == ""
    assert place.pulumi.requests == [None]


@pytest.mark.parametrize("pin", ["x", {}, {"image": "ghcr.io/leo/shop:main"}, {"image": HOSTILE}])
def test_a_registry_with_something_else_is_refused(place: Place, pin: Any) -> None:
    place.outputs["dev"] = stack_outputs("shop", images={"shop": pin})
    with pytest.raises(CiError, match=r"^image: "):
        plan(Asked("prod", source="dev"), place.world)


def test_two_requests_at_once_are_refused(place: Place) -> None:
    place.environ[VARIABLE] = request_text({"shop": IMAGE}, {}, [])
    with pytest.raises(CiError, match="take one"):
        plan(Asked("prod", source="dev"), place.world)


@pytest.mark.parametrize("text", ["x", "[]", "7", "[[" * 10_000, "[[" * 40_000])
def test_what_is_no_request_is_refused(place: Place, text: str) -> None:
    place.environ[VARIABLE] = text
    with pytest.raises(CiError, match=VARIABLE):
        plan(Asked("dev"), place.world)


def test_a_pull_request_has_one_comment_that_is_kept_up_to_date(place: Place) -> None:
    place.pull_request()
    assert plan(Asked("dev", comment=True), place.world).ok
    assert plan(Asked("prod", comment=True), place.world).ok
    place.pulumi.events = (Step("shop-bucket", "create", "t"),)
    assert plan(Asked("dev", comment=True), place.world).ok
    first, other = place.hub.comments["leo/platform#12"]
    assert first["body"].startswith(MARK)
    assert "shop-bucket" in first["body"]
    assert "shop-release-codeb1" not in first["body"]
    assert other["body"].startswith("<!-- codeb:plan:prod -->")


@pytest.mark.parametrize("body", [f"{MARK}\nmine", f"quoted:\n{MARK}", f"> {MARK}"])
def test_a_person_s_comment_with_the_marker_is_left_alone(place: Place, body: str) -> None:
    place.pull_request()
    place.hub.comments["leo/platform#12"] = [{"id": 1, "user": PERSON, "body": body}]
    assert plan(Asked("dev", comment=True), place.world).ok
    theirs, ours = place.hub.comments["leo/platform#12"]
    assert theirs["body"] == body
    assert ours["body"].startswith(MARK)


def test_a_comment_of_whom_the_token_is_of_is_ours(place: Place) -> None:
    place.pull_request()
    place.hub.user = "eve"
    place.hub.comments["leo/platform#12"] = [{"id": 1, "user": PERSON, "body": f"{MARK}\nold"}]
    assert plan(Asked("dev", comment=True), place.world).ok
    (ours,) = place.hub.comments["leo/platform#12"]
    assert "old" not in ours["body"]


def test_a_comment_that_can_t_be_put_is_a_warning(place: Place) -> None:
    place.pull_request()
    place.hub.refuses["/repos/leo/platform/issues"] = 403
    result = plan(Asked("dev", comment=True), place.world)
    assert result.ok
    assert any("no comment: GitHub answered 403" in line for line in result.problems)


@pytest.mark.parametrize("head", ["eve/platform", "", "leo/platform2"])
def test_a_fork_s_code_is_not_previewed(place: Place, head: str) -> None:
    place.pull_request(head)
    result = plan(Asked("dev", comment=True, slack=True), place.world)
    assert result.ok
    assert place.pulumi.runs == []
    assert place.hub.comments == {}
    assert place.hub.slack == []
    assert "comes from a fork" in place.summary
    assert place.step_outputs == {"plan": "", "request": "", "planned": "[]", "changes": "false"}


def test_a_fork_s_code_is_not_previewed_where_it_has_secrets_either(place: Place) -> None:
    place.pull_request("eve/platform")
    place.event_name = "pull_request_target"
    assert plan(Asked("dev"), place.world).ok
    assert place.pulumi.runs == []


def test_dependabot_has_no_secrets(place: Place) -> None:
    place.pull_request()
    place.actor = "dependabot[bot]"
    assert plan(Asked("dev"), place.world).ok
    assert place.pulumi.runs == []


def test_a_preview_that_fails_is_told_and_gives_no_plan(place: Place) -> None:
    place.pull_request()
    place.pulumi.events = (Said("error", "manifests/shop.yaml:3:5: environment.image: is wrong"),)
    place.pulumi.ended["preview"] = Ended(False)
    result = plan(Asked("dev", comment=True), place.world)
    assert not result.ok
    (comment,) = place.hub.comments["leo/platform#12"]
    assert "environment.image: is wrong" in comment["body"]
    assert not (place.folder.parent / "output").exists()


def test_hostile_lines_are_code_in_the_comment(place: Place) -> None:
    place.pull_request()
    place.pulumi.events = (Step(HOSTILE, "update", "t"), Said("info", HOSTILE), Said("warning", HOSTILE))
    assert plan(Asked("dev", comment=True), place.world).ok
    (comment,) = place.hub.comments["leo/platform#12"]
    lines = comment["body"].split("\n")
    assert [line for line in lines if "evil.test" in line] == [HOSTILE, HOSTILE, f"{'update':<18} {HOSTILE}"]
    assert lines.count("`````text") == 3


def test_slack_is_told_that_an_approval_is_wanted(place: Place) -> None:
    place.pulumi.events = (*place.pulumi.events, Said("info", "<!channel> & <https://evil.test>"))
    assert plan(Asked("prod", slack=True), place.world).ok
    (text,) = place.hub.slack
    assert text.startswith(":raised_hand: approval wanted: prod, 1 resource would change")
    assert "https://github.com/leo/platform/actions/runs/42" in text
    assert "<" not in text


def test_slack_is_not_told_of_nothing(place: Place) -> None:
    place.pulumi.events = ()
    assert plan(Asked("prod", slack=True), place.world).ok
    assert place.hub.slack == []
    assert place.step_outputs["changes"] == "false"


def test_a_webhook_in_trouble_is_a_warning_without_its_address(place: Place) -> None:
    place.hub.slack_status = 500
    result = plan(Asked("prod", slack=True), place.world)
    assert result.ok
    assert any("answered 500" in line for line in result.problems)
    assert HOOK not in repr(result)
    assert HOOK not in repr(place.world)
    assert "the-token" not in repr(place.world)
