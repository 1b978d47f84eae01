"""What watching costs, and how far one Prometheus goes.

  lab     on the lab host: memory and processor time of all that watches it, idle and at 200 requests/s, and the p99 of
          requests with all of it and without, in turns of 20 s; needs the lab (`make lab`), some 15 minutes
  series  a real Prometheus with the real rules, asked of 10, 100 and 1000 generated projects; needs no lab, some 20 minutes

python -m lab.bench.observability                        both
python -m lab.bench.observability --only lab --without stack
python -m lab.bench.observability --only series --sizes 10 100 --memory 600

The dev stack is put back as it was at the end, and all that was stopped is started, after Ctrl-C, too. Exit status 1 when a
request failed, all of it took more than 600 MiB, or its p99 ratio is above 1.05. Figures of Prometheus' memory fail nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from codeb.model.settings.monitoring import LEAST_MEMORY
from lab import paths
from lab.bench.observability.host import figures, phases
from lab.bench.observability.host.figures import Seen
from lab.bench.observability.series import measured
from lab.bench.observability.series.measured import Figures, Times
from lab.bench.releases.apps import APPS
from lab.bench.releases.tables import show_goals
from lab.bench.releases.ways import wait_until_serving
from lab.bench.troubles import TROUBLES, explain
from lab.host import Lab
from lab.host.progress import Progress

PARTS: Final = ("lab", "series")
FILE: Final = paths.LAB / "bench-observability.json"


def main() -> int:
    """Entry point; returns the exit status."""
    options = _parser().parse_args()
    console, met = Console(highlight=False, width=140), True
    parts = PARTS if options.only is None else (options.only,)
    try:
        for part in parts:
            if part == "lab":
                seen = _lab(options)
                _show_lab(console, seen)
                _keep(options.json, part, figures.as_json(seen))
                met = all(goal.met for goal in figures.goals(seen) if goal.hard)
            else:
                _keep(options.json, part, [asdict(each) for each in _series(options, console)])
    except TROUBLES as error:
        explain(error)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; nothing was left behind", file=sys.stderr)
        return 130
    return 0 if met else 1


def _lab(options: argparse.Namespace) -> Seen:
    """Raises BenchError, LabError, LoadError."""
    tell = Progress().say
    plan = phases.Plan(options.rate, options.seconds, options.rounds, options.half_seconds, options.without)
    with tempfile.TemporaryDirectory(prefix="codeb-bench-") as folder:
        stack = phases.Watched.make(Path(folder), Lab.here(), APPS["bench-app"])
        try:
            tell("bench: an app for the load is deployed")
            stack.release(0)
            wait_until_serving(stack.target)
            return phases.measure(stack, plan, tell)
        finally:
            tell("bench: the dev stack is put back")
            stack.put_back()


def _show_lab(console: Console, seen: Seen) -> None:
    console.print(
        f"\nWhat watches the lab host: idle, and at {seen.rate} requests/s (the agent runs once a minute)"
    )
    _print(console, figures.HEADINGS, figures.rows(seen))
    for line in figures.told(seen):
        console.print(line)
    show_goals(console, figures.goals(seen))


def _series(options: argparse.Namespace, console: Console) -> list[Figures]:
    """Raises BenchError, LabError."""
    tell, program, found = Progress().say, Lab.here().program("prometheus"), list[Figures]()
    times = Times(steady=options.minutes * 60)
    for size in options.sizes:
        with tempfile.TemporaryDirectory(prefix="codeb-bench-") as folder:
            found.append(measured.measure(program, Path(folder), size, options.memory, times, tell))
    console.print(f"\nPrometheus, with its share of {options.memory} MiB as its limit, by generated projects")
    _print(console, measured.HEADINGS, [each.row() for each in found])
    return found


def _print(console: Console, headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    table = Table(*headings, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _keep(file: Path, part: str, found: Any) -> None:
    """Beside what the file has of the other part."""
    known = json.loads(file.read_text()) if file.exists() else {}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({**known, part: found}, indent=1) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab.bench.observability",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", choices=PARTS, help="one part alone")
    parser.add_argument("--rate", type=int, default=200, help="lab: requests a second (200)")
    parser.add_argument(
        "--seconds", type=float, default=60, help="lab: how long idle and load are looked at (60)"
    )
    parser.add_argument("--rounds", type=int, default=6, help="lab: turns of with and without (6)")
    parser.add_argument("--half-seconds", type=float, default=20, help="lab: each half of a turn (20)")
    parser.add_argument(
        "--without",
        choices=phases.WAYS,
        default="units",
        help="lab: what without is: all units stopped (default), or the stack deployed without monitoring, once in between",
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 100, 1000], help="series: projects")
    parser.add_argument("--minutes", type=float, default=5, help="series: each size, after one minute (5)")
    parser.add_argument(
        "--memory",
        type=int,
        default=LEAST_MEMORY,
        help=f"series: codeb:monitoring.memory in MiB ({LEAST_MEMORY})",
    )
    parser.add_argument(
        "--json", type=Path, default=FILE, metavar="FILE", help=f"all figures go there ({FILE.name} in .lab)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
