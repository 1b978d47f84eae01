"""Recording rules and alerts, tried by promtool; and that they, their runbooks and what they read stay together."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.cli import COMMANDS
from tests.monitoring.processes import program
from tests.rules.sources import ALERTS, ROOT, RULES, RUNBOOKS, known, matched, names

CASES = sorted(Path(__file__).with_name("cases").glob("*.yml"))
PARTS = ("**Means**", "**Users notice**", "**Look**", "**Do**")
INTERNAL = "ProjectInMaintenance"


def rules(path: Path) -> list[dict[str, Any]]:
    groups = yaml.safe_load(path.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    found = {rule["alert"]: rule for rule in rules(ALERTS)}
    assert len(found) == len(rules(ALERTS)), "a name is one alert's: its runbook and its tests go by it"
    return found


@cache
def cases() -> list[dict[str, Any]]:
    return [test for path in CASES for test in yaml.safe_load(path.read_text())["tests"]]


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    line: list[str | Path] = ["nice", program("promtool"), *arguments]
    return subprocess.run(line, capture_output=True, text=True)


@pytest.mark.parametrize("path", CASES, ids=[path.stem for path in CASES])
def test_rules_do_what_the_case_says(path: Path) -> None:
    done = promtool("test", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_finds_nothing_to_say_about_the_rules() -> None:
    done = promtool("check", "rules", "--lint=all", "--lint-fatal", RULES, ALERTS)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_case_that_is_wrong_fails(tmp_path: Path) -> None:
    text = (Path(__file__).with_name("cases") / "maintenance.yml").read_text()
    text = text.replace("../../../codeb", f"{ROOT}/codeb")
    for right, wrong in (("shop is in maintenance", "shop is not"), ("value: 3}", "value: 1}")):
        assert right in text
        (tmp_path / "wrong.yml").write_text(text.replace(right, wrong))
        assert promtool("test", "rules", tmp_path / "wrong.yml").returncode != 0


@pytest.mark.parametrize("name", sorted(alerts()))
def test_each_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not(name: str) -> None:
    asked = [
        each for test in cases() for each in test.get("alert_rule_test", ()) if each["alertname"] == name
    ]
    assert any(each["exp_alerts"] for each in asked)
    assert any(not each["exp_alerts"] for each in asked)


def test_every_alert_of_a_project_is_one_that_the_project_can_switch_off() -> None:
    switched = [
        name
        for name, rule in alerts().items()
        if name.startswith("Project") and "codeb:project:alerts" in rule["expr"]
    ]
    assert sorted([*switched, INTERNAL]) == sorted(name for name in alerts() if name.startswith("Project"))


def test_rules_read_what_there_is() -> None:
    series = {*known(), *(rule["record"] for rule in rules(RULES))}
    for rule in (*rules(RULES), *rules(ALERTS)):
        assert names(rule["expr"]) <= series, rule["expr"]
        for name, labels in matched(rule["expr"]):
            assert labels <= known().get(name, labels if name in series else set()), (name, labels)


def test_cases_make_up_no_series_and_no_labels() -> None:
    for test in cases():
        for given in test["input_series"]:
            name, *inside = re.split(r"[{}]", given["series"])
            labels = set(re.findall(r'(\w+)="', "".join(inside)))
            assert labels <= known()[name], given["series"]


def test_every_recorded_series_that_somebody_asks_for_is_recorded() -> None:
    recorded = {rule["record"] for rule in rules(RULES)}
    sources = [*ROOT.glob("codeb/**/*"), *ROOT.glob("ops/**/*"), *ROOT.glob("docs/*.md")]
    text = "\n".join(
        path.read_text()
        for path in sources
        if path.suffix in {".py", ".json", ".mjs", ".md"} and path.is_file()
    )
    heads = "|".join(sorted({name.split(":")[1] for name in recorded}))
    asked = set(
        re.findall(
            rf"\bcodeb:(?:{heads}):[a-z0-9_:]*[a-z0-9](?![a-z0-9_:])|\bcodeb:(?:state|cpu_cores|memory_bytes)\b",
            text,
        )
    )
    assert {"codeb:state", "codeb:cpu_cores", "codeb:requests:rate1m"} <= asked
    assert asked <= recorded


def test_the_page_of_runbooks_has_each_alert_and_no_other() -> None:
    page = RUNBOOKS.read_text()
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^#|\Z)", page, re.DOTALL | re.MULTILINE))
    assert list(sections) == list(alerts()), "in the order of alerts.yml"
    for name, section in sections.items():
        assert [part for part in PARTS if part in section] == list(PARTS), name


def test_the_list_of_runbooks_says_how_grave_each_is() -> None:
    rows = re.findall(r"^\| \[(\w+)\]\(#(\w+)\) \| (\w+) \|", RUNBOOKS.read_text(), re.MULTILINE)
    assert rows == [(name, name.lower(), rule["labels"]["severity"]) for name, rule in alerts().items()]


def test_each_alert_leads_to_its_runbook() -> None:
    for name, rule in alerts().items():
        assert rule["annotations"]["runbook"] == f"@RUNBOOKS@#{name.lower()}"
        assert set(rule["annotations"]) == {"summary", "cause", "runbook"}


def test_runbooks_name_commands_that_there_are() -> None:
    verbs = {command.name for command in COMMANDS}
    said = set(re.findall(r"`codeb ([a-z]+)", RUNBOOKS.read_text()))
    assert said
    assert said <= verbs


def test_the_page_lists_the_recorded_series_that_others_may_read() -> None:
    recorded = {rule["record"] for rule in rules(RULES)}
    page = RUNBOOKS.read_text().partition("## What is worked out")[2]
    listed = set(re.findall(r"`(codeb:[a-z0-9_:]+)", page))
    assert listed <= recorded
    assert recorded - listed <= {
        name for name in recorded if re.match(r"codeb:(told|project|site|server)\b", name)
    }
