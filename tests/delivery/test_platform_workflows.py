"""Each workflow of the platform, run by act: which commands it calls, with what, and when it calls none."""

from __future__ import annotations

import json
import sys
from typing import Any, Final

import pytest

from lab.delivery.act import Line
from tests.delivery.held import Reviewer, reviewed
from tests.delivery.world import PLATFORM, SECRETS, World, finished, pull_request

STACK: Final = {
    "PULUMI_BACKEND_URL": "s3://state",
    "PULUMI_CONFIG_PASSPHRASE": SECRETS["PULUMI_CONFIG_PASSPHRASE"],
    "AWS_ACCESS_KEY_ID": SECRETS["STATE_ACCESS_KEY_ID"],
    "AWS_SECRET_ACCESS_KEY": SECRETS["STATE_SECRET_ACCESS_KEY"],
    "VULTR_API_KEY": SECRETS["VULTR_API_KEY"],
}
SLACK: Final = {"SLACK_WEBHOOK_URL": SECRETS["SLACK_WEBHOOK_URL"]}
TOKEN: Final = {"GITHUB_TOKEN": "lab-token"}
REQUEST: Final = json.dumps({"version": 1, "images": {"shop": f"ghcr.io/leo/shop@sha256:{'5' * 64}"}})
PLANNED: Final = {"ci plan": {"plan": "p-123", "request": REQUEST, "planned": "its steps", "changes": "true"}}


def given(environment: dict[str, str]) -> dict[str, str]:
    """What of a call's environment a workflow's `env:` brings."""
    names = {*STACK, *SLACK, *TOKEN, "APPS_TOKEN", "ANTHROPIC_API_KEY", "PLATFORM_TOKEN", "CODEB_REQUEST"}
    return {name: value for name, value in environment.items() if name in names}


def test_a_pull_request_is_tested_and_its_preview_is_commented(world: World) -> None:
    ended = world.run(PLATFORM, "build-test.yml", "pull_request", pull_request(PLATFORM))
    assert ended.jobs == {"test": "success", "preview": "success"}, ended.text()
    assert sorted(world.lines()) == ["ci plan --stack dev --comment", "make lint", "make test-unit"]
    plan = next(call for call in world.calls() if call.words[0] == "ci")
    assert given(plan.environment) == {**STACK, **TOKEN}
    assert plan.event["pull_request"]["number"] == 12


def test_tests_get_no_secrets(world: World) -> None:
    world.run(PLATFORM, "build-test.yml", "push")
    assert world.lines() == ["make lint", "make test-unit"]
    shown = {value for call in world.calls() for value in call.environment.values()}
    assert not shown & {*SECRETS.values(), "lab-token"}


def test_a_pull_request_of_a_fork_gets_no_preview(world: World) -> None:
    ended = world.run(PLATFORM, "build-test.yml", "pull_request", pull_request(PLATFORM, fork=True))
    assert ended.well
    assert ended.jobs.get("preview") != "success"
    assert world.lines() == ["make lint", "make test-unit"]


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("push", {}),
        ("workflow_dispatch", {}),
        ("repository_dispatch", {"action": "codeb-release", "client_payload": {"project": "shop"}}),
    ],
)
def test_dev_is_deployed_by_a_push_a_release_of_an_app_and_by_hand(
    world: World, name: str, event: dict[str, Any]
) -> None:
    assert world.run(PLATFORM, "deploy-dev.yml", name, event).jobs == {"deploy": "success"}
    (call,) = world.calls()
    assert call.line == "ci deploy --stack dev"
    assert given(call.environment) == {**STACK, **SLACK}
    assert call.environment["GITHUB_EVENT_NAME"] == name
    assert {key: call.event[key] for key in event} == event


def test_dev_is_not_deployed_from_a_branch(world: World) -> None:
    ended = world.run(PLATFORM, "deploy-dev.yml", "workflow_dispatch", ref="refs/heads/a-branch")
    assert ended.well
    assert world.calls() == []


