"""Release one app again and again under steady load, roll back, and say what visitors noticed.

Needs the lab (`make lab`); the dev stack is put back as it was at the end. Exit status 1 when a request failed or a
stream was dropped; latency and rollback time are figures of this machine, told as goals met or missed.

With --peer the same load and releases go through kamal-proxy and through a plain Caddy that is reloaded, too, in turn
with ours. Exit status 1 then also when our p99 in releases is worse than kamal-proxy's; what fails there is told only.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from lab.bench.releases import clicks, phases, rollback, tables, verdict
from lab.bench.releases.apps import APPS
from lab.bench.releases.peers import peers_of
from lab.bench.releases.stack import Stack
from lab.bench.releases.verdict import Goal, Seen
from lab.bench.releases.ways import Way
from lab.bench.troubles import TROUBLES, explain
from lab.host import Lab
from lab.load import Shape

# By --peer, then by --quick.
RELEASES = {(False, False): 50, (False, True): 3, (True, False): 12, (True, True): 3}
STEADY_SECONDS = {(False, False): 45, (False, True): 15, (True, False): 20, (True, True): 10}


def main() -> int:
    """Entry point; returns the exit status."""
    parser = _parser()
    options = parser.parse_args()
    if options.clicks and options.app != "core-cms":
        parser.error("--clicks needs --app core-cms: nobody signs in to the other")
    console = Console(highlight=False, soft_wrap=True)
    try:
        found, users = _run(options, console)
    except TROUBLES as error:
        explain(error)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; the dev stack was put back", file=sys.stderr)
        return 130
    ours, *peers = found.values()
    goals = [*verdict.goals(ours, *peers[:1]), *users]
    tables.show_one(console, ours)
    if peers:
        tables.show_all(console, found)
    tables.show_goals(console, goals)
    if options.json:
        ways = {name: verdict.as_json(seen) for name, seen in found.items()}
        document = {"ways": ways, "goals": [vars(goal) for goal in goals]}
        Path(options.json).write_text(json.dumps(document, indent=2) + "\n")
    return 0 if all(goal.met for goal in goals if goal.hard) else 1


def _run(options: argparse.Namespace, console: Console) -> tuple[dict[str, Seen], list[Goal]]:
    """What was seen of each way (ours is first, kamal-proxy second), and what a user in a browser met."""

    def tell(text: str) -> None:
        console.print(text, markup=False)

    with tempfile.TemporaryDirectory(prefix="codeb-bench-") as folder:
        stack = Stack.make(Path(folder), Lab.here(), APPS[options.app])
        try:
            tell("release 0: the app as the benchmark needs it")
            stack.release(0)
            tell("self-check: the app is taken away under load, and everything must be noticed")
            tell(f"  noticed: {phases.self_check(stack, _rate(options))}")
            with ExitStack() as users:
                user = users.enter_context(clicks.clicking(stack)) if options.clicks else None
                seen = _measured(options, stack, Path(folder), tell)
            return seen, [user.goal] if user else []
        finally:
            tell("putting the dev stack back")
            stack.put_back()


def _measured(options: argparse.Namespace, stack: Stack, folder: Path, tell: phases.Tell) -> dict[str, Seen]:
    plan = _plan(options)
    if options.peer:
        ways: list[Way] = [stack, *peers_of(stack, folder)]
        return phases.compare(ways, stack.lab, plan, tell)

    def back() -> rollback.Rollback:
        return rollback.measure(stack, options.rollback_by, stack.tag(plan.releases - 1))

    numbers = range(1, plan.releases + 1)
    return {stack.name: phases.measure(stack, stack.lab, plan, numbers, tell, back)}


def _plan(options: argparse.Namespace) -> phases.Plan:
    releases = options.releases or RELEASES[options.peer, options.quick]
    shape = Shape(rate=_rate(options), upload_seconds=options.upload_seconds)
    return phases.Plan(releases, shape, STEADY_SECONDS[options.peer, options.quick])


def _rate(options: argparse.Namespace) -> int:
    """Requests a second."""
    return options.rate or APPS[options.app].rate


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab.bench.releases",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--peer", action="store_true", help="compare with kamal-proxy and with Caddy's reload; no rollback"
    )
    parser.add_argument(
        "--releases", type=int, help="how many of each way (50; with --peer 12, with --quick 3)"
    )
    parser.add_argument("--app", choices=list(APPS), default="bench-app", help="what to release (bench-app)")
    parser.add_argument(
        "--clicks", action="store_true", help="somebody signed in clicks on in Chromium (--app core-cms)"
    )
    rates = ", ".join(f"{name}: {app.rate}" for name, app in APPS.items())
    parser.add_argument("--rate", type=int, help=f"requests a second ({rates})")
    parser.add_argument(
        "--upload-seconds", type=float, default=12, help="how long one upload takes (12; 0: none)"
    )
    parser.add_argument(
        "--rollback-by", choices=rollback.WAYS, default="codeb", help="over SSH, or `codeb rollback`"
    )
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    parser.add_argument("--quick", action="store_true", help="3 releases, short steady phases")
    return parser


if __name__ == "__main__":
    sys.exit(main())
