"""Workflows as files: what all keep to, and what each says of stacks, environments and other workflows."""

from __future__ import annotations

import argparse
import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from lab.delivery.uses import STAND_INS
from lab.host.paths import REPOSITORY
from lab.pulumi import cli
from ops import ci_commands, deploy, preview
from ops.command import Command
from tests.unit.delivery import workflow_rules as rules

PLATFORM: Final = REPOSITORY / ".github" / "workflows"
TEMPLATE: Final = REPOSITORY / "templates" / "app-ci"
APPS: Final = TEMPLATE / ".github" / "workflows"
FILES: Final = sorted([*PLATFORM.iterdir(), *APPS.iterdir()])
ACTION: Final = REPOSITORY / ".github" / "actions" / "codeb" / "action.yml"
PLACEHOLDER: Final = "0" * 40

GOOD: Final = """\
on: push
permissions: {}
jobs:
  work:
    runs-on: ubuntu-latest
    timeout-minutes: 5
    permissions: {contents: read}
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          persist-credentials: false
      - run: codeb ci deploy --stack dev
        env:
          KEY: ${{ secrets.KEY }}
"""


def ids(path: Path) -> str:
    """Whose workflow, and which."""
    return f"{'app' if path.is_relative_to(TEMPLATE) else 'platform'}/{path.name}"


def jobs(path: Path) -> dict[str, Any]:
    """Jobs of a workflow."""
    return dict(rules.load(path)["jobs"])


@pytest.fixture(autouse=True)
def _in_the_clone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where commands find the stacks' files."""
    monkeypatch.chdir(REPOSITORY)


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_every_workflow_keeps_to_the_rules(path: Path) -> None:
    assert rules.problems(path) == []


def test_the_action_keeps_to_the_rules() -> None:
    document = yaml.safe_load(ACTION.read_text())
    assert [problem for step in document["runs"]["steps"] for problem in rules.step_problems(step)] == []
    pins = re.findall(r"uses: (.+)", ACTION.read_text())
    assert pins
    assert all(rules.PINNED.fullmatch(pin) for pin in pins)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7", "not pinned"),
        (" # v7.0.1", "", "not pinned"),
        ("permissions: {}\n", "", "the workflow itself"),
        ("permissions: {}\n", "permissions: {contents: read}\n", "the workflow itself"),
        ("    permissions: {contents: read}\n", "", "no permissions of its own"),
        ("{contents: read}", "{contents: write}", "contents: write"),
        ("{contents: read}", "{id-token: write}", "id-token: write"),
        ("    timeout-minutes: 5\n", "", "no timeout"),
        ("timeout-minutes: 5", "timeout-minutes: 360", "no timeout"),
        ("persist-credentials: false", "fetch-depth: 1", "checkout keeps"),
        (
            "--stack dev\n",
            "--stack ${{ github.event.client_payload.stack }}\n",
            "an expression in a shell line",
        ),
        ("--stack dev\n", "--stack dev --key ${{ secrets.KEY }}\n", "a secret elsewhere"),
        ("persist-credentials: false", "token: ${{ secrets.KEY }}", "a secret as an input"),
        ("    timeout", "    env: {KEY: '${{ secrets.KEY }}'}\n    timeout", "a secret for all steps"),
        ("jobs:\n", "env: {KEY: '${{ secrets.KEY }}'}\njobs:\n", "a secret for all jobs"),
        ("on: push", "on: pull_request_target", "pull_request_target"),
        ("codeb ci deploy", "codeb rollback", "not a command for workflows"),
        (
            "codeb ci deploy --stack dev",
            "codeb autoscale --dry-run",
            "the following arguments are required: --stack",
        ),
        (
            "codeb ci deploy --stack dev",
            "codeb backup --stak dev",
            "the following arguments are required: --stack",
        ),
    ],
)
def test_the_rules_find_what_is_wrong(tmp_path: Path, old: str, new: str, problem: str) -> None:
    path = tmp_path / "workflow.yml"
    path.write_text(GOOD)
    assert rules.problems(path) == []
    assert old in GOOD
    path.write_text(GOOD.replace(old, new, 1))
    assert any(problem in found for found in rules.problems(path)), rules.problems(path)


