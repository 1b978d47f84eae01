"""Measure previews and updates of many projects against a bare program, and `make lab` by phase.

python -m lab.bench                      10, 100 and 1000 projects, then a warm `make lab`
python -m lab.bench --sizes 10 100       other sizes
python -m lab.bench --no-updates         previews only
python -m lab.bench --first-up 1000      also the first update of 1000 projects, which takes hours
python -m lab.bench --cold               also a cold `make lab`: empty cache, downloads, builds (no lab may run)

The CLI, its language host and the program are those that everybody runs; the providers reach nothing (`lab.bench.null`).
Seconds are wall time; MB is the most that all processes of a run held at once (proportional set size, looked at every
quarter of a second).
"""

from __future__ import annotations

import argparse
import sys
from typing import Final

from rich.console import Console
from rich.table import Table

from lab.bench.makelab import measure_lab
from lab.bench.scale import runs
from lab.bench.tables import Pair, table
from lab.host.paths import Folders
from lab.host.progress import Progress
from lab.pulumi.cli import cli

FIRST_UP: Final = 100


def main() -> int:
    options = _parser().parse_args()
    console = Console(highlight=False, width=120)
    if options.sizes:
        _scale(console, options)
    if options.cold:
        _lab(console, "cold", cold=True)
    if not options.no_lab:
        _lab(console, "warm", cold=False)
    return 0


def _scale(console: Console, options: argparse.Namespace) -> None:
    progress = Progress()
    found = cli(Folders.here(), progress, ())
    progress.say(f"lab: Pulumi CLI: {found.why}")
    pairs: list[Pair] = []
    for size in options.sizes:
        first = size <= options.first_up
        for pair in runs(found, size, updates=not options.no_updates, first_update=first):
            pairs.append(pair)
            progress.say(
                f"bench: {size} projects, {pair.what}: {pair.ours.seconds:.1f} s, bare {pair.bare.seconds:.1f} s"
            )
    console.print(table(pairs))


def _lab(console: Console, name: str, *, cold: bool) -> None:
    phases = measure_lab(cold=cold)
    made = Table("phase", "seconds", box=None)
    for phase, seconds in phases.items():
        made.add_row(phase, f"{seconds:.1f}")
    console.print(f"\nmake lab, {name}")
    console.print(made)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="*", default=[10, 100, 1000], help="numbers of projects")
    parser.add_argument("--no-updates", action="store_true", help="previews only")
    parser.add_argument(
        "--first-up",
        type=int,
        default=FIRST_UP,
        metavar="SIZE",
        help=f"measure the first update of up to so many projects (default: {FIRST_UP})",
    )
    parser.add_argument("--cold", action="store_true", help="also measure `make lab` from an empty cache")
    parser.add_argument("--no-lab", action="store_true", help="leave `make lab` out")
    return parser


if __name__ == "__main__":
    sys.exit(main())
