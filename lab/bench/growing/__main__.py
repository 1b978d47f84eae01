"""Servers join a pool under load and leave it again: what visitors notice.

On the simulated Vultr, from nothing: app servers behind a balancer, a data server, an app that stores orders. Then, under
requests over HTTP/1.1 and HTTP/2, slow uploads, WebSockets and event streams, `pulumi up` with more servers, one project
more, which comes to a server that joined, and `pulumi up` with as few servers as before. The clone's own `make lab-fleet`
goes; the benchmark's fleet is gone at the end, after Ctrl-C, too.

Exit status 1 when a request failed, a stream ended without a word, a server that joined answered nobody, or a project
stayed on a server that left. Latency is a figure of this machine, which runs all servers at once.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lab.apps import PROBE
from lab.bench.growing import seen as figures
from lab.bench.growing.phases import Plan, Run
from lab.bench.growing.seen import Seen
from lab.bench.releases.tables import show_goals
from lab.bench.troubles import TROUBLES, explain
from lab.fleet.production import fresh
from lab.host.errors import LabError

MOST_ERRORS = 10
"""Lines of a server's Caddy that are shown when a request failed."""


def main() -> int:
    """Entry point; returns the exit status."""
    parser = _parser()
    options = parser.parse_args()
    if not 1 < options.few < options.many:
        parser.error("--few is 2 or more, and --many more than that")
    plan = Plan(options.few, options.many, options.rate, options.steady_seconds)
    console = Console(highlight=False, soft_wrap=True)
    try:
        seen = _run(plan, console)
    except TROUBLES as error:
        explain(error)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; the fleet is gone", file=sys.stderr)
        return 130
    goals = figures.goals(seen, plan.joined)
    _show(console, seen)
    show_goals(console, goals)
    if options.json:
        Path(options.json).write_text(json.dumps(figures.as_json(seen, plan.joined), indent=2) + "\n")
    return 0 if all(goal.met for goal in goals if goal.hard) else 1


def _run(plan: Plan, console: Console) -> Seen:
    if os.geteuid() != 0:
        raise LabError("the lab boots systems and needs root", "run the same command with sudo")
    with tempfile.TemporaryDirectory(prefix="codeb-bench-") as folder, fresh(Path(folder)) as production:
        PROBE.push(production.cloud.lab)
        return Run(production, plan, lambda text: console.print(text, markup=False)).measure()


def _show(console: Console, seen: Seen) -> None:
    table = Table(
        "phase",
        "seconds",
        "pulumi up",
        "requests",
        "failed",
        "p50",
        "p99",
        "streams ended",
        box=None,
        pad_edge=False,
    )
    for row in figures.rows(seen):
        ended = ", ".join(f"{count} x {how}" for how, count in sorted(row.ended.items())) or "0"
        update = "" if row.update_seconds is None else f"{row.update_seconds:.0f} s"
        latency = row.latency
        counts = (str(latency.count + row.failed), str(row.failed))
        table.add_row(
            row.name, f"{row.seconds:.0f}", update, *counts, f"{latency.p50:.1f}", f"{latency.p99:.1f}", ended
        )
    console.print("\nWhat visitors noticed (times in ms)")
    console.print(table)
    uploads = sum(len(result.uploads) for result in seen.results)
    console.print(
        f"\n{len(seen.requests)} requests, {uploads} slow uploads, {len(seen.lives)} streams opened"
    )
    answered = ", ".join(f"{name} {count}" for name, count in sorted(seen.answered.items()))
    console.print(f"answered while there were most servers: {answered}")
    for project, (before, after) in seen.moved.items():
        console.print(f"{project} ran on {', '.join(before)} and runs on {', '.join(after)}")
    for text, count in figures.failures(seen).items():
        console.print(f"failed: {count} x {text}", markup=False)
    for server, lines in seen.errors.items() if seen.failed else ():
        for line in lines[:MOST_ERRORS]:
            console.print(f"{server}: {line}", markup=False)
    for life in seen.rude:
        console.print(f"ended without a word: {life}", markup=False)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab.bench.growing",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--few", type=int, default=2, help="app servers at first and at last (%(default)s)")
    parser.add_argument("--many", type=int, default=4, help="app servers between (%(default)s)")
    parser.add_argument("--rate", type=int, default=200, help="requests a second (%(default)s)")
    parser.add_argument(
        "--steady-seconds", type=float, default=30, help="of each phase without a change (%(default)s)"
    )
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
