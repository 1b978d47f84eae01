"""Prometheus for so many generated projects: how it is measured, and as which figures."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from codeb.plan import monitored
from codeb.render.watched.memory import memory_of
from lab.bench.observability.series import generated
from lab.bench.observability.series.answers import answers
from lab.bench.observability.series.door import Door
from lab.bench.observability.series.watcher import Held, Watcher, free_address, watching
from lab.bench.releases.ways import BenchError

MIB: Final = 1 << 20
HEADINGS: Final = (
    *("projects", "series", "samples/s", "asked MB", "slowest s", "rules ms", "CPU s/min"),
    *("steady MiB", "peak MiB", "limit MiB", "fits"),
)
_RULES: Final = "prometheus_rule_group_duration_seconds"

Tell = Callable[[str], object]


@dataclass(frozen=True)
class Times:
    """Seconds: until all have been asked four times and most rules worked out six times, and that are looked at then."""

    warm: float = 60
    steady: float = 300


@dataclass(frozen=True)
class Figures:
    """`asked_bytes` is the text of all answers in one round, `slowest_s` how long the largest takes with parsing.

    `rules_ms` is all rules worked out once; `cpu_s` processor time a minute. `steady` and `peak` are bytes without a file
    behind them: usual ones, and the most, until all that is held has been written to a block. `limit` are bytes, too.
    """

    projects: int
    series: int
    samples_s: float
    asked_bytes: int
    slowest_s: float
    rules_ms: float
    cpu_s: float
    steady: float
    peak: int
    resident: int
    limit: int

    @property
    def fits(self) -> bool:
        """Whether it never needed more than its limit."""
        return self.peak <= self.limit

    def row(self) -> tuple[str, ...]:
        """The cells below `HEADINGS`."""
        return (
            str(self.projects),
            str(self.series),
            f"{self.samples_s:.0f}",
            f"{self.asked_bytes / 1e6:.1f}",
            f"{self.slowest_s:.2f}",
            f"{self.rules_ms:.0f}",
            f"{self.cpu_s:.2f}",
            *(f"{size / MIB:.0f}" for size in (self.steady, self.peak, self.limit)),
            "yes" if self.fits else "no",
        )


@dataclass
class Samples:
    """What was seen second by second."""

    held: list[Held] = field(default_factory=list)

    def for_seconds(self, watcher: Watcher, seconds: float) -> None:
        """Look each second, for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.held.append(watcher.held())
            time.sleep(1)


def measure(program: Path, folder: Path, size: int, memory: int, times: Times, tell: Tell) -> Figures:
    """Have `program` watch so many projects, with what `codeb:monitoring.memory` (MiB) leaves it of memory.

    `folder` is empty, and holds its data afterwards. Raises BenchError when it ends, misses a target or works out no rules.
    """
    plan = generated.plan_of(size, memory)
    files, address = generated.prometheus_files(plan), free_address()
    door = Door(answers(plan, files), {f"127.0.0.1:{monitored.PROMETHEUS_PORT}": address})
    limit = memory_of(plan, "prometheus")
    tell(f"bench: {size} projects, Prometheus may take {limit} MiB of {memory} MiB")
    with door.open() as url:
        for name, content in files.items():
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(
                generated.configuration(content, folder, url) if name == "prometheus.yml" else content
            )
        with watching(program, folder, address, limit) as watcher:
            found = _watched(watcher, door, size, limit * MIB, times)
    tell(f"bench: {size} projects: {found.series} series, {found.peak / MIB:.0f} MiB")
    return found


def _watched(watcher: Watcher, door: Door, size: int, limit: int, times: Times) -> Figures:
    warm, steady, last = Samples(), Samples(), Samples()
    warm.for_seconds(watcher, times.warm)
    began, cpu, before = time.monotonic(), watcher.cpu_seconds(), watcher.figures()
    steady.for_seconds(watcher, times.steady)
    took = time.monotonic() - began
    used, after = watcher.cpu_seconds() - cpu, watcher.figures()
    check(watcher, after, size)
    slowest = watcher.query("max(scrape_duration_seconds)")
    watcher.written()
    last.for_seconds(watcher, 1)
    seen = [each for samples in (warm, steady, last) for each in samples.held]
    return Figures(
        projects=size,
        series=int(after["prometheus_tsdb_head_series"]),
        samples_s=_grown(before, after, "prometheus_tsdb_head_samples_appended_total") / took,
        asked_bytes=sum(door.sizes.values()),
        slowest_s=slowest,
        rules_ms=rules_ms(before, after),
        cpu_s=used / took * 60,
        steady=fmean(each.anonymous for each in steady.held),
        peak=max(each.anonymous for each in seen),
        resident=max(each.resident for each in seen),
        limit=limit,
    )


def check(watcher: Any, figures: Mapping[str, float], size: int) -> None:
    """Raises BenchError unless all targets answered, all rules kept up, and each project is known and well."""
    missed = sum(_named(figures, "prometheus_rule_group_iterations_missed_total").values())
    faults = {
        "targets that do not answer": watcher.query("count(up == 0)"),
        "rules that were late": missed,
        "projects that rules do not know": size - watcher.query("count(codeb:state == 0)"),
        "projects without requests": size - watcher.query("count(codeb:requests:rate5m > 0)"),
        "projects without processes": size - watcher.query("count(codeb:memory_bytes > 0)"),
    }
    wrong = {what: count for what, count in faults.items() if count}
    if wrong:
        raise BenchError(f"what Prometheus had is not what was to be measured: {wrong}")


def rules_ms(before: Mapping[str, float], after: Mapping[str, float]) -> float:
    """Milliseconds that all groups take once, between two looks at Prometheus' own figures."""
    found = 0.0
    for text, now in _named(after, f"{_RULES}_sum").items():
        count = text.replace(f"{_RULES}_sum", f"{_RULES}_count")
        times = after[count] - before.get(count, 0)
        found += (now - before.get(text, 0)) / times if times else 0
    return found * 1000


def _named(figures: Mapping[str, float], name: str) -> dict[str, float]:
    return {text: value for text, value in figures.items() if text.partition("{")[0] == name}


def _grown(before: Mapping[str, float], after: Mapping[str, float], name: str) -> float:
    return sum(_named(after, name).values()) - sum(_named(before, name).values())
