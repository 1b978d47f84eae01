"""The command `move-data`: its arguments and what runs it, which is imported when it is needed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ops.arguments import caller, project_arguments, wait_argument
from ops.command import Command
from ops.result import failed, show

if TYPE_CHECKING:
    from ops.move_data import Wanted


def _arguments(parser: argparse.ArgumentParser) -> None:
    act = parser.add_mutually_exclusive_group(required=True)
    act.add_argument(
        "--to", choices=["managed", "here"], help="Vultr's managed PostgreSQL, or the data server"
    )
    act.add_argument("--undo", action="store_true", help="go back to what the newest move has left")
    act.add_argument("--forget", action="store_true", help="remove what the newest move has left")
    parser.add_argument("--dry-run", action="store_true", help="with --to: only say whether it would go well")
    parser.add_argument(
        "--lose-writes", action="store_true", help="with --undo: give up what was written since the move"
    )
    wait_argument(parser)
    project_arguments(parser)


def wanted(options: argparse.Namespace) -> Wanted:
    """What is asked for. Raises argparse.ArgumentTypeError for what doesn't go together."""
    from ops.move_data import Wanted

    if options.dry_run and not options.to:
        raise argparse.ArgumentTypeError("--dry-run goes with --to")
    if options.lose_writes and not options.undo:
        raise argparse.ArgumentTypeError("--lose-writes goes with --undo")
    return Wanted(
        project=options.project,
        act="move" if options.to else "undo" if options.undo else "forget",
        to=options.to or "managed",
        lose=options.lose_writes,
        dry_run=options.dry_run,
        by=caller(),
        wait_s=options.wait,
    )


def _run(options: argparse.Namespace) -> int:
    from ops.access import AccessError, app_servers
    from ops.move_data import Means, move_data
    from ops.pulumi import CliStack
    from ops.ssh import tell

    try:
        asked = wanted(options)
    except argparse.ArgumentTypeError as error:
        print(f"codeb move-data: {error}", file=sys.stderr)
        return 2
    folder = Path()
    try:
        servers = app_servers(folder, options.stack, options.identity, every=True)
    except AccessError as error:
        return show(failed(error), as_json=options.json)
    file = folder / f"Pulumi.{options.stack}.yaml"
    stack = CliStack(folder, options.stack, aside=options.json)
    means = Means(servers, file, stack, tell, lambda line: print(line, file=sys.stderr))
    return show(move_data(asked, means), as_json=options.json)


COMMANDS = (
    Command(
        "move-data",
        "Bring a project's database to Vultr's managed PostgreSQL, or back.",
        "The app's database is closed, copied, and compared table by table; then codeb:managed.postgres in the stack's\n"
        "file is edited, and an update (`pulumi up`) tells the app. What fails is put back. What was left is kept, closed,\n"
        "until --forget. The project has to be in codeb:managed.postgres.prepared. Buckets and caches don't move.\n"
        "Exit status: 0 it is done, 1 it is not, 2 wrong usage.\n\n"
        "  codeb move-data blog --to managed --dry-run --stack live\n"
        "  codeb move-data blog --to managed --stack live\n"
        "  codeb move-data blog --undo --stack live         refused when the app has written since\n"
        "  codeb move-data blog --to here --stack live      brings back what was written since\n"
        "  codeb move-data blog --forget --stack live       no --undo after this\n\n"
        "docs/managed-data.md tells when it pays, what differs there, and what to do about what it says.",
        _arguments,
        _run,
    ),
)
