"""A run that is to end early, and what Pulumi's events say in our words."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pulumi.automation.events import EngineEvent

from ops.automation import _events, _words
from ops.automation import run as automation_run
from ops.preview import Seen
from ops.runs import Event, Run, Said, Step, StepFailed, ended_by_signals

SLEEPER = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
print(1, flush=True)
exit(7 if signal.sigtimedwait([signal.SIGINT], 30) else 1)
"""
URN = "urn:pulumi:dev::codeb::codeb:platform:Platform$command:remote:Command::shop-release-app1"
ROOT = "urn:pulumi:dev::codeb::pulumi:pulumi:Stack::codeb-dev"


@pytest.fixture
def child() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", SLEEPER], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline()
        yield child
        child.kill()


def test_the_cli_is_interrupted_once_it_listens_and_not_before(child: subprocess.Popen[str]) -> None:
    run = Run()
    with run.of(child):
        run.end()
        time.sleep(0.2)
        assert child.poll() is None, "a signal now would leave its lock"
        run.listens()
        assert child.wait(10) == 7
    assert run.ending


def test_a_wish_of_before_the_start_is_kept(child: subprocess.Popen[str]) -> None:
    run = Run()
    run.end()
    with run.of(child):
        run.listens()
        assert child.wait(10) == 7


def test_it_is_interrupted_once_however_often_it_is_asked(
    child: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    monkeypatch.setattr(child, "send_signal", sent.append)
    run = Run()
    with run.of(child):
        for _ in range(3):
            run.listens()
            run.end()
    assert sent == [signal.SIGINT]
    run.end()
    assert sent == [signal.SIGINT], "nobody is there any more"


def test_its_time_runs_out(child: subprocess.Popen[str]) -> None:
    run = Run()
    with run.of(child), run.within(0.2):
        run.listens()
        assert child.wait(10) == 7


def events(document: dict[str, Any]) -> list[Event]:
    return _events(EngineEvent.from_json({"sequence": 1, "timestamp": 1, **document}))


def step(op: str, urn: str = URN) -> dict[str, Any]:
    return {"metadata": {"op": op, "urn": urn, "type": "command:remote:Command", "provider": "p"}}


def said(message: str, severity: str = "info", **more: Any) -> dict[str, Any]:
    return {"diagnosticEvent": {"message": message, "severity": severity, "color": "never", **more}}


RELEASE = Step("shop-release-app1", "update", "command:remote:Command")


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"resourcePreEvent": step("update")}, [RELEASE]),
        ({"resourcePreEvent": step("same")}, []),
        ({"resourcePreEvent": step("read")}, []),
        ({"resOpFailedEvent": {**step("update"), "status": 1, "steps": 1}}, [StepFailed(RELEASE)]),
        (said("<{%fg 1%}>shop: restarts<{%reset%}>\n", urn=ROOT), [Said("info", "shop: restarts")]),
        (said("careful", "warning"), [Said("warning", "careful")]),
        (said("broken", "error", urn=URN), [Said("error", "broken", "shop-release-app1")]),
        (said("from a plugin", "info#err"), [Said("info", "from a plugin")]),
        (said("50 %", ephemeral=True), []),
        (said("debug", "debug"), []),
        (said(" \n"), []),
        ({"preludeEvent": {"config": {"codeb:rootSecret": "[secret]"}}}, []),
    ],
)  # fmt: skip
def test_what_events_say(document: dict[str, Any], told: list[Event]) -> None:
    assert events(document) == told


def test_of_all_that_the_cli_prints_the_error_counts() -> None:
    text = "\n code: 255\n stdout: Previewing\n stderr: error: no stack named 'x' found\nmore"
    assert _words(text) == "error: no stack named 'x' found"
    assert _words("") == ""


def test_a_message_is_told_once_line_by_line_without_control_characters() -> None:
    seen = Seen(lambda _: None)
    for event in (
        Said("info", "a\x1b[2J\nb"),
        Said("info", "a\x1b[2J\nb"),
        Said("info", "c", "shop"),
        Said("warning", "d"),
    ):
        seen(event)
    assert seen.lines("info") == ["a?[2J", "b", "shop: c"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_in_order_and_mean_again_what_they_did_before(
    child: subprocess.Popen[str], number: signal.Signals
) -> None:
    run, before = Run(), signal.getsignal(number)
    with run.of(child), ended_by_signals(run):
        run.listens()
        signal.raise_signal(number)
        signal.raise_signal(number)
        assert child.wait(10) == 7
    assert signal.getsignal(number) == before


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("preview", set()),
        ("refreshed-preview", {"--refresh", "--run-program=true"}),
        ("up", {"--yes", "--skip-preview"}),
    ],
)
def test_a_verb_is_one_command_of_the_cli_and_no_secret_output_is_read_after_it(
    verb: Any, words: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli = tmp_path / "pulumi"
    answers = '[ "$1" = version ] && echo v3.274.1 && exit 0'
    cli.write_text(f'#!/bin/sh\n{answers}\necho "$@" >> {tmp_path}/told\nenv >> {tmp_path}/env\n')
    cli.chmod(0o700)
    (tmp_path / "Pulumi.yaml").write_text("name: x\nruntime: python\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("RUNNER_TRACKING_ID", "github_7")
    automation_run(tmp_path, "dev", verb, lambda _: None, Run())
    (line,) = (tmp_path / "told").read_text().splitlines()
    told = set(line.split())
    assert verb.removeprefix("refreshed-") in told
    assert told & {"--refresh", "--run-program=true", "--yes", "--skip-preview"} == words
    environment = (tmp_path / "env").read_text().splitlines()
    assert "RUNNER_TRACKING_ID=" in environment, "a GitHub runner would kill it in the middle of a step"
    writes_no_state = "PULUMI_SKIP_CHECKPOINTS=true" in environment
    assert writes_no_state == (verb != "up")


@pytest.mark.parametrize(
    ("words", "locked"),
    [
        (
            "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end",
            True,
        ),
        ("error: [409] Conflict: Another update is currently in progress.", True),
        ("error: the door of the stack is locked", False),
    ],
)
def test_another_run_that_has_the_stack_is_told_from_other_failures(
    words: str, locked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli = tmp_path / "pulumi"
    answers = '[ "$1" = version ] && echo v3.274.1 && exit 0'
    cli.write_text(f"#!/bin/sh\n{answers}\necho '{words}' >&2\nexit 255\n")
    cli.chmod(0o700)
    (tmp_path / "Pulumi.yaml").write_text("name: x\nruntime: python\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    ended = automation_run(tmp_path, "dev", "up", lambda _: None, Run())
    assert (ended.ok, ended.locked) == (False, locked)
    assert words.split(".")[0] in ended.problem
