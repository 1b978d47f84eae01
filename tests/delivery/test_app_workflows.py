"""The workflows for apps, run by act: what is tested, built, pushed and told, and of what nothing is."""

from __future__ import annotations

import json
from typing import Final

import pytest

from tests.delivery.world import APP, DIGEST, SCRIPTS, SECRETS, Call, World, finished, pull_request

NPM: Final = [f"npm {name}" for name in SCRIPTS]
NAME: Final = "registry.lab.test:5000/leo/shop"
PUSH: Final = {"repository": {"full_name": APP, "name": "shop", "default_branch": "main"}}


def built(world: World) -> list[Call]:
    """The builds of images."""
    return [call for call in world.calls() if call.line == "builder"]


def told(world: World) -> list[Call]:
    """What the platform was told."""
    return [call for call in world.calls() if call.words[:2] == ["ci", "dispatch"]]


def test_a_push_is_tested_built_and_told_to_the_platform(world: World) -> None:
    ended = world.run(APP, "build-test.yml", "push", PUSH)
    assert ended.well, ended.text()
    assert world.lines() == [*NPM, "builder", "ci dispatch release --project shop --platform leo/platform"]
    (release,) = told(world)
    assert release.environment["IMAGE"] == f"{NAME}@{DIGEST}"
    assert release.environment["PLATFORM_TOKEN"] == SECRETS["PLATFORM_TOKEN"]


def test_an_image_is_tagged_by_commit_branch_and_as_the_latest(world: World) -> None:
    world.run(APP, "build-test.yml", "push", PUSH)
    (build,) = built(world)
    assert build.environment["BUILD_TAGS"].split() == [
        f"{NAME}:sha-{world.head(APP)}",
        f"{NAME}:main",
        f"{NAME}:latest",
    ]
    assert build.environment["BUILD_PUSH"] == "true"
    assert build.environment["BUILD_SBOM"] == "true"
    assert build.environment["BUILD_PROVENANCE"] == "mode=max"
    assert build.commit == world.head(APP)


def test_only_what_tells_the_platform_has_a_secret(world: World) -> None:
    world.run(APP, "build-test.yml", "push", PUSH)
    for call in world.calls():
        shown = [name for name, value in SECRETS.items() if value in call.environment.values()]
        assert shown == (["PLATFORM_TOKEN"] if call in told(world) else []), call.line


def test_a_project_may_have_another_name_than_its_repository(world: World) -> None:
    world.run(APP, "build-test.yml", "push", PUSH, variables={"CODEB_PROJECT": "food-delivery-app"})
    assert told(world)[0].line == "ci dispatch release --project food-delivery-app --platform leo/platform"


@pytest.mark.parametrize("script", ["typecheck", "lint", "test", "build", "test:integration", "e2e", "audit"])
def test_what_fails_is_not_released(world: World, script: str) -> None:
    ended = world.run(APP, "build-test.yml", "push", PUSH, environment={"CODEB_FAILS": f"npm {script}"})
    assert ended.jobs["test"] == "failure"
    assert world.lines()[-1] == f"npm {script}"


def test_a_script_that_few_apps_have_may_be_missing(world: World) -> None:
    package = world.repository(APP) / "package.json"
    said = json.loads(package.read_text())
    few = ("context", "services", "test:integration", "licences", "audit")
    said["scripts"] = {name: line for name, line in said["scripts"].items() if name not in few}
    package.write_text(json.dumps(said))
    world.commit(APP)
    ended = world.run(APP, "build-test.yml", "push", PUSH)
    assert ended.well, ended.text()
    assert world.lines()[:5] == [f"npm {name}" for name in ("typecheck", "lint", "test", "build", "e2e")]


def test_an_image_that_is_not_built_is_not_released(world: World) -> None:
    ended = world.run(APP, "build-test.yml", "push", PUSH, environment={"CODEB_LAB_BUILDER": "/bin/false"})
    assert not ended.well
    assert told(world) == []


def test_a_pull_request_is_only_tested(world: World) -> None:
    assert world.run(APP, "build-test.yml", "pull_request", {**PUSH, **pull_request(APP)}).well
    assert world.lines() == NPM


class TestPreview:
    """An environment for each pull request of the repository itself."""

    @pytest.mark.parametrize("action", ["opened", "synchronize", "reopened"])
    def test_of_an_open_one_the_image_is_told(self, world: World, action: str) -> None:
        event = {**PUSH, **pull_request(APP, action=action)}
        assert world.run(APP, "preview.yml", "pull_request", event, ref="refs/pull/12/merge").well
        (build,), (tell,) = built(world), told(world)
        assert build.environment["BUILD_TAGS"].split() == [f"{NAME}:sha-{'a' * 40}", f"{NAME}:pr-12"]
        assert tell.line == "ci dispatch preview --project shop --platform leo/platform"
        assert tell.environment["IMAGE"] == f"{NAME}@{DIGEST}"
        assert tell.event["pull_request"]["number"] == 12

    def test_of_a_closed_one_nothing_is_built(self, world: World) -> None:
        event = {**PUSH, **pull_request(APP, action="closed")}
        assert world.run(APP, "preview.yml", "pull_request", event, ref="refs/pull/12/merge").well
        (tell,) = told(world)
        assert built(world) == []
        assert tell.environment["IMAGE"] == ""
        assert tell.event["action"] == "closed"

    @pytest.mark.parametrize("action", ["opened", "closed"])
    def test_of_a_fork_nothing_is_pushed_or_told(self, world: World, action: str) -> None:
        event = {**PUSH, **pull_request(APP, action=action, fork=True)}
        assert world.run(APP, "preview.yml", "pull_request", event, ref="refs/pull/12/merge").well
        assert told(world) == []
        assert [build.environment["BUILD_PUSH"] for build in built(world)] == ["false"] * (action == "opened")


class TestAnalysis:
    """By the platform's code, with the app's own key."""

    def test_of_a_failed_run(self, world: World) -> None:
        world.run(APP, "ai-analysis.yml", "workflow_run", finished(APP, "b" * 40, conclusion="failure"))
        (call,) = world.calls()
        assert call.line == "ci analyse"
        assert call.environment["ANTHROPIC_API_KEY"] == SECRETS["ANTHROPIC_API_KEY"]
        assert call.environment["GITHUB_TOKEN"] == "lab-token"
        assert call.environment["GITHUB_REPOSITORY"] == APP

    @pytest.mark.parametrize("event", [{}, {"conclusion": "failure", "fork": True}], ids=["success", "fork"])
    def test_of_others(self, world: World, event: dict[str, object]) -> None:
        world.run(APP, "ai-analysis.yml", "workflow_run", finished(APP, "b" * 40, **event))  # type: ignore[arg-type]
        assert world.calls() == []
