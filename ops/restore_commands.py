"""The command `restore`: its arguments and what runs it, which is imported when it is needed."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ops.arguments import caller, matching, project_id, stack_arguments
from ops.command import Command
from ops.result import failed, show

if TYPE_CHECKING:
    from ops.access import Server

_BACKUP: Final = re.compile(r"newest|[0-9]{8}T[0-9]{6}Z-[0-9a-f]{4}")
_TABLE: Final = re.compile(
    r'(?:[a-z_][a-z0-9_$]*|"[^\0]{1,200}")\.(?:[a-z_][a-z0-9_$]*|"[^\0]{1,200}")', re.DOTALL
)
_ACTS: Final = ("list", "undo")
_OF_A_RESTORE: Final = (
    *("at", "backup", "into", "scrub", "table", "objects", "exact", "replace", "as_admin", "dry_run"),
)
_OF_ONE_PART: Final = ("table", "scrub", "as_admin")
"""What is for a database alone."""


def moment(text: str) -> str:
    """A moment as the agent takes it, in UTC: one without a zone is UTC. Raises argparse.ArgumentTypeError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text[:60]!r} is no moment: write for example '2026-11-27 22:15:30', in UTC, or with a zone (+01:00)"
        ) from None
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return found.isoformat().replace("+00:00", "Z")


def _backup_id(text: str) -> str:
    return matching(_BACKUP, text, "a backup: an id as `codeb restore list` shows it, or newest")


def _table(text: str) -> str:
    return matching(_TABLE, text, "a table with its schema: write for example public.orders")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what",
        nargs="+",
        metavar="PROJECT",
        help="id; `list` before it: show what there is to restore; `undo` before it: take the last restore back",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--at", type=moment, metavar="TIME", help="as it was at a moment (UTC, or with a zone)"
    )
    which.add_argument(
        "--backup", type=_backup_id, metavar="ID", help="as a backup has it; newest: the last one"
    )
    parser.add_argument(
        "--into", type=project_id, metavar="OTHER", help="make another project's database and uploads a copy"
    )
    parser.add_argument(
        "--only", choices=("database", "uploads"), help="one of them (default: both); for undo, too"
    )
    parser.add_argument(
        "--objects",
        metavar="PREFIX",
        help="uploads whose names begin so; BUCKET/PREFIX where the project has several buckets",
    )
    parser.add_argument(
        "--exact",
        action="store_true",
        help="of uploads alone: remove those that came since, too, as a restore of both does",
    )
    parser.add_argument(
        "--scrub", type=Path, metavar="FILE", help="SQL that changes the copy before anybody sees it"
    )
    parser.add_argument("--table", type=_table, metavar="SCHEMA.NAME", help="one table, beside the live one")
    parser.add_argument(
        "--replace",
        action="store_true",
        help="drop what an earlier restore has put aside; overwrite in a bucket without versions",
    )
    parser.add_argument(
        "--from",
        dest="source",
        choices=("here", "second"),
        help="read that store alone (default: both, in this order)",
    )
    parser.add_argument(
        "--keys",
        metavar="FILE",
        help='keys that may read the store of --from, {"accessKey": …, "secretKey": …}; -: standard input',
    )
    parser.add_argument(
        "--as-admin", action="store_true", help="let the dump do what only PostgreSQL's administrator may"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be done, and whether there is room"
    )
    parser.add_argument(
        "--wait", type=int, default=0, metavar="SECONDS", help="how long to wait for another run (default: 0)"
    )
    stack_arguments(parser)


def _run(options: argparse.Namespace) -> int:
    from ops.access import AccessError, app_servers
    from ops.reading_keys import BadKeys

    try:
        act, project = _asked(options)
        document = _of_act(act, project, options) if act else _document(options, project)
    except (argparse.ArgumentTypeError, BadKeys) as error:
        print(f"codeb restore: {error}", file=sys.stderr)
        return 2
    try:
        servers = app_servers(Path(), options.stack, options.identity, every=True)
    except AccessError as error:
        return show(failed(error), as_json=options.json)
    if act:
        return _other(act, document, servers, as_json=options.json)
    from ops.restore import restore
    from ops.ssh import tell

    result = restore(document, servers, options.stack, tell, lambda line: print(line, file=sys.stderr))
    return show(result, as_json=options.json)


def _of_act(act: str, project: str, options: argparse.Namespace) -> Mapping[str, Any]:
    """What the agent is asked for a list or an undo. Raises argparse.ArgumentTypeError, BadKeys."""
    from codeb import names

    if act == "list":
        return {"project": project, **_source(options)}
    only = {"only": options.only} if options.only else {}
    database = names.database(project)
    return {"version": 1, "project": project, "database": database, **only, "by": caller()}


def _other(act: str, document: Mapping[str, Any], servers: Sequence[Server], *, as_json: bool) -> int:
    from ops.backup import listed
    from ops.restore import undo
    from ops.ssh import ask, tell

    if act == "list":
        source = {key: value for key, value in document.items() if key != "project"}
        return show(listed(document["project"], servers, ask, source), as_json=as_json)
    found = undo(document, servers, tell, lambda line: print(line, file=sys.stderr))
    return show(found, as_json=as_json)


