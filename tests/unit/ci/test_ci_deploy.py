"""`codeb ci deploy`: what was asked for, and nothing that nobody has approved; then proof that it answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ops.ci.context import CiError
from ops.ci.deploy import Asked, deploy
from ops.ci.health import TRIES
from ops.ci.plan import Asked as PlanAsked
from ops.ci.plan import plan
from ops.ci.planned import VARIABLE as PLANNED
from ops.request import VARIABLE, request_text
from ops.runs import Ended, Said, Step, StepFailed
from tests.unit.ci.ci_world import (
    HOSTILE,
    IMAGE,
    OTHER_IMAGE,
    RUN_URL,
    STEP,
    TOLD,
    Place,
    stack_outputs,
)

RUN = "https://github.com/leo/platform/actions/runs/42"


def planned(place: Place, **more: Any) -> str:
    """A plan by a job before this one; its outputs are this one's environment."""
    assert plan(PlanAsked("prod", **more), place.world).ok
    outputs = place.step_outputs
    place.environ |= {VARIABLE: outputs["request"], PLANNED: outputs["planned"]}
    place.pulumi.runs.clear()
    return outputs["plan"]


def refused(place: Place, result: Any, phase: str, words: str) -> None:
    assert (result.ok, result.document["phase"]) == (False, phase)
    assert words in " ".join(result.problems)
    assert "up" not in place.pulumi.runs
    (text,) = place.hub.slack
    assert text.startswith(f":x: not deployed to {result.document['stack']}: failed in {phase}")
    assert RUN in text


def test_a_push_deploys_what_the_manifests_say(place: Place) -> None:
    result = deploy(Asked("dev"), place.world)
    assert result.ok
    assert (place.pulumi.runs, place.pulumi.requests) == (["up"], [None])
    assert place.notes[0][0] == "dev"
    assert place.notes[0][1].by == "leo via github"
    assert place.notes[0][1].what.startswith("run 42 of leo/platform, commit 0123456789")


def test_an_app_s_event_deploys_its_image(place: Place) -> None:
    place.dispatched("codeb-release")
    result = deploy(Asked("dev"), place.world)
    assert result.ok
    assert place.pulumi.requests == [json.loads(request_text({"shop": IMAGE}, {}, []))]
    (text,) = place.hub.slack
    assert text.startswith(":white_check_mark: deployed to dev: 1 resource changed")
    assert f"asked for by leo/shop: {RUN_URL}" in text
    assert RUN in text
    assert "3 successes in a row" in place.summary


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"project": "blog"}, "no manifest has the id blog"),
        ({"image": IMAGE.replace("shop", "evil")}, "is not of ghcr.io/leo/shop"),
        ({"repository": "eve/shop"}, "eve/shop is not leo/shop"),
        ({"image": "$(reboot)"}, "is not an image by its digest"),
        ({"stack": "prod"}, "unknown key"),
    ],
)
def test_an_event_that_asks_for_something_else_deploys_nothing(place: Place, change: Any, words: str) -> None:
    place.dispatched("codeb-release", **change)
    refused(place, deploy(Asked("dev"), place.world), "request", words)
    assert place.notes == []


def test_an_event_beside_a_request_is_refused(place: Place) -> None:
    place.dispatched("codeb-release")
    place.environ[VARIABLE] = request_text({"shop": OTHER_IMAGE}, {}, [])
    refused(place, deploy(Asked("dev"), place.world), "request", "take one")


def test_a_plan_is_deployed_when_it_still_holds(place: Place) -> None:
    place.outputs["dev"] = stack_outputs("shop", images={"shop": {"image": IMAGE, "instead_of": "x"}})
    name = planned(place, source="dev")
    result = deploy(Asked("prod", plan=name), place.world)
    assert result.ok
    assert place.pulumi.runs == ["preview", "up"]
    assert [request["images"] for request in place.pulumi.requests] == [{"shop": IMAGE}] * 3


def _other_steps(place: Place) -> None:
    place.pulumi.events = (STEP, Step("shop-database", "delete", "t"))


def _another_file(place: Place) -> None:
    place.write("blog")


def _another_image(place: Place) -> None:
    place.environ[VARIABLE] = request_text({"shop": OTHER_IMAGE}, {}, [])


def _another_deployment(place: Place) -> None:
    """What it brought would be put back by the very steps of the plan."""
    entry = {"id": "shop", "domain": "shop.lab.test", "status": "running", "image": OTHER_IMAGE}
    place.outputs["prod"]["registry"]["projects"]["shop"] = entry


