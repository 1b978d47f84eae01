"""Prometheus among generated projects: what they are is the platform's own, and a real Prometheus finds all of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lab.bench.observability.series import generated, measured
from lab.bench.observability.series.answers import answers
from lab.bench.observability.series.door import Door
from lab.bench.observability.series.measured import HEADINGS, Figures, Times, check, measure, rules_ms
from lab.bench.observability.series.text import Text, others, sampled
from lab.bench.observability.series.watcher import Held, cpu_seconds, parsed
from lab.bench.releases.ways import BenchError
from tests.monitoring.processes import program, running, text
from tests.ports import free_port
from tests.rules.sources import known

SIZE = 12


def series(found: Text) -> list[tuple[str, frozenset[str]]]:
    """Names with the names of their labels."""
    lines = [line.text for line in found.lines if line.step is not None]
    return [(line.partition("{")[0], frozenset(re.findall(r'(\w+)="', line))) for line in lines]


@pytest.fixture(scope="module")
def told() -> dict[str, Text]:
    plan = generated.plan_of(SIZE, 600)
    return answers(plan, generated.prometheus_files(plan))


def test_names_and_labels_are_those_that_rules_read(told: dict[str, Text]) -> None:
    read = known()
    for address in ("127.0.0.1:9100", "127.0.0.1:9256", "127.0.0.1:2020", "127.0.0.1:9187"):
        for name, labels in series(told[address]):
            own = {f"exported_{label}" if label == "server" else label for label in labels}
            assert own <= read.get(name, own), name
    names = {name for found in told.values() for name, _ in series(found)}
    assert {name for name in read if name.startswith("codeb_")} <= names, "all that the agent tells"
    assert {name for name in read if name.startswith(("caddy_", "namedprocess_", "pg_stat"))} <= names


def test_what_grows_grows_with_projects_and_the_rest_is_there_once(told: dict[str, Text]) -> None:
    plan = generated.plan_of(2 * SIZE, 600)
    larger = answers(plan, generated.prometheus_files(plan))
    databases = told["127.0.0.1:9187"].series - 440
    assert databases == 49 * SIZE
    assert larger["127.0.0.1:9187"].series == 440 + 2 * databases
    assert larger["127.0.0.1:8888"].series == told["127.0.0.1:8888"].series
    hosts = {host for project in plan.projects for host in project.hosts}
    assert larger["127.0.0.1:2020"].series == 100 + len(hosts) * (8 * 50 + 2)


def test_no_series_is_there_twice(told: dict[str, Text]) -> None:
    for address, found in told.items():
        lines = [line.text for line in found.lines]
        assert len(lines) == len(set(lines)), address


def test_more_projects_than_a_server_takes_are_on_several() -> None:
    plan = generated.plan_of(401, 600)
    assert [len(plan.projects_on(server.name)) for server in plan.servers] == [400, 1]
    files = generated.prometheus_files(plan)
    assert "10.66.0.2:2020" in answers(plan, files)


def test_counters_rise_and_buckets_hold_what_smaller_ones_hold() -> None:
    found = sampled("caddy_requests", [{"host": "a.test", "method": "GET", "code": "200"}])
    first, second = (parsed(found.at(time).decode()) for time in (1, 2))
    assert all(second[name] > first[name] for name in first)
    name = "caddy_http_request_duration_seconds"
    buckets = [value for line, value in second.items() if line.startswith(f"{name}_bucket")]
    assert buckets == sorted(buckets)
    (count,) = (value for line, value in second.items() if line.startswith(f"{name}_count"))
    assert buckets[-1] == count


def test_caddy_s_sample_is_what_caddy_tells(tmp_path: Path) -> None:
    site, door = free_port(), free_port()
    (tmp_path / "Caddyfile").write_text(
        "{\n\tadmin off\n\tauto_https off\n\tmetrics {\n\t\tper_host\n\t}\n}\n"
        f'http://localhost:{site} {{\n\tencode gzip\n\trespond "yes"\n}}\n'
        f"http://:{door} {{\n\tmetrics /metrics\n}}\n"
    )
    caddy = str(Path(sys.executable).parent / "caddy")
    line = [caddy, "run", "--adapter", "caddyfile", "--config", str(tmp_path / "Caddyfile")]
    with running(line, tmp_path / "caddy.log", f"http://127.0.0.1:{door}/metrics"):
        assert text(f"http://localhost:{site}/") == "yes"
        real = {
            re.sub(r'server="\w+"', "", each.replace('"_other"', '"localhost"'))
            for each in parsed(text(f"http://127.0.0.1:{door}/metrics"))
            if 'handler="subroute"' in each
        }
    row = {"host": "localhost", "method": "GET", "code": "200"}
    ours = sampled("caddy_requests", [row]) + sampled("caddy_hosts", [row])
    assert real == {re.sub(r'server="\w+"', "", line.text) for line in ours.lines if line.step is not None}


def test_prometheus_takes_the_configuration_and_every_answer(told: dict[str, Text], tmp_path: Path) -> None:
    files = generated.prometheus_files(generated.plan_of(SIZE, 600))
    (tmp_path / "targets").mkdir()
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    whole = generated.configuration(files["prometheus.yml"], tmp_path, "http://127.0.0.1:1")
    (tmp_path / "prometheus.yml").write_text(whole)
    done = subprocess.run(
        [program("promtool"), "check", "config", tmp_path / "prometheus.yml"], capture_output=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "/etc/codeb" not in whole


def test_the_door_answers_who_is_called_by_name_and_nobody_else(told: dict[str, Text]) -> None:
    door = Door(told, {})
    first, second = (door.answer("http://127.0.0.1:2020/metrics") for _ in range(2))
    assert first != second, "counters rise from one time to the next"
    assert door.answer("http://127.0.0.1:9121/scrape?target=redis%3A%2F%2F127.0.0.1%3A6379") is not None
    assert door.answer("http://app-0001.metrics:2020/metrics") is not None
    assert door.answer("http://app-0002.metrics:2020/metrics") is None, "it offers none"
    assert door.asked["127.0.0.1:2020"] == 2
    assert door.sizes["127.0.0.1:2020"] == len(second or b"")


def test_a_real_prometheus_knows_every_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In seconds: all is asked and worked out fifteen times as often."""
    rendered = generated.prometheus_files

    def quick(plan: generated.Plan) -> dict[str, str]:
        return {
            name: re.sub(r"(interval: )\d+s", r"\g<1>1s", content) for name, content in rendered(plan).items()
        }

    monkeypatch.setattr(measured.generated, "prometheus_files", quick)
    lines: list[str] = []
    found = measure(program("prometheus"), tmp_path, SIZE, 600, Times(4, 4), lines.append)
    assert found.series > SIZE * 200
    assert found.limit == 141 << 20
    assert found.peak >= found.steady > 0
    assert len(found.row()) == len(HEADINGS)
    assert len(lines) == 2


