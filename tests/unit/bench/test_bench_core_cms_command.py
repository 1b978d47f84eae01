"""The command: which parts run, what is kept, when it fails, and that the stack is put back."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from cms_seen import seen

from lab import browser
from lab.bench.core_cms import __main__ as command
from lab.bench.core_cms.tables import Seen
from lab.bench.releases.ways import BenchError


class Stack:
    """The stack, which tells what became of it."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def make(self, folder: Path, lab: Any) -> Stack:
        assert folder.is_dir()
        return self

    def deploy(self) -> None:
        self.told.append("deployed")

    def put_back(self) -> None:
        self.told.append("put back")


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Stack:
    found = Stack()
    monkeypatch.setattr(command, "Beside", found)
    monkeypatch.setattr(command.browser, "program", lambda: "chromium")
    return found


def run(monkeypatch: pytest.MonkeyPatch, found: Any, *arguments: str) -> int:
    def measured(*_: Any) -> Any:
        if isinstance(found, BaseException):
            raise found
        return found

    monkeypatch.setattr(command, "_measured", measured)
    monkeypatch.setattr(sys, "argv", ["core_cms", *arguments])
    return command.main()


def test_figures_are_printed_and_kept_and_the_stack_is_put_back(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "figures.json"
    assert run(monkeypatch, seen(), "--json", str(file)) == 0
    assert set(json.loads(file.read_text())) == {"goals", "requests", "first_load", "images_and_starts"}
    assert stack.told == ["deployed", "put back"]
    printed = capsys.readouterr().out
    for word in (
        "requests/s a core",
        "time to interactive, ms",
        "image, MB",
        "met     failed requests: 0: 0",
    ):
        assert word in printed


def test_a_request_that_failed_fails_the_run(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, seen(failed=1)) == 1


@pytest.mark.parametrize(("trouble", "status"), [(BenchError("no lab"), 1), (KeyboardInterrupt(), 130)])
def test_the_stack_is_put_back_whatever_ends_a_run(
    stack: Stack,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    trouble: BaseException,
    status: int,
) -> None:
    assert run(monkeypatch, trouble) == status
    assert stack.told == ["deployed", "put back"]
    told = capsys.readouterr().err
    assert "no lab" in told if status == 1 else "interrupted" in told


@pytest.mark.parametrize(("parts", "status"), [([], 1), (["--only", "page"], 1), (["--only", "start"], 0)])
def test_a_machine_without_chromium_is_told_before_anything_is_deployed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], parts: list[str], status: int
) -> None:
    stack = Stack()
    monkeypatch.setattr(command, "Beside", stack)
    monkeypatch.setattr(browser.shutil, "which", lambda _name: None)
    assert run(monkeypatch, Seen(), *parts) == status
    assert stack.told == ([] if status else ["deployed", "put back"])
    assert ("no Chromium" in capsys.readouterr().err) == bool(status)