def _no_request(place: Place) -> None:
    place.environ[VARIABLE] = ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_other_steps, "not in the plan, but now:   delete shop-database"),
        (_another_file, "manifests, settings or program are not those of the plan"),
        (_another_image, "the request (images, previews) is not that of the plan"),
        (_another_deployment, "the stack is not as it was when the plan was made"),
        (_no_request, "the request (images, previews) is not that of the plan"),
    ],
)
def test_a_plan_that_does_not_hold_any_more_deploys_nothing(
    place: Place, change: Callable[[Place], None], words: str
) -> None:
    place.outputs["dev"] = stack_outputs("shop", images={"shop": {"image": IMAGE, "instead_of": "x"}})
    name = planned(place, source="dev")
    change(place)
    refused(place, deploy(Asked("prod", plan=name), place.world), "plan", words)


def test_a_plan_that_can_t_be_previewed_any_more_deploys_nothing(place: Place) -> None:
    name = planned(place)
    place.pulumi.events, place.pulumi.ended["preview"] = (Said("error", "no"),), Ended(False)
    refused(place, deploy(Asked("prod", plan=name), place.world), "preview", "error: no")


def test_files_that_change_as_the_update_begins_end_it(place: Place) -> None:
    name = planned(place)
    place.pulumi.before = lambda verb: place.write("blog") if verb == "up" else None
    result = deploy(Asked("prod", plan=name), place.world)
    assert (result.ok, result.document["phase"]) == (False, "update")
    assert any("the files changed while the update began" in line for line in result.problems)


@pytest.mark.parametrize(
    "reviews",
    [
        [],
        [{"environment": "staging"}],
        [{"environment": "Production"}],
        [{"state": "rejected"}],
        [{"state": "pending"}],
        [{"login": ""}],
        [{"login": "ann\nroot"}],
    ],
)
def test_nothing_is_deployed_that_no_person_approved(place: Place, reviews: list[dict[str, str]]) -> None:
    for review in reviews:
        place.approve(**review)
    result = deploy(Asked("prod", environment="production"), place.world)
    refused(place, result, "approval", "nobody has approved this run")
    assert "Required reviewers" in result.problems[0]
    assert place.pulumi.runs == []


@pytest.mark.parametrize(
    "answer", [7, {}, {"message": "x"}, [None], ["x"], [{"state": "approved"}], [{"environments": 7}]]
)
def test_an_answer_of_another_shape_is_no_approval(place: Place, answer: Any) -> None:
    place.hub.approvals = answer
    refused(
        place, deploy(Asked("prod", environment="production"), place.world), "approval", "nobody has approved"
    )


def test_github_that_can_t_be_asked_is_no_approval(place: Place) -> None:
    place.hub.refuses["/repos/leo/platform/actions"] = 404
    refused(place, deploy(Asked("prod", environment="production"), place.world), "approval", "answered 404")


def test_who_approved_is_in_the_servers_audit_logs(place: Place) -> None:
    place.approve("staging", "bob")
    place.approve("production", "ann")
    name = planned(place)
    result = deploy(Asked("prod", plan=name, environment="production"), place.world)
    assert result.ok
    assert result.document["by"] == "ann via github, environment production"
    assert [act.by for _, act in place.notes] == ["ann via github, environment production"]


def test_what_changed_is_asked_three_times_from_outside(place: Place) -> None:
    place.write("blog")
    place.outputs["dev"] = stack_outputs("shop", "blog")
    assert deploy(Asked("dev"), place.world).ok
    assert {(t.project, t.domain, t.path, t.address) for t in place.visited} == {
        ("shop", "shop.lab.test", "/api/health", "10.77.0.2")
    }
    assert len(place.visited) == 3


def test_successes_are_in_a_row(place: Place) -> None:
    answers = iter([200, 200, 503, "refused", 200, 200, 200])
    place.answers = lambda _: next(answers)
    assert deploy(Asked("dev"), place.world).ok
    assert list(answers) == []


@pytest.mark.parametrize("answer", [503, 302, 404, 401, 403, "no answer within 5 s"])
def test_an_app_that_does_not_answer_well_fails_after_so_many_tries(place: Place, answer: Any) -> None:
    place.answers = lambda _: answer
    result = deploy(Asked("dev"), place.world)
    assert (result.ok, result.document["phase"]) == (False, "health")
    assert len(place.visited) == TRIES
    assert str(answer) in result.problems[0]
    (text,) = place.hub.slack
    assert text.startswith(":x: deployed to dev, but it does not answer as it should: failed in health")


