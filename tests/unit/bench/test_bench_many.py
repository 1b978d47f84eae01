"""`make bench-scale`: its tables, its figures as JSON, and what it makes of its arguments."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from codeb.model import load_manifests, parse_settings, read_sources
from codeb.plan import make_plan
from lab.bench.many import __main__ as command
from lab.bench.many import sites as caddy
from lab.bench.many import tables
from lab.bench.many.planned import Planned, planned
from lab.bench.many.sites import Sites, SitesError
from lab.bench.many.split import Join, Parts
from lab.bench.measure import Measurement
from lab.bench.programs import manifests_program, pools_of, split_programs
from lab.bench.tables import Pair

OURS = Measurement(30.0, 1400.0, {"unchanged": 90}, {"program": 400.4, "cli": 700.0}, 12.0)
BARE = Measurement(20.0, 900.0, {"unchanged": 90}, {}, 8.0)
PAIR = Pair(1000, "up, no change", OURS, BARE, (36.04, 27.8))
PARTS = Parts(
    "up, no change", (OURS, Measurement(6.0, 300.0, {"unchanged": 40}, {"cli": 90.0}, 4.0)), (14.4, 7.2)
)
SITES = Sites(1000, 3.2, 43.0, (4.0, 6.0, 5.0), 2.5, 180.2, 260.0)


def cells(heads: dict[str, int], row: tuple[str, ...]) -> dict[str, str]:
    return dict(zip(heads, row, strict=True))


def test_a_stack_s_row_has_both_programs_their_ratio_and_memory() -> None:
    found = cells(tables.STACK, tables.stack_row(PAIR))
    assert (found["one stack"], found["bare"], found["ratio"]) == ("30.0 s", "20.0 s", "1.50")
    assert (found["cpu"], found["bare: cpu"], found["ratio "]) == ("12.0 s", "8.0 s", "1.50")
    assert (found["MB: all"], found["program"], found["cli"]) == ("1400", "400", "700")
    assert (found["bare: all"], found["program "]) == ("900", "")
    assert found["states MB"] == "36.0 / 27.8"


def test_split_stacks_have_their_sum_their_longest_and_the_ratio_to_one() -> None:
    found = cells(tables.SPLIT, tables.split_row(1000, 2, PARTS, {"up, no change": 32.0}))
    assert (found["all"], found["longest"], found["cpu"]) == ("36.0 s", "30.0 s", "16.0 s")
    assert found["cpu by one stack"] == "0.50"
    assert (found["resources"], found["states MB"], found["MB: all"]) == ("130", "14.4 + 7.2", "1400")
    alone = cells(tables.SPLIT, tables.split_row(1000, 2, PARTS, {}))
    assert alone["cpu by one stack"] == "", "no ratio to what was not measured in this run"
    joined = cells(tables.SPLIT, tables.split_row(1000, 2, Join(1.5, 1000), {}))
    assert (joined["run"], joined["all"]) == ("codeb registry", "1.5 s")


def test_sites_and_plans_have_rows_too() -> None:
    found = cells(tables.SITES, tables.sites_row(SITES))
    assert (found["adapt: pattern"], found["list"], found["ratio"]) == ("43.0 s", "3.2 s", "0.074")
    assert found["reload of one"] == "5.0 s", "the median"
    assert cells(tables.SITES, tables.sites_row(Sites(9, 1, None, (1.0,), 1, 1, 1)))["adapt: pattern"] == ""
    assert cells(tables.PLAN, tables.plan_row(Planned(100, 0.1, 0.2, 0.3)))["ms a project"] == "6.0"


@pytest.mark.parametrize("found", [PAIR, PARTS, SITES, Join(1.0, 3), Planned(1, 1.0, 1.0, 1.0)])
def test_figures_are_json_with_what_they_compute(found: object) -> None:
    said = json.loads(json.dumps(tables.as_json(found)))
    assert said == {
        **said,
        **{name: getattr(found, name) for name in ("ratio", "longest") if hasattr(found, name)},
    }


def test_the_head_comes_with_the_first_row() -> None:
    said: list[str] = []
    table = tables.Growing("Title", {"one": 5, "two": 3}, said.append)
    assert said == []
    table.add(["1", "2"])
    table.add(["11", "22"])
    assert said == ["\nTitle", "one    two", "1      2", "11     22"]
    with pytest.raises(ValueError, match="argument 2 is"):
        table.add(["1"])


def test_the_pure_part_is_measured_on_an_existing_stack() -> None:
    found = planned(4, 2)
    assert (found.projects, found.load > 0, found.plan > 0, found.render > 0) == (4, True, True, True)


def test_split_stacks_have_the_projects_of_one_and_nothing_in_common(tmp_path: Path) -> None:
    programs = split_programs(tmp_path / "split", 5, 2)
    assert [program.stack for program in programs] == ["pool0", "pool1", "pool2"] == pools_of(5, 2)
    ids, addresses, domains = list[str](), list[str](), set[str]()
    for program in programs:
        plan = plan_of(program.folder, program.stack)
        ids += [project.id for project in plan.projects]
        addresses += [server.address for server in plan.servers]
        domains.add(plan.settings.domain)
    whole = plan_of(manifests_program(tmp_path / "one", 5, 2).folder, "bench")
    assert ids == [project.id for project in whole.projects]
    assert len(set(addresses)) == len(domains) == 3
    programs[0].release(1, 2)
    texts = [path.read_text() for path in sorted((tmp_path / "split/manifests").rglob("*.yaml"))]
    assert sum("app:2" in text for text in texts) == 1


def plan_of(folder: Path, stack: str) -> Any:
    values = yaml.safe_load((folder / f"Pulumi.{stack}.yaml").read_text())["config"]
    plain = {key.removeprefix("codeb:"): value for key, value in values.items()}
    settings = parse_settings({k: v for k, v in plain.items() if k not in ("rootSecret", "sshPrivateKey")})
    return make_plan(settings, load_manifests(read_sources(folder / settings.manifests), settings))


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command without what it measures; which parts were asked for, in order."""
    asked: list[str] = []

    def runs(*_: object, **__: object) -> Iterator[Pair]:
        asked.append("stack")
        yield PAIR

    def split(*_: object, **__: object) -> Iterator[Parts | Join]:
        asked.append("split")
        yield PARTS
        yield Join(1.5, 1000)

    def sites(*_: object, **__: object) -> Sites:
        asked.append("sites")
        return SITES

    monkeypatch.setattr(command, "existing", runs)
    monkeypatch.setattr(command, "split_runs", split)
    monkeypatch.setattr(command, "sites", sites)
    monkeypatch.setattr(command, "cli", lambda *_: type("Cli", (), {"why": "made up"}))
    return asked


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["bench-scale", *arguments])
    return command.main()


