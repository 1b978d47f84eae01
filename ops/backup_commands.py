"""The commands about backups: a table. What runs them is imported when it is needed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ops.arguments import caller, project_id, stack_arguments
from ops.command import Command
from ops.result import Result, failed, show

PLATFORM: Final = "platform"
"""No project can be called so."""
_ONE_OR_ALL: Final = "name a project, or say --all"


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
    _whose_arguments(parser)


def _prove_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "project",
        nargs="?",
        default="",
        type=_project_or_due,
        metavar="PROJECT",
        help="its id (default: all projects that are due)",
    )
    _whose_arguments(parser)


def _whose_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="every project, due or not")
    parser.add_argument(
        "--wait", type=int, default=0, metavar="SECONDS", help="how long to wait for another run (default: 0)"
    )
    stack_arguments(parser)


def _backup(options: argparse.Namespace) -> int:
    from ops.backup import backup

    if options.project and options.all:
        return show(failed(_ONE_OR_ALL), as_json=options.json)
    return _platform(options) if options.project == PLATFORM else _done(options, backup)


def _prove(options: argparse.Namespace) -> int:
    from ops.prove import prove

    if options.project and options.all:
        return show(failed(_ONE_OR_ALL), as_json=options.json)
    return _done(options, prove)


def _done(options: argparse.Namespace, action: Callable[..., Result]) -> int:
    """What a verb of the agent does for the projects that are named; it tells on its way."""
    from ops.access import AccessError, app_servers
    from ops.ssh import tell

    whose = (
        {"project": options.project} if options.project else {"all": True} if options.all else {"due": True}
    )
    document = {"version": 1, **whose, "wait_s": options.wait, "by": caller()}
    try:
        servers = app_servers(Path(), options.stack, options.identity, every=True)
    except AccessError as error:
        return show(failed(error), as_json=options.json)
    result = action(document, servers, tell, lambda line: print(line, file=sys.stderr))
    return show(result, as_json=options.json)


def _platform(options: argparse.Namespace) -> int:
    from ops.access import AccessError, app_servers
    from ops.backup_platform import platform
    from ops.pulumi import CliStack
    from ops.ssh import ask

    try:
        servers = app_servers(Path(), options.stack, options.identity, every=True)
    except AccessError as error:
        return show(failed(error), as_json=options.json)
    export = CliStack(Path(), options.stack).export
    return show(platform(export, servers, ask, options.wait, caller()), as_json=options.json)


def _drop_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", type=project_id, metavar="PROJECT", help="id of the project")
    parser.add_argument(
        "--yes-without-backup",
        action="store_true",
        required=True,
        help="yes: what is in its database now is lost",
    )
    stack_arguments(parser)


def _drop(options: argparse.Namespace) -> int:
    from ops.access import AccessError, app_servers
    from ops.drop import drop
    from ops.ssh import ask

    document = {"version": 1, "project": options.project, "without_backup": True, "by": caller()}
    try:
        servers = app_servers(Path(), options.stack, options.identity, every=True)
    except AccessError as error:
        return show(failed(error), as_json=options.json)
    return show(drop(document, servers, ask), as_json=options.json)


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
    Command(
        "prove",
        "Restore the newest backups of projects into a throwaway PostgreSQL, and compare.",
        "As a timer does each night: rows of every table are counted and compared with those that were noted when\n"
        "the backup was made. The live database is not touched. Without a project: those whose newest backup was not\n"
        "proven, or long ago. Exit status: 0 all came back as it was, 1 not (some of it), 2 wrong usage.\n\n"
        "  codeb prove shop --stack live    one project, now\n"
        "  codeb prove --stack live         all that are due",
        _prove_arguments,
        _prove,
    ),
    Command(
        "drop",
        "Let a database be dropped without its final backup, when that can't be taken.",
        "The database of a project with `lifecycle: destroy` that has left is backed up once more before an update\n"
        "drops it; when that fails, the update ends and the database stays. This says that the next update may drop it\n"
        "all the same, within a day and once. Exit status: 0 it is remembered, 1 it is not, 2 wrong usage.\n\n"
        "  codeb drop shop --yes-without-backup --stack live",
        _drop_arguments,
        _drop,
    ),
)
