"""What the benchmark says of the user who clicks on while Core CMS is released."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from lab.bench.releases import __main__ as bench
from lab.bench.releases.clicks import Clicks


def clicks(folder: Path, **seen: object) -> Clicks:
    note = folder / "until.seen"
    note.write_text(json.dumps({"clicks": 7, "versions": ["1.0.0", "1.1.0"], "wrong": [], **seen}))
    found = Clicks(note)
    found.look()
    note.unlink()  # his notes go with their folder before anybody asks for the goal
    return found


def test_a_user_who_noticed_nothing_meets_the_goal(tmp_path: Path) -> None:
    goal = clicks(tmp_path).goal
    assert goal.met
    assert goal.hard
    assert goal.reached == "7 rounds on 2 versions in turn, 0 wrong answers"


@pytest.mark.parametrize("seen", [{"wrong": ["503 https://bench.lab.test/"]}, {"clicks": 0}])
def test_a_user_who_met_an_error_or_nothing_at_all_misses_it(tmp_path: Path, seen: dict[str, object]) -> None:
    assert not clicks(tmp_path, **seen).goal.met


def test_a_test_that_failed_misses_it_and_is_said(tmp_path: Path) -> None:
    found = clicks(tmp_path)
    found.failed = "Timed out waiting for the heading"
    assert not found.goal.met
    assert "Timed out" in found.goal.reached


def test_half_a_note_is_none(tmp_path: Path) -> None:
    (tmp_path / "until.seen").write_text('{"clicks": 3, "ver')
    assert Clicks(tmp_path / "until.seen").look() == 0


def test_nobody_clicks_in_an_app_without_pages(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "--clicks"])
    with pytest.raises(SystemExit) as stopped:
        bench.main()
    assert stopped.value.code == 2
    assert "--app core-cms" in capsys.readouterr().err
