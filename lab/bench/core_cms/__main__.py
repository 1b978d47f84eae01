"""What Core CMS costs beside a bare Next.js app of the same versions, in one run on the lab host.

  requests  requests/s a core of /api/restaurants, cached and not, by the processor time of the app's control group
  page      the first load of / in Chromium: bytes by kind, paints, blocking time, when it is interactive
  start     the images' sizes, and a container's start until /api/health is 200

python -m lab.bench.core_cms                       all of it, some ten minutes
python -m lab.bench.core_cms --only page start
python -m lab.bench.core_cms --rate 80 --rounds 5 --json figures.json

Needs the lab (`make lab`), and `page` Chromium. Three projects are added to the dev stack, which is put back as it was
at the end, after Ctrl-C, too. Exit status 1 when a request failed; how much Core CMS costs fails nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from lab import browser
from lab.bench.core_cms import cost, images, page, under_load
from lab.bench.core_cms.apps import CACHED, PLAIN, RATE
from lab.bench.core_cms.stack import Beside
from lab.bench.core_cms.tables import COLUMNS, Seen
from lab.bench.core_cms.vitals import Loads, Page
from lab.bench.releases.tables import show_goals
from lab.bench.troubles import TROUBLES, explain
from lab.host import Lab
from lab.host.progress import Progress

PARTS: Final = ("requests", "page", "start")
PAIR: Final = (PLAIN, CACHED)
"""What is compared in the browser, as an image and when it starts: there Core CMS without a cache is the same app."""


def main() -> int:
    """Entry point; returns the exit status."""
    options = _parser().parse_args()
    console = Console(highlight=False, width=140)
    try:
        seen = _run(options)
    except TROUBLES as error:
        explain(error)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; the dev stack was put back", file=sys.stderr)
        return 130
    _show(console, seen)
    if options.json:
        options.json.write_text(json.dumps(seen.as_json(), indent=1) + "\n")
    return 0 if all(goal.met for goal in seen.goals() if goal.hard) else 1


def _run(options: argparse.Namespace) -> Seen:
    """Raises BenchError, LabError, LoadError."""
    tell = Progress().say
    if "page" in options.only:
        browser.program()
    with tempfile.TemporaryDirectory(prefix="codeb-bench-") as folder:
        stack = Beside.make(Path(folder), Lab.here())
        try:
            tell("bench: Core CMS with a cache and without, and a bare Next.js app are deployed")
            stack.deploy()
            return _measured(stack, options, tell)
        finally:
            tell("bench: the dev stack is put back")
            stack.put_back()


def _measured(stack: Beside, options: argparse.Namespace, tell: Callable[[str], object]) -> Seen:
    plan = under_load.Plan(options.rate, options.rounds, options.seconds)
    return Seen(
        under_load.measure(stack, plan, tell) if "requests" in options.only else None,
        _loads(stack, options.loads, tell) if "page" in options.only else {},
        images.measure(stack, PAIR, options.starts, tell) if "start" in options.only else {},
    )


def _loads(stack: Beside, times: int, tell: Callable[[str], object]) -> dict[str, Loads]:
    """In turns, after one load of each that does not count: it is the apps' first of that page."""
    targets = {each.name: stack.of(each) for each in PAIR}
    found: dict[str, list[Page]] = {name: [] for name in targets}
    (address,) = {to.address for to in targets.values()}
    with page.chromium(address) as shown:
        for number in range(times + 1):
            tell(f"bench: first load {number} of {times} in the browser" if number else "bench: a first load")
            for name, to in targets.items():
                found[name].append(page.load(shown, f"{to.url}/"))
    return {name: Loads(pages[1:]) for name, pages in found.items()}


def _show(console: Console, seen: Seen) -> None:
    if seen.requests is not None:
        console.print(
            f"\nGET /api/restaurants at {seen.requests.rate} requests/s, one app at a time: processor time by control group"
        )
        _print(console, cost.HEADINGS, seen.requests_rows())
    if seen.loads:
        console.print("\nThe first load of / in Chromium, medians (not throttled, nothing cached)")
        _print(console, COLUMNS, seen.loads_rows())
    if seen.started:
        console.print("\nImage, and start of a container, medians")
        _print(console, COLUMNS, seen.started_rows())
    show_goals(console, seen.goals())


def _print(console: Console, headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="right" if heading else "left")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab.bench.core_cms",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="some parts alone")
    parser.add_argument("--rate", type=int, default=RATE, help=f"requests a second of one app ({RATE})")
    parser.add_argument("--rounds", type=int, default=3, help="turns of the three under load (3)")
    parser.add_argument(
        "--seconds", type=float, default=20, help="how long each is looked at in a round (20)"
    )
    parser.add_argument("--loads", type=int, default=7, help="first loads of each page in the browser (7)")
    parser.add_argument("--starts", type=int, default=7, help="starts of each container (7)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
