"""The command `upgrade`: its arguments and what runs it, which is imported when it is needed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, Final

from ops.arguments import caller, stack_arguments
from ops.command import Command
from ops.result import failed, show

_ONLY_TO: Final = ("dry_run", "as_admin", "empty_unlogged", "leave_closed")


def image(text: str) -> str:
    """An image as `codeb:images.postgres` takes it; a short name is Docker Hub's. Raises argparse.ArgumentTypeError."""
    from pydantic import TypeAdapter, ValidationError

    from codeb.model import types

    first, slash, _ = text.partition("/")
    if not slash:
        text = f"docker.io/library/{text}"
    elif first != "localhost" and "." not in first and ":" not in first:
        text = f"docker.io/{text}"
    try:
        return TypeAdapter[str](types.ImageReference).validate_python(text)
    except ValidationError:
        raise argparse.ArgumentTypeError(
            f"{text[:80]!r} is no image with a tag: write for example postgres:17-alpine"
        ) from None


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=["postgres"], help="what is upgraded")
    act = parser.add_mutually_exclusive_group(required=True)
    act.add_argument("--to", type=image, metavar="IMAGE", help="the image of a later major version")
    act.add_argument("--back", action="store_true", help="go back to the version and files of before")
    act.add_argument("--forget", action="store_true", help="remove the files of before (else after 7 days)")
    parser.add_argument("--dry-run", action="store_true", help="only say whether it would go well")
    parser.add_argument(
        "--as-admin",
        action="append",
        default=[],
        metavar="DATABASE",
        help="let its dump do what only PostgreSQL's administrator may",
    )
    parser.add_argument(
        "--empty-unlogged", action="store_true", help="unlogged tables may be empty afterwards"
    )
    parser.add_argument(
        "--leave-closed", action="store_true", help="databases that let nobody in stay behind"
    )
    parser.add_argument("--without-backup", action="store_true", help="with --back: take no backups first")
    parser.add_argument(
        "--wait", type=int, default=0, metavar="SECONDS", help="how long to wait for another run (default: 0)"
    )
    stack_arguments(parser)


def document(options: argparse.Namespace) -> dict[str, Any]:
    """What the agent is asked for. Raises argparse.ArgumentTypeError for what doesn't go together."""
    if not options.to and (wrong := [name for name in _ONLY_TO if getattr(options, name)]):
        raise argparse.ArgumentTypeError(f"--{wrong[0].replace('_', '-')} goes with --to")
    if options.without_backup and not options.back:
        raise argparse.ArgumentTypeError("--without-backup goes with --back")
    act: dict[str, Any] = {"to": options.to} if options.to else {"back" if options.back else "forget": True}
    more = {name: getattr(options, name) for name in (*_ONLY_TO, "without_backup") if getattr(options, name)}
    return {"version": 1, **act, **more, "wait_s": options.wait, "by": caller()}


def _run(options: argparse.Namespace) -> int:
    from ops.access import AccessError, app_servers
    from ops.ssh import tell
    from ops.upgrade import upgrade

    try:
        wanted = document(options)
    except argparse.ArgumentTypeError as error:
        print(f"codeb upgrade: {error}", file=sys.stderr)
        return 2
    try:
        servers = app_servers(Path(), options.stack, options.identity, every=True)
    except AccessError as error:
        return show(failed(error), as_json=options.json)
    result = upgrade(wanted, servers, options.stack, tell, lambda line: print(line, file=sys.stderr))
    return show(result, as_json=options.json)


COMMANDS = (
    Command(
        "upgrade",
        "Bring PostgreSQL's databases to a later major version, or back.",
        "Extensions, settings and room are checked, then every project's database is backed up. From then on apps read but\n"
        "can't write, until all databases are copied into files of the new version, compared, and served. The old files\n"
        "are kept for 7 days. Exit status: 0 it is done, 1 it is not (the old version serves as before), 2 wrong usage.\n\n"
        "  codeb upgrade postgres --to postgres:17-alpine --dry-run --stack live\n"
        "  codeb upgrade postgres --to postgres:17-alpine --stack live\n"
        "  codeb upgrade postgres --back --stack live       what was written since is then in backups alone\n"
        "  codeb upgrade postgres --forget --stack live     no way back after this\n\n"
        "docs/postgres-upgrade.md tells how long it takes, what apps see, and what to do about what it says.",
        _arguments,
        _run,
    ),
)
