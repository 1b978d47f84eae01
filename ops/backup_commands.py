"""The commands about backups: a table. What runs them is imported when it is needed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ops.arguments import caller, project_id, stack_arguments
from ops.command import Command
from ops.result import failed, show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops.access import Server

PLATFORM: Final = "platform"
"""No project can be called so."""


def _project_or_due(text: str) -> str:
    return text and project_id(text)


def _backup_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "project",
        nargs="?",
        default="",
        type=_project_or_due,
        metavar="PROJECT|platform",
        help="id, or platform: what rebuilds everything (default: all projects that are due)",
    )
    parser.add_argument("--all", action="store_true", help="every project, due or not")
    parser.add_argument(
        "--wait", type=int, default=0, metavar="SECONDS", help="how long to wait for another run (default: 0)"
    )
    stack_arguments(parser)


def _backup(options: argparse.Namespace) -> int:
    from ops.access import AccessError, app_servers
    from ops.backup import backup
    from ops.ssh import tell

    if options.project and options.all:
        return show(failed("name a project, or say --all"), as_json=options.json)
    whose = (
        {"project": options.project} if options.project else {"all": True} if options.all else {"due": True}
    )
    document = {"version": 1, **whose, "wait_s": options.wait, "by": caller()}
    try:
        servers = app_servers(Path(), options.stack, options.identity, every=True)
    except AccessError as error:
        return show(failed(error), as_json=options.json)
    if options.project == PLATFORM:
        return _platform(options, servers)
    result = backup(document, servers, tell, lambda line: print(line, file=sys.stderr))
    return show(result, as_json=options.json)


def _platform(options: argparse.Namespace, servers: Sequence[Server]) -> int:
    from ops.backup_platform import platform
    from ops.pulumi import CliStack
    from ops.ssh import ask

    export = CliStack(Path(), options.stack).export
    return show(platform(export, servers, ask, options.wait, caller()), as_json=options.json)


COMMANDS = (
    Command(
        "backup",
        "Back up projects, or what rebuilds the platform, now, as timers do.",
        "Each database is dumped, sealed and read back from the store, uploads are mirrored, and all is copied to the\n"
        "second place where the stack has one.\n"
        "Without a project: those whose time has come and that have no backup since. Exit status: 0 all went well,\n"
        "1 not (some of it), 2 wrong usage.\n\n"
        "  codeb backup shop --stack live    one project, now\n"
        "  codeb backup --stack live         all that are due\n"
        "  codeb backup platform --stack live    the stack's state, agents' records, certificates, MinIO's accounts\n\n"
        "docs/backup.md tells what is kept where, and for how long.",
        _backup_arguments,
        _backup,
    ),
)
