"""Back up, copy and prove a large generated database beside the load of visitors, and print what both took.

python -m lab.bench.backups                 1 GB
python -m lab.bench.backups --sizes 1 10    both; some six times the largest has to be free on this machine's disk
python -m lab.bench.backups --rate 100 --json figures.json

Needs the lab (`make lab`). The project `bench` of `bench.lab.test` is added to the dev stack, and goes with its database at
the end. Exit status 1 when a request failed or a p99 ratio is above 1.2. docs/benchmarks.md says what is measured.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from lab.bench.backups.figures import GOAL, HEADINGS, Figures, Step, figures, row, step
from lab.bench.backups.project import AGENT, Saved
from lab.bench.releases.apps import APPS
from lab.bench.releases.phases import WARM_UP_SECONDS, stay
from lab.bench.releases.ways import BenchError, wait_until_serving
from lab.host import Lab, LabError
from lab.host.progress import Progress
from lab.load import Load, LoadError, Result, Shape

STEADY_SECONDS: Final = 20


def main() -> int:
    """Entry point; returns the exit status."""
    options = _parser().parse_args()
    progress = Progress()
    try:
        found, result = _run(options.sizes, Shape(rate=options.rate, upload_seconds=0), progress.say)
    except (BenchError, LabError, LoadError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    table = Table(*HEADINGS, box=None, pad_edge=False)
    for each in found:
        table.add_row(*row(each))
    console = Console(highlight=False, width=120)
    console.print(table)
    worst = max(each.ratio for each in found)
    console.print(f"failed requests: {result.failed}; largest p99 ratio: {worst:.2f} (goal: {GOAL})")
    if options.json:
        documents = [{**asdict(each), "ratio": each.ratio} for each in found]
        options.json.write_text(json.dumps({"steps": documents, "failed": result.failed}, indent=1))
    return 0 if result.failed == 0 and worst <= GOAL else 1


def _run(sizes: list[float], shape: Shape, tell: Callable[[str], object]) -> tuple[list[Figures], Result]:
    """Raises BenchError, LabError, LoadError, ValueError."""
    with tempfile.TemporaryDirectory(prefix="codeb-bench-") as folder:
        stack = Saved.make(Path(folder), Lab.here(), APPS["bench-app"])
        try:
            stack.release(0)
            wait_until_serving(stack.target)
            steps: list[Step] = []
            with Load(stack.target, shape, stack.lab) as load:
                stay(WARM_UP_SECONDS)
                for gigabytes in sorted(sizes):
                    size = stack.filled(round(gigabytes * 1e9))
                    tell(f"bench: the database has {size / 1e9:.1f} GB")
                    steps += _steps(stack, size, tell)
            return figures(steps, load.result.requests), load.result
        finally:
            stack.let_go()
            stack.put_back()


def _steps(stack: Saved, size: int, tell: Callable[[str], object]) -> list[Step]:
    """Each with steady load right before and after it: the machine is not the same for long."""
    found = []
    before = stay(STEADY_SECONDS)
    for name in AGENT:
        answer, window = stack.asked(name)
        after = stay(STEADY_SECONDS)
        found.append(step(name, size, window, (before, after), answer))
        tell(f"bench: {name} of {size / 1e9:.1f} GB: {found[-1].seconds:.1f} s")
        before = after
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab.bench.backups",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--sizes", type=float, nargs="+", default=[1.0], metavar="GB", help="of the database (1)"
    )
    parser.add_argument("--rate", type=int, default=100, help="requests a second (100)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there, too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
