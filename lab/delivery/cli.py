"""The way from `git push` to a release on this machine: GitHub's workflows by act, two stacks on a host each.

up                   push to the scratch app: build, image, dev released, approval, prod released
preview-environment  a pull request of it is opened, pushed to and closed: its environment comes, changes and goes
failures             builds that fail, each twice: an issue each that names the cause, and is updated
down                 stop hosts and registry; everything stays on disk (`make lab-clean` removes it)
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence

from rich.console import Console

from lab import paths
from lab.delivery import app_work, places, stacks, telling
from lab.delivery.flow import Delivery, opened
from lab.host import Lab, LabError
from lab.host.cache import locked
from lab.pulumi.errors import StackError

_VERSIONS = ("2.0.0-tea.1", "2.0.0-tea.2")


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    options = _parser().parse_args(argv)
    lab, tell = Lab.here(), telling.Teller(Console(highlight=False))
    try:
        if os.geteuid() != 0:
            raise LabError("the lab boots a system and needs root", "run the same command with sudo")
        with locked(paths.DELIVERY / "lock", lab.progress):
            return VERBS[options.verb](lab, tell)
    except (StackError, LabError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; run the same command again to go on", file=sys.stderr)
        return 130


def up(lab: Lab, tell: telling.Teller) -> int:
    started = time.monotonic()

    def decide(delivery: Delivery, run: int) -> bool:
        tell.approval(delivery, run)
        return True

    with opened(lab, decide) as delivery:
        version = app_work.next_version()
        app_work.release(version)
        done = delivery.push(places.APP)
        served = [tell.stack(lab, kind, version) for kind in stacks.KINDS]
        tell.messages(delivery)
    tell.say(f"\nmake lab-delivery took {time.monotonic() - started:.0f} s")
    return 0 if all(served) and not telling.failed(done) else 1


def preview_environment(lab: Lab, tell: telling.Teller) -> int:
    with opened(lab, lambda delivery, run: True) as delivery:
        first, second = _VERSIONS
        number = app_work.propose(delivery, f"preview-{int(time.time())}", first)
        done = delivery.pull_request(places.APP, number, "opened")
        tell.environment(lab, delivery, number)
        app_work.push_again(delivery, number, second)
        done += delivery.pull_request(places.APP, number, "synchronize")
        tell.environment(lab, delivery, number)
        done += delivery.pull_request(places.APP, number, "closed")
        tell.environment(lab, delivery, number)
    return 1 if telling.failed(done) else 0


def failures(lab: Lab, tell: telling.Teller) -> int:
    with opened(lab, lambda delivery, run: True) as delivery:
        version = app_work.next_version()
        try:
            for name in app_work.failures():
                for _ in range(2):
                    app_work.break_build(name)
                    delivery.push(places.APP)
                tell.issues(delivery, name)
        finally:
            app_work.release(version)
    return 0


def down(lab: Lab, tell: telling.Teller) -> int:
    lab.down([kind.host for kind in stacks.KINDS])
    return 0


VERBS: dict[str, Callable[[Lab, telling.Teller], int]] = {
    "up": up,
    "preview-environment": preview_environment,
    "failures": failures,
    "down": down,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab.delivery",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("verb", choices=sorted(VERBS), metavar="VERB", help="one of the above")
    return parser
