"""The console's queries mean what the page says they do: worked out by Prometheus' own engine from series made up here."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from codeb.render.console import SOURCES
from tests.promtool import promtool

QUERIES = json.loads((SOURCES / "queries.json").read_text())
HOUR = 60
PROJECT = r'sh"o\p'


def filled(query: str, span: str = "1h") -> str:
    """As `prometheus.mjs` fills in."""
    return query.replace("$range", span).replace("$project", json.dumps(PROJECT))


def worked_out(folder: Path, series: dict[str, str], wanted: list[tuple[str, list[dict[str, Any]]]]) -> str:
    """What promtool says when these queries have not these answers an hour after the series' start; empty when they have."""
    tests = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {"expr": query, "eval_time": f"{HOUR}m", "exp_samples": samples} for query, samples in wanted
        ],
    }
    (folder / "none.yml").write_text("groups: []\n")
    file = folder / "tests.yml"
    file.write_text(
        yaml.safe_dump({"rule_files": ["none.yml"], "evaluation_interval": "1m", "tests": [tests]})
    )
    done = promtool("test", "rules", file)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def series(scope: str, rate: str, mean: str, errors: str) -> dict[str, str]:
    """The series that the figures of all, or of one project, are worked out from."""
    labels = json.dumps(PROJECT)
    prefix, labels = ("codeb:platform:", "") if scope == "all" else ("codeb:", f"{{project={labels}}}")
    return {
        f"{prefix}requests:rate1m{labels}": rate,
        f"{prefix}requests:rate5m{labels}": rate,
        f"{prefix}latency_seconds:mean{labels}": mean,
        f"{prefix}errors:ratio5m{labels}": errors,
    }


def sample(value: float) -> list[dict[str, Any]]:
    return [{"labels": "{}", "value": value}]


def nothing(many: int) -> str:
    """A share of no requests, so often."""
    return " ".join(["NaN"] * many)


def of_one(samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each | {"labels": f"{{project={json.dumps(PROJECT)}}}"} for each in samples]


@pytest.mark.parametrize("scope", ["all", "one"])
def test_figures_count_requests_and_not_minutes(tmp_path: Path, scope: str) -> None:
    """Half an hour of 1/s at 0.1 s without errors, then one of 3/s at 0.5 s of which half fail."""
    made = series(scope, "1x30 3x29", "0.1x30 0.5x29", "0x30 0.5x29")
    figures = {name: filled(query) for name, query in QUERIES[scope]["figures"].items()}
    wanted = [(figures["total"], 7200.0), (figures["mean"], 0.4), (figures["errors"], 0.375)]
    answers = [(query, sample(value) if scope == "all" else of_one(sample(value))) for query, value in wanted]
    assert worked_out(tmp_path, made, answers) == ""


@pytest.mark.parametrize("scope", ["all", "one"])
def test_without_requests_there_is_no_mean_and_no_error_rate(tmp_path: Path, scope: str) -> None:
    made = series(scope, "0x60", nothing(61), nothing(61))
    figures = {name: filled(query) for name, query in QUERIES[scope]["figures"].items()}
    total = sample(0) if scope == "all" else of_one(sample(0))
    wanted = [(figures["total"], total), (figures["mean"], []), (figures["errors"], [])]
    assert worked_out(tmp_path, made, wanted) == ""


def test_minutes_without_requests_weigh_nothing(tmp_path: Path) -> None:
    made = series("all", "0x30 2x29", f"{nothing(31)} 0.2x29", f"{nothing(31)} 0.1x29")
    figures = {name: filled(query) for name, query in QUERIES["all"]["figures"].items()}
    wanted = [
        (figures["total"], sample(3600)),
        (figures["mean"], sample(0.2)),
        (figures["errors"], sample(0.1)),
    ]
    assert worked_out(tmp_path, made, wanted) == ""


def test_what_is_not_there_is_not_counted(tmp_path: Path) -> None:
    """A platform that has measured for a quarter of an hour has had a quarter of an hour's requests."""
    made = series("all", "_x46 4x14", "_x46 0.2x14", "_x46 0x14")
    assert worked_out(tmp_path, made, [(filled(QUERIES["all"]["figures"]["total"]), sample(3600))]) == ""


def test_ages_are_in_seconds_and_end_when_nothing_is_told_any_more(tmp_path: Path) -> None:
    file = (
        'node_textfile_mtime_seconds{server="a",file="/var/lib/prometheus/node-exporter/codeb_projects.prom"}'
    )
    other = 'node_textfile_mtime_seconds{server="a",file="/var/lib/prometheus/node-exporter/apt.prom"}'
    made = {
        'codeb:state{project="a"}': "0x58 _x2",
        'codeb:state{project="b"}': "2x57 _x3",
        file: "3000x60",
        other: "0x60",
    }
    wanted = [
        (QUERIES["age"]["evaluated"], sample(58 * 60)),
        (QUERIES["age"]["told"], [{"labels": '{server="a"}', "value": 600}]),
    ]
    assert worked_out(tmp_path, made, wanted) == ""


def test_a_wrong_answer_would_be_told(tmp_path: Path) -> None:
    told = worked_out(
        tmp_path,
        series("all", "1x60", "1x60", "0x60"),
        [(filled(QUERIES["all"]["figures"]["total"]), sample(1))],
    )
    assert re.search(r"exp:.*1E\+00|3600|3\.6E\+03", told), told


def test_every_query_of_the_page_is_promql(tmp_path: Path) -> None:
    every = [*QUERIES["every_project"].values(), *QUERIES["age"].values()]
    for scope in ("all", "one"):
        every += [*QUERIES[scope]["figures"].values(), *QUERIES[scope]["charts"].values()]
    scalar = "time()"
    wanted: list[tuple[str, list[dict[str, Any]]]] = [
        (filled(query), []) for query in every if query != scalar
    ]
    assert worked_out(tmp_path, {"unrelated": "1x60"}, wanted) == ""
