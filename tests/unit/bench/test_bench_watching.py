"""What watching costs on the lab host: looks at its processes, units that go away and come back, figures and goals."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from codeb.render.watched import watched_files
from lab.bench.observability.host import reading, units
from lab.bench.observability.host.figures import (
    HEADINGS,
    Cost,
    Round,
    Seen,
    Share,
    as_json,
    cost,
    goals,
    rows,
)
from lab.bench.observability.host.phases import switched
from lab.bench.observability.host.units import Reading, Units, Use
from lab.bench.releases.ways import BenchError
from lab.load.samples import Sample
from lab.paths import REPO
from tests.cases.render.case import Case

PROMETHEUS, COLLECTOR = "prometheus.service", "codeb-collector.service"


def process(proc: Path, pid: int, groups: str, pss: int = 100, ticks: str = "10 20 3 4") -> None:
    folder = proc / str(pid)
    folder.mkdir(parents=True)
    (folder / "cgroup").write_text(groups)
    (folder / "smaps_rollup").write_text(
        f"0-1 ---p 0 00:00 0 [rollup]\nRss: 999 kB\nPss: {pss} kB\nPss_Anon: 1 kB\n"
    )
    (folder / "stat").write_text(f"{pid} (a b) c) S 1 1 1 0 -1 4194304 1 2 3 4 {ticks} 20 0 1 0 5\n")


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    found = tmp_path / "proc"
    found.mkdir()
    (found / "meminfo").write_text("MemTotal:       2048 kB\nMemFree: 1 kB\n")
    (found / "stat").write_text("cpu  100 20 30 900 50 4 6 10 70 0\ncpu0 1 2 3\n")
    return found


def test_a_unit_s_processes_are_told_by_their_control_groups_on_each_kind_of_kernel(proc: Path) -> None:
    process(proc, 10, "0::/system.slice/prometheus.service/libpod-payload-1\n")
    process(proc, 11, "1:name=systemd:/system.slice/prometheus.service/runtime\n0::/\n", pss=50)
    process(proc, 12, "0::/system.slice/codeb-prometheus.service\n", pss=7000)
    process(proc, 13, "0::/user.slice/prometheus.service.d\n", pss=7000)
    found = reading.reading([PROMETHEUS], proc)
    assert found["units"] == {PROMETHEUS: {"processes": 2, "bytes": 150 * 1024, "cpu_s": 74 / reading.TICKS}}
    assert found["memory"] == 2048 * 1024


def test_what_processors_did_counts_once_and_without_waiting(proc: Path) -> None:
    assert reading.reading([], proc)["busy_s"] == (100 + 20 + 30 + 4 + 6) / reading.TICKS


def test_a_process_that_ends_while_it_is_looked_at_is_left_out(proc: Path) -> None:
    process(proc, 10, "0::/system.slice/prometheus.service\n")
    process(proc, 11, "0::/system.slice/prometheus.service\n")
    (proc / "11" / "smaps_rollup").unlink()
    assert reading.reading([PROMETHEUS], proc)["units"] == {
        PROMETHEUS: {"processes": 1, "bytes": 100 * 1024, "cpu_s": 37 / reading.TICKS}
    }


def test_the_script_runs_as_the_host_runs_it() -> None:
    script = Path(reading.__file__).read_bytes()

    def said(*arguments: str) -> dict[str, object]:
        line = [sys.executable, "-", *arguments]
        done = subprocess.run(line, input=script, capture_output=True, check=True)
        return dict(json.loads(done.stdout))

    nobody = "codeb-of-nobody.service"
    assert said(nobody)["units"] == {nobody: {"processes": 0, "bytes": 0, "cpu_s": 0.0}}
    used = said("--once", sys.executable, "-c", "x = bytearray(1 << 24); sum(range(10**6))")
    assert used["bytes"] > 1 << 24  # type: ignore[operator]
    assert used["cpu_s"] > 0  # type: ignore[operator]


class Host:
    """Answers as the lab host would; `active` are its services that run."""

    def __init__(self, *active: str, fails: str = "") -> None:
        self.active, self.fails = set(active), fails
        self.lines: list[list[str]] = []

    def run(
        self, name: str, argv: Sequence[str], stdin: bytes | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        self.lines.append(list(argv))
        out = ""
        if argv[:2] == ["systemctl", "is-active"]:
            out = "".join("active\n" if each in self.active else "inactive\n" for each in argv[2:])
        status = int(argv[:2] == ["systemctl", self.fails])
        return subprocess.CompletedProcess(argv, status, out.encode(), b"no such thing")

    def verbs(self) -> list[str]:
        return [line[1] for line in self.lines]


def test_only_what_runs_is_measured_and_stopped() -> None:
    host = Host(PROMETHEUS, COLLECTOR, "prometheus-node-exporter.service", "loki.service")
    found = Units.on(host)
    assert found.services == (PROMETHEUS, "loki.service", COLLECTOR, "prometheus-node-exporter.service")
    with found.away():
        assert host.lines[-1] == ["systemctl", "stop", "codeb-metrics.timer", *found.services]
    assert host.lines[-1] == ["systemctl", "start", "codeb-metrics.timer", *found.services]


def test_a_host_that_nobody_watches_is_no_measurement() -> None:
    with pytest.raises(BenchError, match="make lab"):
        Units.on(Host(COLLECTOR))


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, BenchError])
def test_what_was_stopped_is_started_again_whatever_happens(trouble: type[BaseException]) -> None:
    host = Host(PROMETHEUS)
    with pytest.raises(trouble), Units.on(host).away():
        raise trouble
    assert host.verbs() == ["is-active", "stop", "start"]


def test_what_was_stopped_in_part_is_started_again() -> None:
    host = Host(PROMETHEUS, fails="stop")
    with pytest.raises(BenchError, match="no such thing"), Units.on(host).away():
        pytest.fail("it goes on although it could not stop them")
    assert host.verbs() == ["is-active", "stop", "start"]


def test_every_service_that_the_platform_deploys_for_monitoring_is_known() -> None:
    found: set[str] = set()
    for case in ("watched", "watched-several"):
        plan = Case(REPO / "tests/cases/render" / case).plan()
        for server in plan.servers:
            found |= {service.name for service in watched_files(plan, server, ()).services}
    assert "prometheus-redis-exporter.service" in found
    assert found - {f"{name}.service" for name in units.KNOWN} == {"codeb-metrics.timer"}


def look(at: float, cpu: float, size: int, busy: float) -> Reading:
    used = {PROMETHEUS: {"processes": 1, "bytes": size, "cpu_s": cpu}}
    return Reading.of({"at": at, "memory": 1 << 30, "processors": 2, "busy_s": busy, "units": used})


def test_costs_are_shares_of_all_processors() -> None:
    found = cost(look(100, 5, 100 << 20, 1000), look(160, 8, 120 << 20, 1060), Use(50 << 20, 1.2))
    assert found.units[PROMETHEUS] == Share(110 << 20, 3 / 120)
    assert found.units["codeb-metrics.service"] == Share(50 << 20, 0.01)
    assert found.busy == 0.5
    assert found.cpu == pytest.approx(0.035)
    assert found.bytes == 110 << 20, "the agent is there for a moment"


def test_a_unit_that_was_started_again_is_no_measurement() -> None:
    with pytest.raises(BenchError, match=r"prometheus[.]service was started again"):
        cost(look(0, 5, 1, 0), look(60, 1, 1, 1), Use(0, 0))


def test_a_unit_without_a_process_is_no_measurement() -> None:
    empty = {PROMETHEUS: {"processes": 0, "bytes": 0, "cpu_s": 0.0}}
    with pytest.raises(BenchError, match=PROMETHEUS):
        Reading.of({"at": 0, "memory": 1, "processors": 1, "busy_s": 0, "units": empty})


def seen(slow: float = 10.0, failed: int = 0, mib: int = 400) -> Seen:
    taken = Cost(
        60,
        4 << 30,
        0.25,
        {PROMETHEUS: Share(mib << 20, 0.01), "codeb-metrics.service": Share(50 << 20, 0.002)},
    )
    requests = [
        Sample(begin + number / 10, ms, "h2-kept", "GET", None)
        for begin, ms in ((0, slow), (20, 10.0), (40, 10.0), (60, slow))
        for number in range(100)
    ]
    rounds = [
        Round({"with": (0, 10), "without": (20, 30)}),
        Round({"without": (40, 50), "with": (60, 70)}),
    ]
    return Seen(taken, taken, 200, "how", rounds, requests, failed)


def missed(found: Seen) -> list[str]:
    return [goal.name.split(":")[0] for goal in goals(found) if not goal.met and goal.hard]


def test_each_goal_can_be_met_and_missed() -> None:
    assert missed(seen()) == []
    assert missed(seen(slow=10.5)) == []
    assert missed(seen(slow=10.6)) == ["p99 with by p99 without <= 1.05"]
    assert missed(seen(failed=1)) == ["failed requests"]
    assert missed(seen(mib=601)) == ["memory <= 600 MiB"]


def test_ratios_are_of_all_rounds_and_of_each() -> None:
    found = seen(slow=12)
    assert found.ratio == pytest.approx(1.2)
    assert found.ratios == pytest.approx([1.2, 1.2])
    assert as_json(found)["latency_ms"]["without"]["p99"] == 10


def test_the_table_has_each_unit_the_sum_and_shares_of_the_host() -> None:
    found = {name: dict(zip(HEADINGS, (name, *cells), strict=True)) for name, *cells in rows(seen())}
    assert found[PROMETHEUS]["idle MiB"] == "400"
    assert found["all of it"]["load CPU %"] == "1.20"
    assert found["share of the host"]["idle MiB"] == "9.8%"
    assert found["whatever ran"]["load CPU %"] == "25.0%"


def test_the_stack_without_monitoring_is_the_repository_s_but_for_that() -> None:
    text = (REPO / "Pulumi.dev.yaml").read_text()
    before, off, on = (
        yaml.safe_load(each)["config"] for each in (text, switched(text, False), switched(text, True))
    )
    assert off.pop("codeb:monitoring") == {**before["codeb:monitoring"], "enabled": False}
    assert on.pop("codeb:monitoring") == {**before.pop("codeb:monitoring"), "enabled": True}
    assert off == on == before
