"""`codeb ci …` as a workflow calls it: what is wrong usage, what is said where, what a cancelled job ends."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from ops.ci import world as worlds
from ops.ci.context import CiError
from ops.cli import main
from tests.unit.ci.ci_world import IMAGE, NOW, Place

PLAN = f"{'0' * 20}-{'1' * 20}-{'a' * 20}-{'f' * 20}"


@pytest.fixture
def step(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A step of a workflow in the project's folder."""
    monkeypatch.chdir(place.folder)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setattr(worlds, "real", lambda: place.world)
    return place


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["frobnicate"],
        ["plan"],
        ["plan", "--stack", "nowhere"],
        ["plan", "--stack", "../dev"],
        ["plan", "--stack", "dev", "--from", "nowhere"],
        ["plan", "--stack", "dev", "--from", ""],
        ["deploy", "--stack", ""],
        ["deploy", "--stack", "dev", "--plan", ""],
        ["deploy", "--stack", "dev", "--plan", "0" * 24],
        ["deploy", "--stack", "dev", "--plan", f"{PLAN}\n"],
        ["deploy", "--stack", "dev", "--environment", ""],
        ["deploy", "--stack", "dev", "--environment", "a\nb"],
        ["environments", "--stack", "dev"],
        ["environments", "burn", "--stack", "dev"],
        ["dispatch", "release", "--project", "$(reboot)", "--platform", "leo/platform"],
        ["dispatch", "release", "--project", "shop"],
        ["drift"],
    ],
)
def test_wrong_usage_does_nothing(
    step: Place, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["ci", *arguments])
    assert ended.value.code == 2
    assert step.pulumi.runs == []
    assert "\x1b" not in capsys.readouterr().err


def test_a_plan_is_shown_as_text_between_marks(step: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ci", "plan", "--stack", "dev"]) == 0
    captured = capsys.readouterr()
    assert "shop: image 1 → 2, restarts; no request fails" in captured.out
    assert captured.err.count("::stop-commands::") == captured.err.count("\n") / 2
    assert "::error" not in captured.err


def test_json_is_all_that_standard_output_has(step: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ci", "deploy", "--stack", "dev", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"]


def test_what_fails_is_an_annotation(step: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ci", "deploy", "--stack", "dev", "--environment", "production"]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(
        "::error title=codeb ci::nobody has approved this run for the environment production"
    )


def test_what_can_t_begin_is_an_annotation_too(
    step: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nowhere() -> Any:
        raise CiError("GITHUB_REPOSITORY is not OWNER/NAME")

    monkeypatch.setattr(worlds, "real", nowhere)
    assert main(["ci", "drift", "--stack", "dev"]) == 1
    assert (
        capsys.readouterr().err.splitlines()[-1]
        == "::error title=codeb ci::GITHUB_REPOSITORY is not OWNER/NAME"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_cancelled_job_ends_the_run_in_order(
    step: Place, number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(number)
    step.pulumi.waits = True
    step.pulumi.before = lambda _: os.kill(os.getpid(), number)
    assert main(["ci", "deploy", "--stack", "dev"]) == 1
    assert "state written, no lock left" in capsys.readouterr().err
    assert signal.getsignal(number) == before


def test_an_environment_is_closed_by_flags(step: Place) -> None:
    step.outputs["dev"]["registry"]["previews"] = {
        "shop-pr-12": {"project": "shop", "pull": 12, "image": IMAGE, "until": "2026-11-30T12:00:00Z"}
    }
    assert main(["ci", "environments", "close", "--stack", "dev", "--project", "shop", "--pull", "12"]) == 0
    assert step.pulumi.requests[0]["previews"]["close"] == ["shop-pr-12"]


def test_an_environment_is_opened_by_flags(step: Place) -> None:
    where = ["--stack", "dev", "--project", "shop", "--pull", "12", "--image", IMAGE]
    with Path("Pulumi.dev.yaml").open("a") as settings:
        settings.write("  codeb:previews: {max: 5}\n")
    step.pulumi.events = ()
    main(["ci", "environments", "open", *where])
    assert step.pulumi.requests[0]["previews"]["open"]["shop-pr-12"]["until"] == NOW.replace(day=30).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )


@pytest.mark.parametrize("pull", ["", "x", "-1", "0", "1.5", "\u0661", "99999999", "1" * 5000])
def test_a_flag_is_as_strict_as_an_event(step: Place, pull: str) -> None:
    where = ["--stack", "dev", "--project", "shop", "--pull", pull]
    assert main(["ci", "environments", "close", *where]) == 1 if not pull.startswith("-") else True
    assert step.pulumi.runs == []


@pytest.mark.parametrize("verb", ["", "plan", "deploy", "environments", "dispatch", "drift"])
def test_help_teaches(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*(["ci", verb] if verb else ["ci"]), "--help"])
    assert ended.value.code == 0
    assert "codeb ci" in capsys.readouterr().out


def test_the_world_needs_a_workflow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    with pytest.raises(CiError, match="GITHUB_REPOSITORY"):
        worlds.real()
    monkeypatch.setenv("GITHUB_REPOSITORY", "leo/platform")
    monkeypatch.setenv("GITHUB_ACTOR", "leo\n::error::x")
    assert worlds.real().actor == "leo ::error::x via github"
