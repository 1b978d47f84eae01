"""The phases of the lab part in their order, on a host and under a load that are made up."""

from __future__ import annotations

import itertools
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from lab.bench.observability.host import phases
from lab.bench.releases.ways import BenchError
from lab.load import LoadError, Result
from lab.load.samples import Sample, Window

PROMETHEUS, COLLECTOR = "prometheus.service", "codeb-collector.service"


class Machine:
    """A host on which two services run, and a clock; `told` has what happened in words."""

    def __init__(self) -> None:
        self.now, self.told, self.up = 0.0, list[str](), True
        self.windows: list[tuple[Window, bool]] = []

    def run(
        self, name: str, argv: Sequence[str], stdin: bytes | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        out = ""
        if argv[0] == "systemctl":
            if argv[1] == "is-active":
                out = "".join(
                    "active\n" if each in (PROMETHEUS, COLLECTOR) else "unknown\n" for each in argv[2:]
                )
            else:
                self.up = argv[1] == "start"
                self.told.append(argv[1])
        elif "--once" in argv:
            out = json.dumps({"bytes": 50 << 20, "cpu_s": 0.6})
        else:
            self.told.append("look")
            units = {unit: {"processes": 1, "bytes": 10 << 20, "cpu_s": self.now / 100} for unit in argv[2:]}
            out = json.dumps(
                {"at": self.now, "memory": 1 << 30, "processors": 2, "busy_s": self.now, "units": units}
            )
        return subprocess.CompletedProcess(argv, 0, out.encode(), b"")

    def stay(self, seconds: float) -> Window:
        began, self.now = self.now, self.now + seconds
        if seconds not in (phases.SETTLE_SECONDS, phases.WARM_UP_SECONDS):
            self.windows.append(((began, self.now), self.up))
        return began, self.now


class Stack:
    """The stack on it, which may be deployed without what watches it."""

    def __init__(self, machine: Machine) -> None:
        self.lab, self.target = machine, None

    def watched(self, enabled: bool) -> None:
        self.lab.up = enabled
        self.lab.told.append(f"deployed {'with' if enabled else 'without'}")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    found = Machine()

    class Load:
        """A request each second, slow by a tenth while the host is watched."""

        def __init__(self, *_: object) -> None:
            self.began = 0.0

        def __enter__(self) -> Load:
            self.began = found.now
            found.told.append("load")
            return self

        def __exit__(self, *_: object) -> None:
            found.told.append("load ends")

        @property
        def result(self) -> Result:
            requests = [
                Sample(begin + second, 11.0 if up else 10.0, "h2-kept", "GET", None)
                for (begin, end), up in found.windows
                for second in range(int(end - begin))
                if begin >= self.began
            ]
            return Result(self.began, found.now, tuple(requests), 0, (), (), ("a trouble",))

    monkeypatch.setattr(phases, "Load", Load)
    monkeypatch.setattr(phases, "stay", found.stay)
    monkeypatch.setattr(phases.time, "sleep", lambda seconds: setattr(found, "now", found.now + seconds))
    return found


def measured(machine: Machine, **more: Any) -> phases.Seen:
    stack: Any = Stack(machine)
    return phases.measure(stack, phases.Plan(rounds=2, half_seconds=7, **more), lambda _line: None)


def test_services_go_and_come_back_in_turns_under_one_load(machine: Machine) -> None:
    found = measured(machine)
    assert machine.told == [
        *("look", "look", "load", "look", "look"),
        *("stop", "start", "stop", "start"),
        "load ends",
    ]
    assert [up for _, up in machine.windows] == [True, False, False, True], "neither is always the later"
    assert found.ratio == pytest.approx(1.1)
    assert found.failed == 1, "whatever failed in the load counts"
    assert machine.up


def test_figures_idle_and_under_load_are_of_all_that_runs(machine: Machine) -> None:
    found = measured(machine, seconds=50)
    assert set(found.idle.units) == {PROMETHEUS, COLLECTOR, "codeb-metrics.service"}
    assert found.busy.units[COLLECTOR].cpu == pytest.approx(0.5 / 100)
    assert found.idle.bytes == 20 << 20
    assert found.busy.units["codeb-metrics.service"].cpu == pytest.approx(0.6 / 60 / 2)


def test_the_stack_is_deployed_without_between_two_with(machine: Machine) -> None:
    found = measured(machine, without="stack")
    assert [line for line in machine.told if line.startswith(("deployed", "load"))] == [
        *("load", "load ends"),
        *itertools.chain.from_iterable(
            (f"deployed {way}", "load", "load ends") for way in ("with", "without", "with")
        ),
    ]
    assert "stop" not in machine.told
    assert found.ratios == pytest.approx([1.1, 1.1])
    assert found.failed == 4, "of all loads"


@pytest.mark.parametrize("trouble", [KeyboardInterrupt(), LoadError("the load is gone"), BenchError("no")])
def test_an_end_in_between_leaves_services_running(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, trouble: BaseException
) -> None:
    def stay(seconds: float) -> Window:
        if not machine.up:
            raise trouble
        return machine.stay(seconds)

    monkeypatch.setattr(phases, "stay", stay)
    with pytest.raises(type(trouble)):
        measured(machine)
    assert machine.told[-2:] == ["start", "load ends"]
    assert machine.up


def test_settings_of_the_folder_are_the_repository_s_with_monitoring_on_or_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "Pulumi.dev.yaml"
    settings.symlink_to(phases.paths.REPO / "Pulumi.dev.yaml")
    told: list[str] = []
    monkeypatch.setattr(phases.Watched, "_up", lambda _self, what: told.append(what))
    monkeypatch.setattr(phases.Watched, "target", None)
    monkeypatch.setattr(phases, "wait_until_serving", lambda _target: None)
    anything: Any = None
    stack = phases.Watched(tmp_path, anything, anything)
    stack.watched(False)
    assert not settings.is_symlink(), "the repository's own stays as it is"
    assert "enabled: false" in settings.read_text()
    stack.watched(True)
    assert "enabled: true" in settings.read_text()
    assert told == ["monitoring off", "monitoring on"]
