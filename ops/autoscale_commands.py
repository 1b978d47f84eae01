"""The command `codeb autoscale`: a table, like `ops.host_commands`."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ops.arguments import caller, stack_arguments
from ops.command import Command
from ops.result import show

if TYPE_CHECKING:
    from ops.scaling.autoscale import World

_EVERY: Final = re.compile(r"([1-9][0-9]{0,3})([sm])")
_LEAST_EVERY_S: Final = 30
_MOST_EVERY_S: Final = 3600
_USER: Final = re.compile(r"[a-z_][a-z0-9_-]{0,31}")


def _every(text: str) -> int:
    """`30s` to `60m`, in seconds."""
    found = _EVERY.fullmatch(text)
    value = int(found[1]) * (60 if found[2] == "m" else 1) if found else 0
    if not _LEAST_EVERY_S <= value <= _MOST_EVERY_S:
        raise argparse.ArgumentTypeError(f"{text[:60]!r} is no time from 30s to 60m: write for example 1m")
    return value


def _user(text: str) -> str:
    if not _USER.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text[:60]!r} is no user's name")
    return text


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what", nargs="?", choices=("timer",), help="write systemd's units that run it, instead of looking"
    )
    stack_arguments(parser)
    parser.add_argument("--dry-run", action="store_true", help="look, decide and preview; change nothing")
    parser.add_argument(
        "--with-others",
        action="store_true",
        help="carry other changes along that wait for an update (default: exit status 4)",
    )
    timer = parser.add_argument_group("of `timer`")
    timer.add_argument("--to", type=Path, metavar="FOLDER", help="where the units are written")
    timer.add_argument(
        "--every", type=_every, default=60, metavar="TIME", help="between two looks (default 1m)"
    )
    timer.add_argument("--user", type=_user, metavar="NAME", help="who runs it (default: you)")
    timer.add_argument(
        "--environment",
        metavar="FILE",
        help="with what the pulumi CLI needs (default /etc/codeb/autoscale-STACK.env)",
    )


def _run(options: argparse.Namespace) -> int:
    if options.what == "timer":
        return _timer(options)
    if options.to is not None:
        print("codeb autoscale: error: --to goes with `timer`", file=sys.stderr)
        return 2
    from ops.runs import ended_by_signals
    from ops.scaling.autoscale import Wanted, autoscale

    world = _world(options)
    with ended_by_signals(world.run):
        outcome = autoscale(Wanted(options.stack, options.dry_run, options.with_others), world)
    show(outcome.result, as_json=options.json)
    return outcome.status


def _world(options: argparse.Namespace) -> World:
    from ops import access
    from ops.preview import runner
    from ops.pulumi import outputs
    from ops.scaling.autoscale import World
    from ops.ssh import ask
    from ops.words import clean

    folder = Path()
    return World(
        folder,
        outputs=lambda: outputs(folder, options.stack),
        servers=lambda: access.app_servers(folder, options.stack, options.identity, every=True),
        ask=ask,
        runner=runner,
        by=caller(),
        progress=lambda line: print(clean(line), file=sys.stderr, flush=True),
    )


def _timer(options: argparse.Namespace) -> int:
    import getpass

    from codeb.render.autoscale import TimerArgs
    from ops.scaling.timer import timer

    if options.to is None:
        print("codeb autoscale: error: `timer` takes --to FOLDER", file=sys.stderr)
        return 2
    environment = options.environment or f"/etc/codeb/autoscale-{options.stack}.env"
    codeb = shutil.which(sys.argv[0]) or shutil.which("codeb") or sys.argv[0]
    args = TimerArgs(
        options.stack,
        str(Path().absolute()),
        os.path.abspath(codeb),
        options.user or _user(getpass.getuser()),
        os.path.abspath(environment),
        options.every,
    )
    return show(timer(args, options.to), as_json=options.json)


COMMANDS: Final = (
    Command(
        "autoscale",
        "Let pools with `autoscale` have as many servers as their load needs: one look, one step at most.",
        "Asks Prometheus on the stack's server with the role monitoring how busy the servers were, decides, and brings it\n"
        "about by an ordinary update under the stack's lock (docs/autoscaling.md). A timer or a workflow runs it.\n"
        "Exit status: 0 done or nothing to do, 1 failed, 2 bad settings or wrong usage, 3 another update has the stack,\n"
        "4 the update would change other things, too. With 3 and 4 nothing was done.\n\n"
        "  codeb autoscale --stack prod --dry-run            what it would do, and why\n"
        "  codeb autoscale --stack prod\n"
        "  codeb autoscale timer --to units --stack prod     units for systemd, every minute",
        _arguments,
        _run,
    ),
)
