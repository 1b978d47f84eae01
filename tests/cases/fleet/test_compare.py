"""What is found between account and state, line by line: `cases/*.yaml` against `expected/*.txt`."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from codeb.fleet import Finding, compare, say
from tests.cases.fleet import case as cases


def found(path: Path) -> tuple[Finding, ...]:
    stack = cases.changed(yaml.safe_load(path.read_text()))
    return compare(
        cases.account(stack), cases.state(stack), stack["owner"], stack["stack"],
        wanted=cases.wanted(stack), under_way=stack.get("under_way", False),
        needless=lambda thing: thing.id in stack.get("needless", ()),
    )  # fmt: skip


@pytest.mark.parametrize("path", cases.CASES, ids=lambda path: path.stem)
def test_findings_are_as_expected(path: Path, update_golden: bool) -> None:
    findings = found(path)
    others = [f"({each.line()})" for each in findings if not each.wrong]
    lines = "".join(f"{line}\n" for line in [*say(findings), *others])
    golden = cases.FOLDER / "expected" / f"{path.stem}.txt"
    if update_golden:
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(lines)
    assert lines == golden.read_text(), "if the new text is right: --update-golden, and read the diff"


@pytest.mark.parametrize("path", cases.CASES, ids=lambda path: path.stem)
def test_lines_are_lines_whatever_the_account_says(path: Path) -> None:
    for line in say(found(path)):
        assert line.isprintable(), "a label of somebody else must not steer the terminal"
        assert "rm -rf" not in line.partition("Mend it:")[2]
