"""What act does with a run, on real repositories: what the run sees, what it leaves, how it is ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lab.delivery import orphans
from lab.delivery.act import Act, Ended, Line, Run
from lab.host.errors import LabError
from tests.delivery.world import git

NAME = "leo/tool"


@pytest.fixture
def runner(program: Path, tmp_path: Path) -> Act:
    """Runs workflows of repositories below the test's folder."""
    return Act(program, tmp_path / "repositories", tmp_path / "act")


def run(runner: Act, steps: list[dict[str, Any]], tell: Any = lambda line: None, **more: Any) -> Ended:
    """Run these steps as the only job of a new repository."""
    folder = runner.repositories / NAME
    job = {"runs-on": "ubuntu-latest", "steps": steps}
    file = folder / ".github" / "workflows" / "tool.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"on": "push", "jobs": {"work": job}}))
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Steps")
    given = {"event": {"head": 1}, **more}
    return runner.run(Run(NAME, git(folder, "rev-parse", "HEAD"), "tool.yml", "push", **given), tell)


def said(ended: Ended) -> list[str]:
    """What the steps themselves wrote."""
    return [line.text for line in ended.lines if line.output]


def test_a_run_sees_its_number_its_commit_and_its_event(runner: Act) -> None:
    step = {
        "run": 'echo "$GITHUB_RUN_ID $GITHUB_RUN_ATTEMPT $GITHUB_SHA $GITHUB_REPOSITORY"; cat "$GITHUB_EVENT_PATH"'
    }
    ended = run(runner, [step], run_id=8123456789, run_attempt=2)
    first, event = said(ended)
    commit = git(runner.repositories / NAME, "rev-parse", "HEAD")
    assert first == f"8123456789 2 {commit} {NAME}"
    assert json.loads(event)["head"] == 1
    assert json.loads(event)["repository"]["full_name"] == NAME


def test_values_arrive_as_they_are(runner: Act, tmp_path: Path) -> None:
    hostile = "two\nlines \"quotes\" 'and' $HOME `id` \\ # = é"
    step = {
        "run": f'printf "%s" "$SECRET" >{tmp_path}/secret; printf "%s" "$VARIABLE" >{tmp_path}/variable; '
        f'printf "%s" "$PLAIN" >{tmp_path}/plain',
        "env": {"SECRET": "${{ secrets.S }}", "VARIABLE": "${{ vars.V }}"},
    }
    run(runner, [step], secrets={"S": hostile}, variables={"V": hostile}, environment={"PLAIN": hostile})
    assert [(tmp_path / name).read_text() for name in ("secret", "variable", "plain")] == [hostile] * 3


def test_secrets_are_in_no_argument_and_no_line(runner: Act, tmp_path: Path) -> None:
    step = {
        "run": f"ps -eo args >{tmp_path}/arguments; echo the value is $S",
        "env": {"S": "${{ secrets.S }}"},
    }
    ended = run(runner, [step], secrets={"S": "a-very-secret-value"}, token="another-secret-value")
    assert said(ended) == ["the value is ***"]
    assert not [value for value in ("a-very-secret", "another-secret") if value in ended.text()]
    arguments = (tmp_path / "arguments").read_text()
    assert str(runner.program) in arguments
    assert "secret-value" not in arguments


def test_what_is_of_this_user_is_not_the_runs(runner: Act, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "of the user")
    step = {"run": 'echo "${ANTHROPIC_API_KEY:-none} $HOME"; ls -A'}
    (line,) = said(run(runner, [step]))
    assert line.startswith("none ")
    assert not line.endswith(os.environ["HOME"])


def test_a_run_leaves_nothing(runner: Act) -> None:
    step = {
        "run": "(setsid sleep 4711 &) ; (trap '' TERM; sleep 4712 &) ; touch left; echo id $RUNNER_TRACKING_ID"
    }
    (line,) = said(run(runner, [step]))
    assert orphans.find(line.removeprefix("id ")) == []
    assert list(runner.cache.iterdir()) == []


def test_what_a_killed_run_left_goes_with_the_next(runner: Act) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    for pid in (gone.pid, os.getpid()):
        (runner.cache / f"{pid}-run").mkdir(parents=True)
        (runner.cache / f"{pid}-run" / "secrets.yaml").write_text("{}")
    run(runner, [{"run": "true"}])
    assert [path.name for path in runner.cache.iterdir()] == [f"{os.getpid()}-run"], (
        "of those that live, nothing"
    )


