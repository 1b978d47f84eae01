"""What is rendered for each case is what stands in its `expected/` folder. `--update-golden` rewrites it."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from agent.bundle.document import read_bundle
from agent.documents.reader import Reader
from codeb.plan import PlanError
from codeb.render import host_bundle

from .case import Case, cases, from_the_cloud


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.folder.name)
def test_the_agent_takes_every_bundle(case: Case) -> None:
    """It refuses what is listed twice, for one."""
    try:
        plan = case.plan()
    except PlanError:
        return
    for server in plan.servers:
        document = from_the_cloud(json.dumps(host_bundle(plan, server)))
        document = re.sub(r"@\{secret:[^}]+\}", "A" * 40, document)
        assert read_bundle(Reader(json.loads(document), "")).files


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.folder.name)
def test_rendered_text_is_the_expected_text(case: Case, update_golden: bool) -> None:
    rendered = case.rendered()
    if update_golden:
        shutil.rmtree(case.expected, ignore_errors=True)
        for name, text in rendered.items():
            path = case.expected / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    found = {
        str(path.relative_to(case.expected)): path.read_text()
        for path in case.expected.rglob("*")
        if path.is_file()
    }
    assert sorted(rendered) == sorted(found), "files came or went: run with --update-golden and read the diff"
    for name, text in rendered.items():
        assert text == found[name], f"{name} has changed: run with --update-golden and read the diff"