def _source(options: argparse.Namespace) -> Mapping[str, Any]:
    """Which store is read, and by which keys. Raises argparse.ArgumentTypeError, BadKeys."""
    if not options.source:
        if options.keys:
            raise argparse.ArgumentTypeError("--keys are for one store: say --from second")
        return {}
    from ops.reading_keys import reading_keys

    keys = {"keys": reading_keys(options.keys)} if options.keys else {}
    return {"from": options.source, **keys}


def _asked(options: argparse.Namespace) -> tuple[str, str]:
    """What is to be done ("" for a restore), and of which project. Raises argparse.ArgumentTypeError."""
    *acts, project = options.what
    if len(acts) > 1 or (acts and acts[0] not in _ACTS):
        raise argparse.ArgumentTypeError("say a project, or list or undo and a project")
    given = [name for name in _OF_A_RESTORE if getattr(options, name)]
    if acts and given:
        raise argparse.ArgumentTypeError(f"{acts[0]} takes no --{given[0].replace('_', '-')}")
    _fits_the_act(acts[0] if acts else "", options)
    if not acts and not (options.at or options.backup):
        raise argparse.ArgumentTypeError(
            "say which: --at TIME, or --backup ID (`codeb restore list` shows them)"
        )
    return (acts[0] if acts else ""), project_id(project)


def _fits_the_act(act: str, options: argparse.Namespace) -> None:
    """Raises argparse.ArgumentTypeError."""
    if act == "list" and options.only:
        raise argparse.ArgumentTypeError("list takes no --only: it shows both")
    if act == "undo" and (options.source or options.keys):
        raise argparse.ArgumentTypeError("undo reads no store elsewhere: leave out --from and --keys")


def _document(options: argparse.Namespace, project: str) -> Mapping[str, Any]:
    """What the agent is asked for. Raises argparse.ArgumentTypeError for what doesn't go together."""
    from codeb import names

    if options.scrub is not None and not options.into:
        raise argparse.ArgumentTypeError("--scrub is for a copy: say --into OTHER")
    if options.table and (options.into or options.replace):
        raise argparse.ArgumentTypeError("--table comes beside the live one: leave out --into and --replace")
    if options.into == project:
        raise argparse.ArgumentTypeError("--into is another project")
    _uploads_alone(options)
    into = options.into and {
        "project": options.into, "database": names.database(options.into), "buckets": names.bucket(options.into, ""),
    }  # fmt: skip
    wanted = {
        "at": options.at, "backup": options.backup, "into": into, "table": options.table, "only": options.only,
        "objects": options.objects, "exact": options.exact, "buckets": names.bucket(project, ""),
        "scrub": _scrub(options.scrub), **_source(options),
    }  # fmt: skip
    flags = {"replace": options.replace, "as_admin": options.as_admin, "dry_run": options.dry_run}
    given = {key: value for key, value in wanted.items() if value}
    return {"version": 1, "project": project, **given, **flags, "wait_s": options.wait, "by": caller()}


def _scrub(file: Path | None) -> str:
    """The statements of a file, "" without one. Raises argparse.ArgumentTypeError for a file that has none."""
    if file is None:
        return ""
    try:
        text = file.read_text()
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is no text"
        raise argparse.ArgumentTypeError(f"{file} can't be read: {why}") from None
    if not text.strip():
        raise argparse.ArgumentTypeError(f"{file} is empty: the copy would have everything as it is")
    return text


def _uploads_alone(options: argparse.Namespace) -> None:
    """Raises argparse.ArgumentTypeError for what is of a database where uploads alone come back, and the other way round."""
    uploads = options.only == "uploads" or options.objects is not None
    given = [name for name in _OF_ONE_PART if getattr(options, name)]
    if uploads and given:
        raise argparse.ArgumentTypeError(f"--{given[0].replace('_', '-')} is for a database, not for uploads")
    if options.objects is not None and options.only == "database":
        raise argparse.ArgumentTypeError("--objects are uploads: leave out --only database")
    if options.objects == "":
        raise argparse.ArgumentTypeError("--objects is empty: `--only uploads` brings all of them back")
    if options.exact and (options.table or options.only == "database"):
        raise argparse.ArgumentTypeError("--exact is for uploads")


COMMANDS = (
    Command(
        "restore",
        "Bring a project's database and uploads back: show what there is, restore it, take a restore back.",
        "A backup or a moment is brought into a new database beside the live one, compared with what was counted when it\n"
        "was made, and then takes the live one's place within milliseconds. Of uploads what differs is written, and what\n"
        "came since is removed. What was there is kept for a week: the database beside, objects as older versions.\n"
        "Exit status: 0 all is well, 1 not (it says what was changed), 2 wrong usage.\n\n"
        "  codeb restore list shop --stack live\n"
        "  codeb restore shop --backup newest --dry-run --stack live\n"
        "  codeb restore shop --at '2026-11-27 22:15:30' --stack live         UTC; needs backup.point_in_time\n"
        "  codeb restore shop --backup newest --table public.orders --stack live\n"
        "  codeb restore shop --backup newest --objects faces/ --stack live   what came since stays\n"
        "  codeb restore shop --at '2026-11-27 22:15:30' --only uploads --stack live\n"
        "  codeb restore shop --backup newest --into shop-staging --scrub scrub.sql --stack live\n"
        "  codeb restore shop --backup newest --from second --keys - --stack live < keys.json\n"
        "  codeb restore undo shop --stack live\n\n"
        "docs/backup.md tells what happens, and what to do about what it says.",
        _arguments,
        _run,
    ),
)