def test_the_commands_own_parser_has_the_last_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def arguments(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--stack", required=True)

    verb = Command("deploy", "Deploy.", "Deploys.", arguments, lambda options: 0)
    monkeypatch.setattr(ci_commands, "VERBS", (verb,))
    path = tmp_path / "workflow.yml"
    path.write_text(GOOD)
    assert rules.problems(path) == []
    path.write_text(GOOD.replace("--stack", "--stak"))
    assert "the following arguments are required: --stack" in str(rules.problems(path))


def test_an_action_has_one_version_everywhere() -> None:
    seen: dict[str, set[str]] = {}
    for path in (*FILES, ACTION):
        for name, version in re.findall(r"uses: ([\w./-]+)@(\w+ # \S+)", path.read_text()):
            seen.setdefault(name, set()).add(version)
    assert {name: found for name, found in seen.items() if len(found) > 1} == {}


def test_the_lab_stands_in_for_every_action_of_others() -> None:
    text = "".join(path.read_text() for path in (*FILES, ACTION))
    names = {"/".join(name.split("/")[:2]) for name in re.findall(r"uses: ([\w.-]+/[\w./-]+)@", text)}
    assert names - {"leo/platform"} == {
        str(path.parent.relative_to(STAND_INS)) for path in STAND_INS.glob("*/*/action.yml")
    }


def test_runners_get_the_pulumi_that_is_tested() -> None:
    document = yaml.safe_load(ACTION.read_text())
    (version,) = (
        step["with"]["pulumi-version"]
        for step in document["runs"]["steps"]
        if str(step.get("uses", "")).startswith("pulumi/actions@")
    )
    assert version == cli.VERSION


def test_updates_of_a_stack_wait_for_one_another_and_none_is_cancelled() -> None:
    dev = {
        name: rules.load(PLATFORM / name)["concurrency"]
        for name in ("deploy-dev.yml", "preview-environments.yml")
    }
    assert set(map(str, dev.values())) == {
        str({"group": "stack-dev", "cancel-in-progress": False, "queue": "max"})
    }, "of one group, in order: each brings something of its own"
    prod = jobs(PLATFORM / "deploy-prod.yml")["deploy"]["concurrency"]
    assert prod == {"group": "stack-prod", "cancel-in-progress": False}


def test_the_autoscaler_cancels_no_deploy_and_runs_where_it_was_asked_for_only() -> None:
    """In the group of deploys it would take the place of one that waits; the stack's lock keeps them apart."""
    (job,) = jobs(PLATFORM / "autoscale.yml").values()
    assert job["concurrency"] == {
        "group": "autoscale-${{ vars.CODEB_AUTOSCALE }}",
        "cancel-in-progress": False,
    }
    assert "vars.CODEB_AUTOSCALE != ''" in job["if"]
    assert job["environment"] == "autoscale"


def test_a_job_that_updates_has_time_for_pulumi_to_end_by_itself() -> None:
    """GitHub kills what runs longer, and leaves the stack locked: a preview, an update, and one that takes back."""
    needed = (preview.SECONDS + 2 * deploy.SECONDS) / 60
    found = [job for path in PLATFORM.iterdir() for job in jobs(path).values() if rules.updates(job)]
    assert len(found) == 4
    assert all(job["timeout-minutes"] > needed + 10 for job in found)


def test_images_of_main_are_told_in_the_order_of_their_commits() -> None:
    """A run that overtakes an older one would be followed by it, and the older image be deployed."""
    found = rules.load(APPS / "build-test.yml")["concurrency"]
    assert found == {
        "group": "build-test-${{ github.event.pull_request.number || github.ref }}",
        "cancel-in-progress": "${{ github.event_name == 'pull_request' }}",
    }


def test_drift_of_one_stack_does_not_hide_that_of_the_other() -> None:
    strategy = jobs(PLATFORM / "drift.yml")["drift"]["strategy"]
    assert strategy["fail-fast"] is False
    assert [each["stack"] for each in strategy["matrix"]["include"]] == ["dev", "prod"]


def test_an_environment_is_asked_for_only_with_an_image_and_ended_without_one() -> None:
    """act ends a run when a called workflow fails, so that it can't show what GitHub does then."""
    condition = jobs(APPS / "preview.yml")["tell"]["if"]
    assert condition.startswith("!cancelled() && ")
    assert "(github.event.action == 'closed' || needs.image.result == 'success')" in condition


def test_what_changes_a_stack_is_one_of_the_workflows_in_its_group() -> None:
    changing = {
        (path.name, command[2])
        for path in FILES
        for job in jobs(path).values()
        for step in job.get("steps", [])
        for command in rules.commands(step)
        if command[2] in ("deploy", "environments")
    }
    assert changing == {
        ("deploy-dev.yml", "deploy"),
        ("preview-environments.yml", "environments"),
        ("deploy-prod.yml", "deploy"),
    }


def test_only_the_job_that_a_person_approves_changes_prod() -> None:
    found = jobs(PLATFORM / "deploy-prod.yml")
    assert {name: job["environment"] for name, job in found.items()} == {
        "plan": "production-plan",
        "deploy": "production",
    }
    assert found["deploy"]["needs"] == "plan"
    elsewhere = [
        path.name for path in FILES for job in jobs(path).values() if job.get("environment") == "production"
    ]
    assert elsewhere == ["deploy-prod.yml"]


def test_both_jobs_of_prod_take_the_same_commit() -> None:
    steps = [job["steps"][0] for job in jobs(PLATFORM / "deploy-prod.yml").values()]
    assert {step["with"]["ref"] for step in steps} == {
        "${{ github.event.workflow_run.head_sha || github.sha }}"
    }


@pytest.mark.parametrize("folder", [PLATFORM, APPS], ids=["platform", "app"])
def test_the_analysis_hears_of_all_other_workflows(folder: Path) -> None:
    analysis = rules.load(folder / "ai-analysis.yml")
    others = {rules.load(path)["name"]: path for path in folder.iterdir() if path.name != "ai-analysis.yml"}
    called = {name for name, path in others.items() if "workflow_call" in rules.load(path)["on"]}
    assert set(analysis["on"]["workflow_run"]["workflows"]) == set(others) - called


def test_a_workflow_that_follows_another_names_it() -> None:
    follows = rules.load(PLATFORM / "deploy-prod.yml")["on"]["workflow_run"]
    assert follows["workflows"] == [rules.load(PLATFORM / "deploy-dev.yml")["name"]]
    assert follows["branches"] == ["main"]


def test_the_readme_of_the_template_names_its_files_secrets_and_variables() -> None:
    text = (TEMPLATE / "README.md").read_text()
    files = "".join(path.read_text() for path in APPS.iterdir())
    used = set(re.findall(r"(?:secrets|vars)\.(\w+)", files))
    told = set(re.findall(r"^\| `([\w.-]+)` \|", text, re.MULTILINE))
    assert told == used | {path.name for path in APPS.iterdir()}


def test_the_readmes_lines_put_the_template_into_a_repository(tmp_path: Path) -> None:
    (block,) = re.findall(r"```sh\n(.+?)```", (TEMPLATE / "README.md").read_text(), re.DOTALL)
    lines = [line for line in block.splitlines() if not re.match(r"PLATFORM=|COMMIT=", line)]
    assert len(lines) < len(block.splitlines())
    given = f"set -eu; PLATFORM=ann/paas; COMMIT={'a1' * 20}; TEMPLATE={TEMPLATE}\n"
    subprocess.run(["sh", "-c", given + "\n".join(lines)], cwd=tmp_path, check=True)
    made = tmp_path / ".github" / "workflows"
    assert sorted(path.name for path in made.iterdir()) == sorted(path.name for path in APPS.iterdir())
    text = "".join(path.read_text() for path in made.iterdir())
    assert f"uses: ann/paas/.github/actions/codeb@{'a1' * 20} # main" in text
    assert "--platform ann/paas" in text
    assert "leo/platform" not in text
    assert PLACEHOLDER not in text
