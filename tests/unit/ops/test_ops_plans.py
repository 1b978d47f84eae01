"""Plans and approvals: private files, bound to what they are of, used up once, gone in time; and who may approve."""

from __future__ import annotations

import io
import json
import os
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from ops import approve, plans
from ops.cli import main
from ops.plans import Plan
from ops.runs import Step

STEPS = (Step("shop", "update", "t"), Step("shop", "replace", "t"))


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "state" / "codeb"


def plan(folder: Path) -> Plan:
    return Plan(
        "dev", str(folder.resolve()), "f" * 64, STEPS, ("shop: restarts",), ("careful",), "+$1.00 a month: x"
    )


def test_the_id_names_files_stack_folder_and_steps(tmp_path: Path) -> None:
    one = plan(tmp_path)
    others = [
        replace(one, stack="prod"),
        replace(one, folder="/elsewhere"),
        replace(one, tree="e" * 64),
        replace(one, steps=STEPS[:1]),
        replace(one, steps=(*STEPS, STEPS[0])),
        replace(one, steps=(STEPS[0], replace(STEPS[1], op="delete"))),
    ]
    assert len({one.id, *(each.id for each in others)}) == 7
    assert replace(one, steps=STEPS[::-1], changes=(), cost="", made=5.0).id == one.id


def test_a_plan_is_kept_for_a_day_in_a_private_file(tmp_path: Path, state: Path) -> None:
    one = plan(tmp_path)
    plans.keep(one)
    found = plans.find(one.id)
    assert found is not None
    assert replace(found, made=0) == one
    file = state / "plans" / f"{one.id}.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    file.write_text(file.read_text().replace('"made": 1', '"made": 0'))
    assert plans.find(one.id) is None


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 24, "0" * 23, "0" * 24 + "\n", "0" * 24])
def test_what_is_no_plan_is_not_found(name: str) -> None:
    assert plans.find(name) is None
    assert not plans.use(name)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"steps": 5}', '{"steps": [{"a": 1}]}'])
def test_a_damaged_plan_is_not_found(tmp_path: Path, state: Path, text: str) -> None:
    one = plan(tmp_path)
    plans.keep(one)
    (state / "plans" / f"{one.id}.json").write_text(text)
    assert plans.find(one.id) is None


def test_a_plan_that_somebody_edited_is_not_found(tmp_path: Path, state: Path) -> None:
    one = plan(tmp_path)
    plans.keep(one)
    file = state / "plans" / f"{one.id}.json"
    file.write_text(file.read_text().replace('"update"', '"delete"'))
    assert plans.find(one.id) is None


def test_an_approval_is_used_up_once_even_by_many_at_once() -> None:
    plans.approve("a" * 24, "dev", "/p", "ann@laptop")
    assert plans.approved("a" * 24, "dev", "/p")
    with ThreadPoolExecutor(16) as workers:
        who = list(workers.map(lambda _: plans.use_approval("a" * 24, "dev", "/p"), range(50)))
    assert sorted(who) == [""] * 49 + ["ann@laptop"]
    assert not plans.approved("a" * 24, "dev", "/p")


@pytest.mark.parametrize(
    "other", [("b" * 24, "dev", "/p"), ("a" * 24, "prod", "/p"), ("a" * 24, "dev", "/q")]
)
def test_an_approval_is_of_one_subject_stack_and_folder(other: tuple[str, str, str]) -> None:
    plans.approve("a" * 24, "dev", "/p", "ann@laptop")
    assert not plans.approved(*other)
    assert plans.use_approval(*other) == ""
    assert plans.approved("a" * 24, "dev", "/p")


def test_an_approval_moved_to_another_s_place_is_none(state: Path) -> None:
    plans.approve("a" * 24, "dev", "/p", "ann@laptop")
    plans.approve("b" * 24, "dev", "/p", "ann@laptop")
    one, two = sorted((state / "approvals").iterdir())
    one.replace(two)
    assert [plans.approved(letter * 24, "dev", "/p") for letter in "ab"].count(True) <= 1


@pytest.mark.parametrize("seconds", [15 * 60 + 1, -1])
def test_an_approval_ends_and_none_is_from_the_future(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    plans.approve("a" * 24, "dev", "/p", "ann@laptop")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + seconds)
    assert plans.use_approval("a" * 24, "dev", "/p") == ""


@pytest.mark.parametrize("mode", [0o644, 0o620, 0o604])
def test_an_approval_that_others_can_reach_is_none(state: Path, mode: int) -> None:
    plans.approve("a" * 24, "dev", "/p", "ann@laptop")
    (file,) = (state / "approvals").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(mode)
    assert plans.use_approval("a" * 24, "dev", "/p") == ""


def test_an_approval_behind_a_link_is_none(state: Path, tmp_path: Path) -> None:
    plans.approve("a" * 24, "dev", "/p", "ann@laptop")
    (file,) = (state / "approvals").iterdir()
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    assert plans.use_approval("a" * 24, "dev", "/p") == ""


def test_nobody_approves_without_a_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = plan(tmp_path)
    plans.keep(one)
    assert main(["approve", one.id]) == 1
    assert "a person has to approve" in capsys.readouterr().err
    assert not plans.approved(one.id, "dev", one.folder)


@pytest.mark.parametrize(
    ("answer", "approved"), [("yes\n", True), (" yes \n", True), ("y\n", False), ("", False), ("no\n", False)]
)
def test_a_person_sees_the_plan_and_says_yes(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: str,
    approved: bool,
) -> None:
    monkeypatch.setattr(approve, "at_a_terminal", lambda: True)
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    one = plan(tmp_path)
    plans.keep(one)
    assert main(["approve", one.id, "--json"]) == (0 if approved else 1)
    assert plans.approved(one.id, "dev", one.folder) is approved
    out, shown = capsys.readouterr()
    assert json.loads(out)["ok"] is approved, "the question is no part of the result"
    for words in ("stack dev", "shop: restarts", "careful", "+$1.00 a month: x", "1 replace, 1 update"):
        assert words in shown


def test_a_plan_is_approved_in_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approve, "at_a_terminal", lambda: True)
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    one = plan(tmp_path)
    plans.keep(one)
    (tmp_path / "other").mkdir()
    os.chdir(tmp_path / "other")
    assert main(["approve", one.id]) == 1
    assert main(["approve", "0" * 24]) == 1
    assert main(["approve", "--rollback", "shop"]) == 2
    assert main(["approve", "--rollback", "shop", "--stack", "prod"]) == 0
    assert plans.approved("rollback shop", "prod", str((tmp_path / "other").resolve()))


@pytest.mark.parametrize(
    "argv", [[], ["x"], ["0" * 24, "--rollback", "shop"], ["--rollback", "../x", "--stack", "dev"]]
)
def test_wrong_usage(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["approve", *argv])
    assert ended.value.code == 2
