"""Measure previews against a bare program, and `make lab` by phase.

python -m lab.bench                 previews of 10, 100 and 1000 manifests, then a warm `make lab`
python -m lab.bench --sizes 10 100  other sizes
python -m lab.bench --cold          also a cold `make lab`: empty cache, downloads and builds included (needs no running lab)
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lab.bench.makelab import measure_lab
from lab.bench.previews import Measurement, bare_program, manifests_program, measure_preview


def main() -> int:
    options = _parser().parse_args()
    console = Console(highlight=False)
    if options.sizes:
        _previews(console, options.sizes)
    if options.cold:
        _lab(console, "cold", cold=True)
    if not options.no_lab:
        _lab(console, "warm", cold=False)
    return 0


def _previews(console: Console, sizes: list[int]) -> None:
    table = Table("manifests", "resources", "ours", "bare program", "ratio", "ours MB", "bare MB", box=None)
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="codeb-bench-") as scratch:
            ours = measure_preview(manifests_program(Path(scratch) / "ours", size))
            bare = measure_preview(bare_program(Path(scratch) / "bare", ours.resources))
        _check(ours, bare)
        table.add_row(
            str(size),
            str(ours.resources),
            f"{ours.seconds:.1f} s",
            f"{bare.seconds:.1f} s",
            f"{ours.seconds / bare.seconds:.2f}",
            f"{ours.peak_mb:.0f}",
            f"{bare.peak_mb:.0f}",
        )
    console.print("\nPreviews on the lab engine (first preview: everything to create)")
    console.print(table)


def _check(ours: Measurement, bare: Measurement) -> None:
    if ours.resources != bare.resources:
        raise SystemExit(f"the bare program registered {bare.resources} resources, ours {ours.resources}")


def _lab(console: Console, name: str, *, cold: bool) -> None:
    phases = measure_lab(cold=cold)
    table = Table("phase", "seconds", box=None)
    for phase, seconds in phases.items():
        table.add_row(phase, f"{seconds:.1f}")
    console.print(f"\nmake lab, {name}")
    console.print(table)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="*", default=[10, 100, 1000], help="numbers of manifests")
    parser.add_argument("--cold", action="store_true", help="also measure `make lab` from an empty cache")
    parser.add_argument("--no-lab", action="store_true", help="previews only")
    return parser


if __name__ == "__main__":
    sys.exit(main())
