"""The command `copy-objects`: its arguments and what runs it, which is imported when it is needed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ops.arguments import caller, project_arguments, wait_argument
from ops.command import Command
from ops.result import failed, show


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--to", required=True, choices=["managed", "here"], help="Vultr's Object Storage, or the data server"
    )
    parser.add_argument("--dry-run", action="store_true", help="only count what would be copied")
    more = parser.add_mutually_exclusive_group()
    more.add_argument(
        "--exact", action="store_true", help="also delete there what is not here; refused where the app is"
    )
    more.add_argument(
        "--forget", action="store_true", help="then remove what was left here; refused until the app is there"
    )
    wait_argument(parser)
    project_arguments(parser)


def _run(options: argparse.Namespace) -> int:
    from ops.access import AccessError, app_servers
    from ops.copy_objects import Wanted, copy_objects
    from ops.ssh import tell

    try:
        servers = app_servers(Path(), options.stack, options.identity, every=True)
    except AccessError as error:
        return show(failed(error), as_json=options.json)
    wanted = Wanted(
        options.project,
        options.to,
        options.exact,
        options.forget,
        options.dry_run,
        caller(),
        options.wait,
    )
    result = copy_objects(wanted, servers, tell, lambda line: print(line, file=sys.stderr))
    return show(result, as_json=options.json)


COMMANDS = (
    Command(
        "copy-objects",
        "Copy a project's objects to Vultr's Object Storage, or back.",
        "Nothing is closed, and no setting is edited: the app stays where codeb:managed.objects says. Run it while the app\n"
        "is at the other side, as often as you like, and once more after it has changed sides, for what it wrote since.\n"
        "What was overwritten or deleted at the new side since then stays so. The project has to be in that setting.\n"
        "Exit status: 0 all is there, 1 it is not, 2 wrong usage.\n\n"
        "  codeb copy-objects shop --to managed --dry-run --stack live\n"
        "  codeb copy-objects shop --to managed --stack live\n"
        "  codeb copy-objects shop --to here --exact --stack live   with what was deleted there\n"
        "  codeb copy-objects shop --to managed --forget --stack live  once it is there: empties what was left here\n\n"
        "docs/managed-objects.md tells when it pays, what differs there, and all the steps.",
        _arguments,
        _run,
    ),
)
