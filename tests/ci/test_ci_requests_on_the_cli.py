"""What apps ask for by events, on the real Pulumi CLI: an image is kept; a preview environment comes, and is swept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.bench.null import BROKEN
from lab.bench.programs import manifests_program
from lab.bench.stacks import Bench
from lab.host.paths import Folders
from lab.host.progress import Progress
from lab.pulumi.cli import cli
from ops.ci import asking, environments, payload
from ops.ci.context import CiError
from ops.ci.deploy import Asked, deploy
from ops.ci.plan import Asked as PlanAsked
from ops.ci.plan import plan
from ops.ci.planned import VARIABLE as PLANNED
from ops.ci.world import World
from ops.preview import runner
from ops.pulumi import outputs
from ops.request import VARIABLE, request_text
from ops.request import asking as requested
from ops.runs import Run
from tests.unit.ci.ci_world import Place

pytestmark = pytest.mark.cli
IMAGE = "registry.bench.test/app@sha256:" + "a" * 64
OTHER = "registry.bench.test/app@sha256:" + "b" * 64
NAME = "app-0001-pr-5"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A stack with two projects, deployed."""
    program = manifests_program(tmp_path / "program", 2)
    file = program.folder / "Pulumi.bench.yaml"
    settings = yaml.safe_load(file.read_text())
    settings["config"] |= {"codeb:development": "true", "codeb:previews": {"max": 1, "ttlHours": 2}}
    file.write_text(yaml.safe_dump(settings))
    bench = Bench.make(cli(Folders.here(), Progress(), ()), tmp_path / "bench", program)
    bench.up()
    return bench


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bench: Bench) -> Place:
    for name, value in bench.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "own"))
    return Place.make(tmp_path / "place")


def told(place: Place, event: str, **payload_: Any) -> None:
    place.dispatched(event, **{"project": "app-0001", "image": IMAGE, "repository": "leo/app", **payload_})


def world(place: Place, bench: Bench) -> World:
    folder = bench.program.folder
    return replace(
        place.world, folder=folder, runner=runner, run=Run(), outputs=lambda stack: outputs(folder, stack)
    )


def test_an_image_that_was_asked_for_stays_and_is_what_another_stack_takes_over(
    place: Place, bench: Bench
) -> None:
    told(place, payload.RELEASE)
    done = deploy(Asked("bench"), world(place, bench))
    assert done.ok, done.problems
    assert {target.project for target in place.visited} == {"app-0001"}
    registry = outputs(bench.program.folder, "bench")["registry"]
    assert registry["images"]["app-0001"]["image"] == IMAGE
    found = outputs(bench.program.folder, "bench")
    _, manifests = asking.read_stack(bench.program.folder, "bench")
    assert asking.of_pins(found, manifests, "bench") == (request_text({"app-0001": IMAGE}, {}, []), [])

    place.event_name = "push"
    place.environ[VARIABLE] = ""
    assert plan(PlanAsked("bench"), world(place, bench)).document["steps"] == 0, "nobody has to ask again"

    place.environ[VARIABLE] = request_text({"app-0001": OTHER}, {}, [])
    named = plan(PlanAsked("bench"), world(place, bench))
    assert named.document["steps"] == 1
    place.environ[PLANNED] = place.step_outputs["planned"]
    place.environ[VARIABLE] = place.environ[VARIABLE].replace(OTHER, IMAGE)
    refused = deploy(Asked("bench", str(named.document["plan"])), world(place, bench))
    assert refused.document["phase"] == "plan"
    assert refused.document["differences"][0].startswith("the request (images, previews)")


@pytest.mark.slow
def test_a_plan_is_old_when_another_image_was_deployed_since(place: Place, bench: Bench) -> None:
    """Its steps are the same by name, and would put the older image back."""
    place.environ[VARIABLE] = request_text({"app-0001": IMAGE}, {}, [])
    named = plan(PlanAsked("bench"), world(place, bench))
    old = (str(named.document["plan"]), place.step_outputs["planned"], place.environ[VARIABLE])
    place.environ[VARIABLE] = request_text({"app-0001": OTHER}, {}, [])
    assert deploy(Asked("bench"), world(place, bench)).ok
    place.environ |= {PLANNED: old[1], VARIABLE: old[2]}
    refused = deploy(Asked("bench", old[0]), world(place, bench))
    assert refused.document["differences"] == [
        "the stack is not as it was when the plan was made: another deployment came between"
    ]
    assert outputs(bench.program.folder, "bench")["registry"]["images"]["app-0001"]["image"] == OTHER


@pytest.mark.slow
def test_what_a_cut_job_has_left_is_taken_back_by_a_run_that_is_asked_for_nothing(
    place: Place, bench: Bench
) -> None:
    told(place, payload.RELEASE)
    assert deploy(Asked("bench"), world(place, bench)).ok
    with requested(request_text({"app-0001": IMAGE.partition("@")[0] + BROKEN}, {}, [])):
        assert not runner()(bench.program.folder, "bench", "up", lambda _: None, Run()).ok
    registry = outputs(bench.program.folder, "bench")["registry"]
    assert registry["images"]["app-0001"]["image"].endswith(BROKEN)
    assert registry["projects"]["app-0001"]["image"] == IMAGE, "it serves"

    place.event_name = "push"
    failed = deploy(Asked("bench"), world(place, bench))
    assert not failed.ok
    assert failed.problems[-1] == f"app-0001: its image is taken back, {IMAGE} is deployed as before"
    assert deploy(Asked("bench"), world(place, bench)).ok
    assert outputs(bench.program.folder, "bench")["registry"]["images"]["app-0001"]["image"] == IMAGE


def test_a_preview_environment_comes_is_swept_and_is_gone(place: Place, bench: Bench) -> None:
    told(place, payload.PREVIEW, action="open", pull=5)
    opened = environments.from_event("bench", world(place, bench))
    assert opened.ok, opened.problems
    assert opened.document["until"] == "2026-11-27T14:00:00Z"
    assert [target.project for target in place.visited] == [NAME] * 3
    (row,) = environments.listing("bench", world(place, bench)).document["environments"]  # type: ignore[misc]
    assert (row["environment"], row["pull"], row["over"]) == (NAME, 5, False)

    told(place, payload.PREVIEW, action="open", pull=6)
    refused = environments.from_event("bench", world(place, bench))
    assert (refused.ok, refused.document["phase"]) == (False, "update")
    assert any("codeb:previews.max" in line for line in refused.problems)

    assert environments.sweep("bench", world(place, bench)).document["closed"] == []
    place.now += timedelta(hours=2)
    assert environments.sweep("bench", world(place, bench)).document["closed"] == [NAME]
    assert environments.listing("bench", world(place, bench)).lines == ("none",)
    told(place, payload.PREVIEW, action="close", pull=5, image=None)
    assert environments.from_event("bench", world(place, bench)).document["closed"] == []
    told(place, payload.PREVIEW, action="open", pull=5, project="nobody")
    with pytest.raises(CiError, match="no manifest has the id nobody"):
        environments.from_event("bench", world(place, bench))