def test_a_prometheus_that_ends_is_told_with_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measured.generated, "configuration", lambda *_: "nonsense: true\n")
    with pytest.raises(BenchError, match="nonsense"):
        measure(program("prometheus"), tmp_path, 1, 600, Times(1, 1), lambda _: None)


class Asked:
    """Counts `well` projects, whatever is asked of them, and `down` targets."""

    def __init__(self, well: float = 3, down: float = 0) -> None:
        self.well, self.down = well, down

    def query(self, expression: str) -> float:
        return self.down if expression == "count(up == 0)" else self.well


def test_what_was_not_measured_as_meant_is_no_figure() -> None:
    late = 'prometheus_rule_group_iterations_missed_total{rule_group="a"}'
    check(Asked(), {late: 0}, 3)
    with pytest.raises(BenchError, match="targets that do not answer': 1"):
        check(Asked(down=1), {late: 0}, 3)
    with pytest.raises(BenchError, match="rules that were late': 2"):
        check(Asked(), {late: 2}, 3)
    with pytest.raises(BenchError, match="projects that rules do not know': 1"):
        check(Asked(well=2), {late: 0}, 3)


def test_rules_time_is_that_of_each_group_once() -> None:
    name = "prometheus_rule_group_duration_seconds"
    before = {f'{name}_sum{{rule_group="a"}}': 1.0, f'{name}_count{{rule_group="a"}}': 10.0}
    after = {
        f'{name}_sum{{rule_group="a"}}': 2.0,
        f'{name}_count{{rule_group="a"}}': 20.0,
        f'{name}_sum{{rule_group="b"}}': 0.5,
        f'{name}_count{{rule_group="b"}}': 2.0,
    }
    assert rules_ms(before, after) == pytest.approx(350)


def test_what_a_process_holds_is_read_from_the_kernel_s_files() -> None:
    assert Held.of("Name:\tx\nVmRSS:\t    20 kB\nRssAnon:\t    12 kB\nThreads:\t9\n") == Held(12288, 20480)
    assert Held.of("Name:\tx\nState:\tZ (zombie)\nThreads:\t1\n") == Held(0, 0), "just ended"
    ticks = cpu_seconds("7 (a) b) S 1 1 1 0 -1 0 0 0 0 0 30 12 99 99 20 0\n")
    assert ticks == 42 / os.sysconf("SC_CLK_TCK")


def test_it_fits_up_to_its_limit() -> None:
    figures = Figures(10, 1, 1, 1, 1, 1, 1, 1, 100, 200, 100)
    assert figures.fits
    assert not Figures(10, 1, 1, 1, 1, 1, 1, 1, 101, 200, 100).fits


def test_others_are_as_many_as_said() -> None:
    assert others(7).series == 7
