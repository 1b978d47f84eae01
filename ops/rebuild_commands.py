"""The command `rebuild`, for the day on which the data server is lost: its arguments and what runs it."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ops.arguments import caller, matching, project_id, stack_arguments, stack_name
from ops.command import Command, add
from ops.restore_commands import moment
from ops.result import failed, show

if TYPE_CHECKING:
    from codeb.model import Settings
    from ops.rebuild_server import Lost

_KEYS = "file (0600) with the keys that may read the second place, as JSON: accessKey, secretKey; -: standard input"


def _arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(title="steps", metavar="STEP", required=True)
    for verb in STEPS:
        one = add(verbs, verb)
        one.set_defaults(step=verb.run)


def _run(options: argparse.Namespace) -> int:
    from ops.access import AccessError
    from ops.pulumi import PulumiError
    from ops.reading_keys import BadKeys

    try:
        return int(options.step(options))
    except BadKeys as error:
        print(f"codeb rebuild: {error}", file=sys.stderr)
        return 2
    except (AccessError, PulumiError) as error:
        return show(failed(error), as_json=getattr(options, "json", False))


def _platform_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--to", required=True, type=Path, metavar="FOLDER", help="a new folder, for this user alone"
    )
    parser.add_argument("--keys", required=True, metavar="FILE", help=_KEYS)
    parser.add_argument(
        "--root-secret", metavar="FILE", help="file (0600) with the root secret (default: the stack's own)"
    )
    parser.add_argument(
        "--at", type=moment, metavar="TIME", help="the newest that is not after a moment (UTC)"
    )
    parser.add_argument("--stack", required=True, type=stack_name, help="the stack (Pulumi.<STACK>.yaml)")
    parser.add_argument("--json", action="store_true", help="write the result to standard output as JSON")


def _platform(options: argparse.Namespace) -> int:
    from codeb.secrets import PlatformSecrets, RootSecret, SecretError
    from ops.reading_keys import reading_keys
    from ops.rebuild_platform import opened
    from ops.second_place import Place, ReadingKeys

    second = _settings(options.stack).backup.second
    if second is None:
        return show(
            failed(f"Pulumi.{options.stack}.yaml: codeb:backup.second is not set"), as_json=options.json
        )
    try:
        identity = PlatformSecrets(RootSecret(_root_secret(options)), []).lookup("secret", "backup/key")
    except SecretError as error:
        return show(failed(f"the root secret: {error}"), as_json=options.json)
    keys = ReadingKeys(**reading_keys(options.keys))
    place = Place(second.endpoint, second.region, second.bucket, keys, second.ca)
    before = datetime.fromisoformat(options.at) if options.at else None
    return show(opened(place, identity, options.to, before), as_json=options.json)


def _settings(stack: str) -> Settings:
    """Raises AccessError."""
    from codeb.model import DocumentErrors, parse_settings, read_stack_values
    from ops.access import AccessError

    try:
        return parse_settings(read_stack_values(Path(f"Pulumi.{stack}.yaml")), stack)
    except DocumentErrors as error:
        raise AccessError(str(error)) from None


def _root_secret(options: argparse.Namespace) -> str:
    """Raises AccessError."""
    from ops.access import AccessError, secret_text, stack_values
    from ops.pulumi import CliStack

    named = stack_values(Path(), options.stack).get("rootSecretFile")
    if options.root_secret:
        found = secret_text(Path(options.root_secret), "--root-secret")
    elif named:
        found = secret_text(Path(str(named)), "codeb:rootSecretFile")
    else:
        found = CliStack(Path(), options.stack).config("rootSecret")
    if not found.strip():
        raise AccessError(
            "the root secret is not known here: log in to the stack's backend, or name its file with --root-secret"
        )
    return found.strip()


def _server_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("server", type=_server_name, metavar="SERVER", help="the server with the role data")
    parser.add_argument(
        "--empty",
        action="store_true",
        help="its agent answers, and its data is lost all the same (a disk has died)",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    stack_arguments(parser)


def _server_name(text: str) -> str:
    return matching(r"[a-z0-9][a-z0-9-]{0,39}", text, "a server's name: write for example data-1")


def _server(options: argparse.Namespace) -> int:
    from ops.fleet_commands import confirmed
    from ops.pulumi import CliStack, keep
    from ops.rebuild_server import made_again
    from ops.ssh import ask

    stack = CliStack(Path(), options.stack)
    return made_again(stack, _lost(options), ask, keep, confirmed(yes=options.yes), print)


def _lost(options: argparse.Namespace) -> Lost:
    """Raises AccessError."""
    from ops.access import AccessError, app_servers, server_named, stack_values
    from ops.machines import makes_servers
    from ops.rebuild_server import Lost

    folder, name = Path(), options.server
    if makes_servers(stack_values(folder, options.stack)):
        return Lost(name, server_named(folder, options.stack, name, options.identity), True, options.empty)
    servers = app_servers(folder, options.stack, options.identity, every=True)
    found = next((each for each in servers if each.name == name), None)
    if found is None or not found.holds_data:
        raise AccessError(f"Pulumi.{options.stack}.yaml has no server {name} with the role data")
    return Lost(name, found, False, options.empty)


def _data_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--keys", required=True, metavar="FILE", help=_KEYS)
    parser.add_argument(
        "--project",
        action="append",
        default=[],
        type=project_id,
        metavar="ID",
        help="this one (default: all)",
    )
    parser.add_argument(
        "--at", type=moment, metavar="TIME", help="nothing later than this (UTC, or with a zone)"
    )
    parser.add_argument("--dumps", action="store_true", help="newest dumps, whatever the archive has")
    parser.add_argument("--again", action="store_true", help="also what is back already")
    parser.add_argument(
        "--replace", action="store_true", help="also where there is something: it is put aside"
    )
    parser.add_argument(
        "--as-admin", action="store_true", help="let dumps do what only PostgreSQL's administrator may"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would come back, and whether there is room"
    )
    parser.add_argument(
        "--wait", type=int, default=0, metavar="SECONDS", help="how long to wait for another run (default: 0)"
    )
    stack_arguments(parser)


def _data(options: argparse.Namespace) -> int:
    from ops.access import app_servers
    from ops.reading_keys import reading_keys
    from ops.rebuild_data import rebuild
    from ops.ssh import tell

    flags = {name: getattr(options, name) for name in ("dumps", "again", "replace", "as_admin", "dry_run")}
    document = {
        "version": 1, **reading_keys(options.keys), "projects": options.project,
        **({"at": options.at} if options.at else {}), **flags, "wait_s": options.wait, "by": caller(),
    }  # fmt: skip
    servers = app_servers(Path(), options.stack, options.identity, every=True)
    result = rebuild(document, servers, tell, lambda line: print(line, file=sys.stderr))
    return show(result, as_json=options.json)


STEPS = (
    Command(
        "platform",
        "Fetch and open what rebuilds the platform: the stack's state, histories, certificates.",
        "It needs no server: the root secret, keys that read the second place, and the programs age and zstd.\n\n"
        "  codeb rebuild platform --to rebuilt --keys reading.json --stack live",
        _platform_arguments,
        _platform,
    ),
    Command(
        "server",
        "Make a data server again that is lost: empty, and no app starts on it yet.",
        "The state forgets what was on it, and an update makes it as it did the first time. Before it: a new machine at\n"
        "the address in codeb:servers, with its new host key there. Exit status: 0 it is there, 1 not.\n\n"
        "  codeb rebuild server data-1 --stack live",
        _server_arguments,
        _server,
    ),
    Command(
        "data",
        "Bring databases, uploads, histories and certificates back from the second place.",
        "Project by project; one that fails stops no other. What is not empty is left alone, and what is back already\n"
        "stays as it is: run again it goes on. Exit status: 0 all is back, 1 not, 2 wrong usage.\n\n"
        "  codeb rebuild data --keys reading.json --dry-run --stack live\n"
        "  codeb rebuild data --keys reading.json --stack live",
        _data_arguments,
        _data,
    ),
)
COMMANDS = (
    Command(
        "rebuild",
        "The worst day: a data server is lost, and another one gets what it had.",
        "docs/worst-day.md goes through it step by step.",
        _arguments,
        _run,
    ),
)
