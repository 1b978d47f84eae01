"""The command: which parts run, what is kept, and when it fails."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from lab.bench.observability import __main__ as command
from lab.bench.observability.host.figures import Cost, Round, Seen, Share
from lab.bench.observability.series.measured import Figures
from lab.bench.releases.ways import BenchError
from lab.load.samples import Sample


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["observability", *arguments])
    return command.main()


def seen(slow: float) -> Seen:
    taken = Cost(60, 4 << 30, 0.25, {"prometheus.service": Share(100 << 20, 0.01)})
    requests = [Sample(at, slow if at < 10 else 10.0, "h2-kept", "GET", None) for at in range(20)]
    return Seen(taken, taken, 200, "how", [Round({"with": (0, 9.5), "without": (10.5, 20)})], requests, 0)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    class Nowhere:
        @staticmethod
        def here() -> Nowhere:
            return Nowhere()

        def program(self, name: str) -> Path:
            return Path(name)

    def measure(_program: Path, folder: Path, size: int, memory: int, *_: Any) -> Figures:
        assert folder.is_dir()
        return Figures(size, size * 300, 1, 1, 1, 1, 1, 1, memory, 1, memory)

    monkeypatch.setattr(command, "Lab", Nowhere)
    monkeypatch.setattr(command.measured, "measure", measure)
    monkeypatch.setattr(command, "_lab", lambda _options: seen(10.4))
    return tmp_path / "figures.json"


def test_each_part_can_run_alone_and_leaves_the_other_s_figures(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--only", "series", "--sizes", "10", "20", "--json", str(file)) == 0
    assert [each["series"] for each in json.loads(file.read_text())["series"]] == [3000, 6000]
    assert run(monkeypatch, "--only", "lab", "--json", str(file)) == 0
    kept = json.loads(file.read_text())
    assert set(kept) == {"series", "lab"}
    assert kept["lab"]["p99_ratio"] == pytest.approx(1.04)
    assert "prometheus.service" in capsys.readouterr().out


def test_a_goal_that_is_missed_fails_the_run(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_lab", lambda _options: seen(10.6))
    assert run(monkeypatch, "--json", str(file)) == 1
    assert set(json.loads(file.read_text())) == {"series", "lab"}, "both parts are told nevertheless"


@pytest.mark.parametrize(("trouble", "status"), [(BenchError("no lab"), 1), (KeyboardInterrupt(), 130)])
def test_what_ends_a_run_is_told_in_a_line(
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    trouble: BaseException,
    status: int,
) -> None:
    def broken(_options: Any) -> Seen:
        raise trouble

    monkeypatch.setattr(command, "_lab", broken)
    assert run(monkeypatch, "--only", "lab", "--json", str(file)) == status
    told = capsys.readouterr().err
    assert "no lab" in told if status == 1 else "interrupted" in told
    assert not file.exists()
