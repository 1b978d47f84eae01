"""What the benchmark prints."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from lab.bench.releases import verdict
from lab.bench.releases.verdict import Goal, Seen
from lab.load.samples import percentile

SHOWN_DROPS = 20


def show_one(console: Console, seen: Seen) -> None:
    """Latency by kind of traffic, releases, rollback, and everything that went wrong."""
    result = seen.result
    steady, during = ("p50", "p95", "p99"), ("p50", "p95", "p99", "p99 ratio")
    table = Table("traffic", "requests", *steady, "in releases", *during, box=None, pad_edge=False)
    for kind, (calm, busy) in verdict.latencies(seen).items():
        table.add_row(kind, *_figures(calm), *_figures(busy), f"{busy.p99 / calm.p99:.2f}")
    console.print(
        "\nLatency in ms, steady and while a release runs (the engine gives way: elsewhere it has a machine of its own)"
    )
    console.print(table)
    console.print(
        f"release by release, by the steady load right before and after: median ratio "
        f"{percentile(verdict.ratios(seen), 50):.2f}; a release slowed {verdict.slowed(seen):.0f} requests"
    )
    console.print(
        f"\n{len(result.requests)} requests, {len(result.uploads)} slow uploads, {len(result.lives)} streams opened"
    )
    shortest, middle, longest = verdict.durations(seen)
    console.print(
        f"{len(seen.releases)} releases: {shortest:.1f} s shortest, {middle:.1f} s median, {longest:.1f} s longest"
    )
    if back := seen.rollback:
        console.print(
            f"rollback ({back.way}): old version after {back.serving:.2f} s, command done after {back.done:.2f} s"
        )
    show_failures(console, seen)


def show_all(console: Console, found: Mapping[str, Seen]) -> None:
    """The ways side by side, and what went wrong with each."""
    table = Table("", *found, box=None, pad_edge=False)
    columns = [_column(seen) for seen in found.values()]
    for name in columns[0]:
        table.add_row(name, *(column[name] for column in columns))
    console.print("\nOur releases and the peers', the same app and load in the same run (times in ms)")
    console.print(table)
    for name, seen in found.items():
        console.print(f"\n{name}:")
        show_failures(console, seen)


def _column(seen: Seen) -> dict[str, str]:
    calm, busy = verdict.latencies(seen)["all"]
    shortest, middle, longest = verdict.durations(seen)
    return {
        "requests": str(len(seen.result.requests)),
        "failed": str(seen.result.failed),
        "streams": str(len(seen.result.lives)),
        "dropped": str(seen.dropped),
        "p50 / p95 / p99 steady": f"{calm.p50:.1f} / {calm.p95:.1f} / {calm.p99:.1f}",
        "p50 / p95 / p99 in releases": f"{busy.p50:.1f} / {busy.p95:.1f} / {busy.p99:.1f}",
        "p99 ratio": f"{busy.p99 / calm.p99:.2f}",
        "median ratio, release by release": f"{percentile(verdict.ratios(seen), 50):.2f}",
        "requests that a release slowed": f"{verdict.slowed(seen):.0f}",
        "releases": str(len(seen.releases)),
        "seconds of a release, min / median / max": f"{shortest:.1f} / {middle:.1f} / {longest:.1f}",
    }


def _figures(latency: verdict.Latency) -> list[str]:
    return [str(latency.count), *(f"{value:.1f}" for value in (latency.p50, latency.p95, latency.p99))]


def show_failures(console: Console, seen: Seen) -> None:
    """What failed and what was dropped, if anything."""
    for text, count in seen.result.failures.items():
        console.print(f"failed: {count} x {text}", markup=False)
    drops = seen.result.drops(seen.stops, seen.serving)
    for life in drops[:SHOWN_DROPS]:
        console.print(f"dropped: {life}", markup=False)
    if len(drops) > SHOWN_DROPS:
        console.print(f"dropped: {len(drops) - SHOWN_DROPS} more")


def show_goals(console: Console, goals: list[Goal]) -> None:
    """Each goal, met or missed."""
    console.print()
    for goal in goals:
        console.print(f"{'met   ' if goal.met else 'MISSED'}  {goal.name}: {goal.reached}", markup=False)