def test_the_programs_of_a_run_are_those_of_the_commit(world: World) -> None:
    world.run(PLATFORM, "deploy-dev.yml", "push")
    (call,) = world.calls()
    assert call.commit == world.head(PLATFORM)
    assert call.environment["PYTHONPATH"] == call.folder
    assert f"{call.folder}/.lab/venv/bin" in call.environment["PATH"].split(":")


def test_a_runner_with_packages_of_its_own_runs_the_commits_program(world: World) -> None:
    own = world.repository(PLATFORM) / "ops"
    own.mkdir()
    (own / "__init__.py").touch()
    (own / "cli.py").write_text("def main():\n    print('of the commit')\n")
    world.commit(PLATFORM)
    ended = world.run(PLATFORM, "deploy-dev.yml", "push", environment={"CODEB_VENV": sys.prefix})
    assert "of the commit" in [line.text for line in ended.lines if line.output], ended.text()


class TestProd:
    """What dev has goes to prod when a person says so, and only that."""

    def test_what_was_approved_is_what_is_deployed(self, world: World) -> None:
        shown = world.head(PLATFORM)
        newer = world.commit(PLATFORM, "Merged while the reviewer thinks")
        before: list[list[str]] = []
        with reviewed(
            lambda job: before.append(world.lines()) or len(before) > 2 if job == "deploy" else True
        ) as at:
            ended = self._run(world, finished(PLATFORM, shown), at)
        assert ended.jobs == {"plan": "success", "deploy": "success"}, ended.text()
        assert before[-1] == ["ci plan --stack prod --from dev --slack"], "nothing ran while it was held"
        plan, deploy = world.calls()
        assert deploy.line == "ci deploy --stack prod --plan p-123 --environment production"
        assert json.loads(deploy.environment["CODEB_REQUEST"]) == json.loads(REQUEST)
        assert deploy.environment["CODEB_PLANNED"] == "its steps"
        assert plan.commit == deploy.commit == shown != newer
        assert given(plan.environment) == {**STACK, **SLACK}
        assert {**STACK, **SLACK, **TOKEN}.items() <= deploy.environment.items()

    def test_a_refusal_deploys_nothing(self, world: World) -> None:
        with reviewed(lambda job: "no" if job == "deploy" else True) as at:
            ended = self._run(world, finished(PLATFORM, world.head(PLATFORM)), at)
        assert ended.jobs == {"plan": "success", "deploy": "failure"}
        assert not ended.well
        assert world.lines() == ["ci plan --stack prod --from dev --slack"]

    def test_without_an_answer_nothing_is_deployed(self, world: World) -> None:
        def leave(line: Line) -> None:
            if "waits for a person" in line.text:
                raise KeyboardInterrupt

        with reviewed(lambda job: job != "deploy") as at, pytest.raises(KeyboardInterrupt):
            self._run(world, finished(PLATFORM, world.head(PLATFORM)), at, tell=leave)
        assert world.lines() == ["ci plan --stack prod --from dev --slack"]

    def test_without_changes_nobody_is_asked(self, world: World) -> None:
        asked: list[str] = []
        answers = {"ci plan": {"plan": "p-1", "request": REQUEST, "changes": "false"}}
        with reviewed(lambda job: not asked.append(job)) as at:
            ended = self._run(world, finished(PLATFORM, world.head(PLATFORM)), at, answers=answers)
        assert ended.well
        assert "deploy" not in asked
        assert world.lines() == ["ci plan --stack prod --from dev --slack"]

    @pytest.mark.parametrize(
        "event",
        [{"conclusion": "failure"}, {"conclusion": "cancelled"}, {"fork": True}],
        ids=["failed", "cancelled", "fork"],
    )
    def test_what_dev_did_not_take_is_not_planned(self, world: World, event: dict[str, Any]) -> None:
        with reviewed(lambda job: True) as at:
            ended = self._run(world, finished(PLATFORM, world.head(PLATFORM), **event), at)
        assert ended.well
        assert world.calls() == []

    def test_it_can_be_begun_by_hand(self, world: World) -> None:
        with reviewed(lambda job: True) as at:
            environment = {"CODEB_ANSWERS": json.dumps(PLANNED), "CODEB_LAB_HOLD_URL": at.url}
            world.run(PLATFORM, "deploy-prod.yml", "workflow_dispatch", environment=environment)
        assert [line.split()[1] for line in world.lines()] == ["plan", "deploy"]

    def _run(
        self,
        world: World,
        event: dict[str, Any],
        at: Reviewer,
        answers: dict[str, Any] = PLANNED,
        **more: Any,
    ) -> Any:
        environment = {"CODEB_ANSWERS": json.dumps(answers), "CODEB_LAB_HOLD_URL": at.url}
        return world.run(PLATFORM, "deploy-prod.yml", "workflow_run", event, environment=environment, **more)