def test_what_will_not_end_is_killed(tmp_path: Path) -> None:
    line = ["bash", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"]
    with subprocess.Popen(
        line, env={**os.environ, orphans.TRACKING: "stubborn"}, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        orphans.end("stubborn")
        assert process.wait(10) == -signal.SIGKILL
    assert orphans.find("stubborn") == []


def test_ctrl_c_ends_the_step_and_runs_what_always_runs(runner: Act, tmp_path: Path) -> None:
    def leave(line: Line) -> None:
        if line.text.startswith("id "):
            seen.append(line.text.removeprefix("id "))
            raise KeyboardInterrupt

    seen: list[str] = []
    steps = [
        {"run": "echo id $RUNNER_TRACKING_ID; sleep 600"},
        {"run": f"touch {tmp_path}/next"},
        {"run": f"touch {tmp_path}/always", "if": "always()"},
    ]
    with pytest.raises(KeyboardInterrupt):
        run(runner, steps, leave)
    assert (tmp_path / "always").exists()
    assert not (tmp_path / "next").exists()
    assert orphans.find(seen[0]) == []
    assert list(runner.cache.iterdir()) == []


def test_a_failing_step_fails_the_run(runner: Act) -> None:
    ended = run(runner, [{"run": "echo before; exit 3"}, {"run": "echo after"}])
    assert not ended.well
    assert ended.jobs == {"work": "failure"}
    assert said(ended) == ["before"]


def test_an_action_without_a_stand_in_is_refused_before_anything_runs(runner: Act, tmp_path: Path) -> None:
    steps = [{"run": f"touch {tmp_path}/ran"}, {"uses": f"eve/action@{'e' * 40}"}]
    with pytest.raises(LabError, match=f"eve/action@{'e' * 40}: neither a repository"):
        run(runner, steps)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("ref", "file"), [("", "one"), ("main", "one"), ("refs/heads/other", "two"), ("other", "two")]
)
def test_checkout_takes_a_branch_or_a_commit(runner: Act, tmp_path: Path, ref: str, file: str) -> None:
    source = runner.repositories / "leo/source"
    for name, branch in (("one", "main"), ("two", "other")):
        git(source, "init", "--quiet", "--initial-branch", "main")
        git(source, "checkout", "--quiet", "-B", branch)
        (source / name).write_text(name)
        git(source, "add", "--all")
        git(source, "commit", "--quiet", "--message", name)
    action = f"actions/checkout@{'c' * 40}"
    given = {"repository": "leo/source", "ref": ref or git(source, "rev-parse", "main"), "path": "into"}
    ended = run(runner, [{"uses": action, "with": given}, {"run": "cd into && git log -1 --format='is %s'"}])
    assert f"is {file}" in said(ended), ended.text()


def test_checkout_of_a_commit_that_is_not_there_fails(runner: Act) -> None:
    ended = run(runner, [{"uses": f"actions/checkout@{'c' * 40}", "with": {"ref": "d" * 40}}])
    assert not ended.well
    assert "has no commit" in ended.text()


@pytest.mark.parametrize("name", ["../../etc", "leo/tool/../../../etc"])
def test_checkout_stays_in_the_lab(runner: Act, name: str) -> None:
    ended = run(runner, [{"uses": f"actions/checkout@{'c' * 40}", "with": {"repository": name}}])
    assert not ended.well
    assert "outside of the lab" in ended.text()


def test_a_commit_or_workflow_that_is_not_there_is_said(runner: Act) -> None:
    with pytest.raises(LabError, match="has no repository leo/nothing"):
        runner.run(Run("leo/nothing", "main", "tool.yml", "push", {}))
    run(runner, [{"run": "true"}])
    with pytest.raises(LabError, match=r"has no \.github/workflows/other\.yml"):
        runner.run(Run(NAME, "main", "other.yml", "push", {}))
    with pytest.raises(LabError, match=f"{NAME}@{'f' * 40}: "):
        runner.run(Run(NAME, "f" * 40, "tool.yml", "push", {}))


def test_reusable_workflows_and_actions_come_from_other_repositories(runner: Act) -> None:
    other = runner.repositories / "leo/other"
    action = {
        "name": "a",
        "description": "a",
        "runs": {
            "using": "composite",
            "steps": [{"shell": "bash", "run": 'echo "of the $(cat "$GITHUB_ACTION_PATH/../../../whose")"'}],
        },
    }
    called = {
        "on": {"workflow_call": {"secrets": {"KEY": {}}}},
        "jobs": {
            "inner": {
                "runs-on": "ubuntu-latest",
                "steps": [{"run": "echo key ${#KEY}", "env": {"KEY": "${{ secrets.KEY }}"}}],
            }
        },
    }
    for path, text in {
        "whose": "action's repository",
        ".github/actions/a/action.yml": json.dumps(action),
        ".github/workflows/called.yml": json.dumps(called),
    }.items():
        (other / path).parent.mkdir(parents=True, exist_ok=True)
        (other / path).write_text(text)
    git(other, "init", "--quiet", "--initial-branch", "main")
    git(other, "add", "--all")
    git(other, "commit", "--quiet", "--message", "Both")
    assert said(run(runner, [{"uses": "leo/other/.github/actions/a@main"}])) == ["of the action's repository"]
    caller = {"uses": "leo/other/.github/workflows/called.yml@main", "secrets": {"KEY": "${{ secrets.KEY }}"}}
    tool = runner.repositories / NAME
    (tool / ".github/workflows/caller.yml").write_text(json.dumps({"on": "push", "jobs": {"outer": caller}}))
    git(tool, "add", "--all")
    git(tool, "commit", "--quiet", "--message", "A caller")
    ended = runner.run(Run(NAME, "main", "caller.yml", "push", {}, secrets={"KEY": "12345"}))
    assert said(ended) == ["key 5"]
    assert ended.well
