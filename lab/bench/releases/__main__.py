"""Release one app again and again under steady load, roll back, and say what visitors noticed.

Needs the lab (`make lab`); the dev stack is put back as it was at the end. Exit status 1 when a request failed or a
stream was dropped; latency and rollback time are figures of this machine, told as goals met or missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lab.bench.releases import phases, verdict
from lab.bench.releases.rollback import WAYS
from lab.bench.releases.stack import APPS, BenchError, Stack
from lab.host import Lab, LabError
from lab.load import LoadError, Shape
from lab.load.samples import percentile

_TROUBLES = (BenchError, LabError, LoadError)


def main() -> int:
    """Entry point; returns the exit status."""
    options = _parser().parse_args()
    console = Console(highlight=False, soft_wrap=True)
    try:
        seen = _run(options, console)
    except _TROUBLES as error:
        # Putting the stack back may fail too; what went wrong before that is the cause.
        if isinstance(error.__context__, _TROUBLES):
            print(f"error: {error.__context__}", file=sys.stderr)
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; the dev stack was put back", file=sys.stderr)
        return 130
    _show(console, seen)
    if options.json:
        Path(options.json).write_text(json.dumps(verdict.as_json(seen), indent=2) + "\n")
    return 0 if all(goal.met for goal in verdict.goals(seen) if goal.hard) else 1


def _run(options: argparse.Namespace, console: Console) -> verdict.Seen:
    def tell(text: str) -> None:
        console.print(text, markup=False)

    quick = options.quick
    releases = options.releases or (3 if quick else 50)
    shape = Shape(rate=options.rate, upload_seconds=options.upload_seconds)
    plan = phases.Plan(releases, shape, 15 if quick else 45, options.rollback_by)
    with tempfile.TemporaryDirectory(prefix="codeb-bench-") as folder:
        stack = Stack.make(Path(folder), Lab.here(), APPS[options.app])
        try:
            tell("release 0: the app as the benchmark needs it")
            stack.release(0)
            tell("self-check: the app is taken away under load, and everything must be noticed")
            tell(f"  noticed: {phases.self_check(stack)}")
            return phases.measure(stack, plan, tell)
        finally:
            tell("putting the dev stack back")
            stack.put_back()


def _show(console: Console, seen: verdict.Seen) -> None:
    result = seen.result
    shortest, middle, longest = verdict.durations(seen)
    table = Table(
        "traffic",
        "requests",
        "p50",
        "p99",
        "in releases",
        "p50",
        "p99",
        "p99 ratio",
        box=None,
        pad_edge=False,
    )
    for kind, (steady, during) in verdict.latencies(seen).items():
        figures = [f"{value:.1f}" for value in (steady.p50, steady.p99, during.p50, during.p99)]
        ratio = f"{during.p99 / steady.p99:.2f}"
        table.add_row(kind, str(steady.count), *figures[:2], str(during.count), *figures[2:], ratio)
    console.print(
        "\nLatency, steady and while a release runs (the engine gives way: elsewhere it has a machine of its own)"
    )
    console.print(table)
    each = verdict.ratios(seen)
    console.print(
        f"release by release, by the steady load right before and after: median ratio {percentile(each, 50):.2f}, "
        f"{sum(ratio <= verdict.P99_RATIO for ratio in each)} of {len(each)} at most {verdict.P99_RATIO}"
    )
    console.print(
        f"\n{len(result.requests)} requests, {len(result.uploads)} slow uploads, {len(result.lives)} streams opened"
        f"\n{len(seen.releases)} releases: {shortest:.1f} s shortest, {middle:.1f} s median, {longest:.1f} s longest"
        f"\nrollback ({seen.rollback.way}): old version after {seen.rollback.serving:.2f} s, "
        f"command done after {seen.rollback.done:.2f} s"
    )
    for text, count in result.failures.items():
        console.print(f"failed: {count} x {text}", markup=False)
    for life in result.drops(seen.stops, seen.serving)[:20]:
        console.print(f"dropped: {life}", markup=False)
    console.print()
    for goal in verdict.goals(seen):
        console.print(f"{'met   ' if goal.met else 'MISSED'}  {goal.name}: {goal.reached}", markup=False)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab.bench.releases",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--releases", type=int, help="how many in a row (50; with --quick 3)")
    parser.add_argument("--app", choices=list(APPS), default="bench-app", help="what to release (bench-app)")
    parser.add_argument("--rate", type=int, default=200, help="requests a second (200)")
    parser.add_argument(
        "--upload-seconds", type=float, default=12, help="how long one upload takes (12; 0: none)"
    )
    parser.add_argument("--rollback-by", choices=WAYS, default="codeb", help="over SSH, or `codeb rollback`")
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    parser.add_argument("--quick", action="store_true", help="3 releases, short steady phases")
    return parser


if __name__ == "__main__":
    sys.exit(main())