class TestPreviewEnvironments:
    """Opened, closed and swept by what an app's repository or the clock says."""

    @pytest.mark.parametrize(
        ("name", "event", "verb"),
        [
            ("repository_dispatch", {"client_payload": {"action": "open", "pull": 12}}, "event"),
            ("repository_dispatch", {"client_payload": {"action": '"; touch pwned; "', "pull": 12}}, "event"),
            ("schedule", {"schedule": "17 * * * *"}, "sweep"),
            ("workflow_dispatch", {}, "sweep"),
        ],
    )
    def test_what_is_called(self, world: World, name: str, event: dict[str, Any], verb: str) -> None:
        world.run(PLATFORM, "preview-environments.yml", name, event)
        (call,) = world.calls()
        assert call.line == f"ci environments {verb} --stack dev"
        assert given(call.environment) == {**STACK, "APPS_TOKEN": SECRETS["APPS_TOKEN"]}
        assert {key: call.event[key] for key in event} == event


class TestAnalysis:
    """A failed run is looked at; others are not."""

    def test_of_a_failed_run(self, world: World) -> None:
        world.run(
            PLATFORM, "ai-analysis.yml", "workflow_run", finished(PLATFORM, "b" * 40, conclusion="failure")
        )
        (call,) = world.calls()
        assert call.line == "ci analyse"
        assert given(call.environment) == {**TOKEN, "ANTHROPIC_API_KEY": SECRETS["ANTHROPIC_API_KEY"]}
        assert call.event["workflow_run"]["id"] == 41
        assert call.commit == world.head(PLATFORM), (
            "main's own code reads the log, not that of the failed commit"
        )

    @pytest.mark.parametrize(
        "event",
        [{"conclusion": "success"}, {"conclusion": "cancelled"}, {"conclusion": "failure", "fork": True}],
        ids=["success", "cancelled", "fork"],
    )
    def test_of_others(self, world: World, event: dict[str, Any]) -> None:
        world.run(PLATFORM, "ai-analysis.yml", "workflow_run", finished(PLATFORM, "b" * 40, **event))
        assert world.calls() == []


def test_drift_is_looked_for_in_both_stacks(world: World) -> None:
    world.run(PLATFORM, "drift.yml", "schedule", {"schedule": "43 18 * * *"})
    assert sorted(world.lines()) == ["ci drift --stack dev", "ci drift --stack prod"]
    assert all(given(call.environment) == {**STACK, **TOKEN} for call in world.calls())


def test_both_stacks_are_backed_up_by_the_commands_that_timers_run(world: World) -> None:
    world.run(PLATFORM, "backup.yml", "schedule", {"schedule": "13 19 * * *"})
    assert sorted(world.lines()) == [
        *(f"backup --stack {stack} --wait 600" for stack in ("dev", "prod")),
        *(f"backup platform --stack {stack} --wait 600" for stack in ("dev", "prod")),
    ]
    assert all(given(call.environment) == STACK for call in world.calls())


def test_no_secret_shows_in_a_log(world: World) -> None:
    said: list[Line] = []
    with reviewed(lambda job: True) as at:
        environment = {"CODEB_ANSWERS": json.dumps(PLANNED), "CODEB_LAB_HOLD_URL": at.url}
        event = finished(PLATFORM, world.head(PLATFORM))
        world.run(
            PLATFORM, "deploy-prod.yml", "workflow_run", event, environment=environment, tell=said.append
        )
    shown = "\n".join(line.text for line in said)
    assert "codeb ci deploy" in shown
    assert not [name for name, value in SECRETS.items() if value in shown]