@pytest.mark.parametrize("answer", [200, 401, 403])
def test_a_protected_app_that_asks_who_is_there_is_up(place: Place, answer: int) -> None:
    place.write("shop", features={"protect": {"users": {"ann": "$2b$10$" + "a" * 53}}})
    place.answers = lambda _: answer
    assert deploy(Asked("dev"), place.world).ok


def test_an_app_in_maintenance_is_said_and_not_asked(place: Place) -> None:
    place.outputs["dev"]["registry"]["projects"]["shop"]["maintenance"] = True
    result = deploy(Asked("dev"), place.world)
    assert result.ok
    assert place.visited == []
    assert any("shop: in maintenance" in line for line in result.lines)


def test_a_stack_without_an_edge_is_not_taken_for_healthy(place: Place) -> None:
    place.outputs["dev"]["servers"] = {}
    result = deploy(Asked("dev"), place.world)
    assert (result.ok, result.document["phase"]) == (False, "health")
    assert "no server with the role edge" in result.problems[0]


def test_an_update_that_fails_is_told_with_its_cause(place: Place) -> None:
    failure = Said("error", "health: answered 503 <!channel>\nput back: everything", "shop-release-codeb1")
    place.pulumi.events = (*TOLD, failure, StepFailed(STEP))
    place.pulumi.ended["up"] = Ended(False)
    result = deploy(Asked("dev"), place.world)
    assert (result.ok, result.document["phase"]) == (False, "update")
    assert place.visited == []
    (text,) = place.hub.slack
    assert "failed in update" in text
    assert "shop-release-codeb1: health: answered 503 &lt;!channel&gt;" in text
    assert "answered 503" in place.summary


def test_a_run_that_is_cancelled_ends_pulumi_in_order_and_says_so(place: Place) -> None:
    place.pulumi.waits = True
    place.pulumi.before = lambda _: place.run.end()
    result = deploy(Asked("dev"), place.world)
    assert (result.ok, result.document["phase"]) == (False, "update")
    assert "state written, no lock left" in result.problems[0]


def test_a_run_that_is_cancelled_before_the_update_does_nothing(place: Place) -> None:
    place.run.end()
    refused(place, deploy(Asked("dev"), place.world), "update", "nothing was done")


def test_a_deployment_that_was_cut_is_finished_by_the_same_request(place: Place) -> None:
    """The second attempt finds nothing to change, and still asks what the first one did not get to ask."""
    place.dispatched("codeb-release")
    place.pulumi.events = ()
    result = deploy(Asked("dev"), place.world)
    assert result.ok
    assert [target.project for target in place.visited] == ["shop"] * 3
    assert place.hub.slack == [], "nothing changed"


def test_hostile_lines_are_data_everywhere(place: Place) -> None:
    place.pulumi.events = (STEP, Said("info", HOSTILE))
    assert deploy(Asked("dev"), place.world).ok
    assert [line for line in place.summary.split("\n") if "evil.test" in line] == [HOSTILE]
    assert "<img" not in place.hub.slack[0]


@pytest.mark.parametrize(
    "name", ["", "x", "0" * 24, f"{'0' * 20}-{'0' * 20}", f"{'0' * 20}-{'0' * 20}-{'0' * 19}G"]
)
def test_what_is_no_plan_is_refused(place: Place, name: str) -> None:
    if name:
        refused(place, deploy(Asked("prod", plan=name), place.world), "plan", "no plan id")


def test_manifests_with_errors_deploy_nothing(place: Place) -> None:
    (place.folder / "manifests" / "shop.yaml").write_text("project: {id: shop}\n")
    refused(place, deploy(Asked("dev"), place.world), "request", "environment")


def test_a_world_without_pulumi_deploys_nothing(place: Place) -> None:
    def nothing(verb: str) -> None:
        raise CiError("the pulumi CLI is not on the PATH")

    place.pulumi.before = nothing
    result = deploy(Asked("dev"), place.world)
    assert (result.ok, result.document["phase"]) == (False, "update")


def test_a_page_that_can_t_be_written_undoes_nothing(place: Place) -> None:
    world = place.world
    full = replace(world, workflow=replace(world.workflow, summary_file=place.folder))
    assert deploy(Asked("dev"), full).ok
    assert len(place.hub.slack) == 1


def test_an_output_that_can_t_be_written_is_said(place: Place) -> None:
    world = place.world
    with pytest.raises(CiError, match=r"GITHUB_OUTPUT: .* can't be written"):
        plan(PlanAsked("dev"), replace(world, workflow=replace(world.workflow, output_file=place.folder)))