def test_all_parts_are_printed_and_kept(
    measured: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(monkeypatch, "--sizes", "4", "--per-pool", "2", "--json", str(tmp_path / "figures.json")) == 0
    assert measured == ["sites", "stack", "split"]
    kept = json.loads((tmp_path / "figures.json").read_text())
    assert {part: len(found) for part, found in kept.items()} == {
        "plan": 1,
        "sites": 1,
        "stack": 1,
        "split": 2,
    }
    said = capsys.readouterr().out
    assert "One stack beside a bare program" in said
    assert "A stack for each pool" in said


def test_only_what_is_named_is_measured(measured: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "--only", "split", "--sizes", "4") == 0
    assert measured == ["split"]


def test_what_caddy_says_is_an_error_and_no_figure(
    measured: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> Sites:
        raise SitesError("unshare: Operation not permitted")

    monkeypatch.setattr(command, "sites", refuse)
    assert run(monkeypatch, "--only", "sites") == 1
    assert "error: unshare: Operation not permitted" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--sizes", "0"], ["--only", "lab"], ["--per-pool", "-1"]])
def test_wrong_arguments_exit_with_2(
    arguments: list[str], measured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit) as stopped:
        run(monkeypatch, *arguments)
    assert stopped.value.code == 2


def test_caddy_that_fails_in_its_namespace_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Done:
        returncode, stdout, stderr = 1, "", "no such thing"

    monkeypatch.setattr(caddy.subprocess, "run", lambda *_, **__: Done)
    with pytest.raises(SitesError, match="no such thing"):
        caddy.sites(1, 1, glob=False)
