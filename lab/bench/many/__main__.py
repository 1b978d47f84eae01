"""What a thousand projects cost: in one stack beside a bare program of as many resources, and in a stack for each pool.

  plan   processor time of manifests, plan and documents, which takes nothing else; seconds
  sites  a real Caddy: all sites read by a pattern and by the agent's list, a reload of one that changed; root; minutes
  stack  the real CLI, with plugins that reach nothing: previews and updates of an existing stack, each beside a bare program
  split  the same projects in a stack for each pool, and `codeb registry` over all of them

python -m lab.bench.many                                   1000 projects in three pools: half an hour and more
python -m lab.bench.many --only plan sites --sizes 100 300 1000
python -m lab.bench.many --only stack split --sizes 90 --per-pool 30    minutes
python -m lab.bench.many --changed 1 100 --json figures.json

Stacks are made without checkpoints, as the first update of a thousand projects takes hours (`make bench`, `--first-up`).
Seconds are wall time, `cpu` is processor time; MB: all processes of a run together (proportional set size), and what the
program and the CLI were resident with, each by itself. Nothing is left behind, after Ctrl-C, too.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from lab.bench.many import tables
from lab.bench.many.planned import planned
from lab.bench.many.sites import SitesError, sites
from lab.bench.many.split import split_runs
from lab.bench.programs import PROJECTS_PER_POOL, pools_of
from lab.bench.scale import existing
from lab.host.paths import Folders
from lab.host.progress import Progress
from lab.pulumi.cli import Cli, cli

PARTS: Final = ("plan", "sites", "stack", "split")

Keep = Callable[[str, object], None]


def main() -> int:
    """Entry point; returns the exit status."""
    options = _parser().parse_args()
    say = partial(print, flush=True)
    figures: dict[str, list[dict[str, Any]]] = {}

    def keep(part: str, found: object) -> None:
        figures.setdefault(part, []).append(tables.as_json(found))
        if options.json:
            options.json.write_text(json.dumps(figures, indent=1) + "\n")

    try:
        if "plan" in options.only:
            _plan(options, say, keep)
        if "sites" in options.only:
            _sites(options, say, keep)
        if {"stack", "split"} & {*options.only}:
            _stacks(options, say, keep)
    except SitesError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; nothing was left behind", file=sys.stderr)
        return 130
    return 0


def _plan(options: argparse.Namespace, say: Callable[[str], None], keep: Keep) -> None:
    table = tables.Growing("Plan and documents, processor time", tables.PLAN, say)
    for size in options.sizes:
        found = planned(size, options.per_pool)
        table.add(tables.plan_row(found))
        keep("plan", found)


def _sites(options: argparse.Namespace, say: Callable[[str], None], keep: Keep) -> None:
    table = tables.Growing("Sites in Caddy", tables.SITES, say)
    for size in options.sizes:
        found = sites(size, options.reloads, glob=size <= options.glob_up_to)
        table.add(tables.sites_row(found))
        keep("sites", found)


def _stacks(options: argparse.Namespace, say: Callable[[str], None], keep: Keep) -> None:
    progress = Progress()
    found = cli(Folders.here(), progress, ())
    progress.say(f"lab: Pulumi CLI: {found.why}")
    one = tables.Growing("One stack beside a bare program", tables.STACK, say)
    used: dict[int, dict[str, float]] = {}
    for size in options.sizes if "stack" in options.only else ():
        for pair in existing(found, size, options.per_pool, options.changed):
            used.setdefault(size, {})[pair.what] = pair.ours.cpu_seconds
            one.add(tables.stack_row(pair))
            keep("stack", pair)
    if "split" in options.only:
        _split(options, found, used, say, keep)


def _split(
    options: argparse.Namespace,
    found: Cli,
    one: dict[int, dict[str, float]],
    say: Callable[[str], None],
    keep: Keep,
) -> None:
    table = tables.Growing("A stack for each pool, one after the other", tables.SPLIT, say)
    for size in options.sizes:
        stacks = len(pools_of(size, options.per_pool))
        with tempfile.TemporaryDirectory(prefix="codeb-bench-") as folder:
            for each in split_runs(found, size, options.per_pool, options.changed, Path(folder)):
                table.add(tables.split_row(size, stacks, each, one.get(size, {})))
                keep("split", each)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab.bench.many",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    number: dict[str, Any] = {"type": _positive, "metavar": "N"}
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts (default: all)")
    parser.add_argument(
        "--sizes", nargs="+", default=[1000], help="numbers of projects (default: 1000)", **number
    )
    parser.add_argument(
        "--per-pool",
        default=PROJECTS_PER_POOL,
        help=f"projects in a pool, and so in each of the split stacks (default: {PROJECTS_PER_POOL})",
        **number,
    )
    parser.add_argument(
        "--changed", nargs="+", default=[1], help="projects with another image, update by update", **number
    )
    parser.add_argument("--reloads", default=5, help="reloads of Caddy (default: 5)", **number)
    parser.add_argument(
        "--glob-up-to",
        default=1000,
        help="measure the pattern of up to so many sites (default: 1000)",
        **number,
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the figures there, too, as they come"
    )
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number of at least 1")
    return value


if __name__ == "__main__":
    sys.exit(main())
