"""The commands `codeb secrets …`: a table, like `ops.fleet_commands`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ops.arguments import matching, project_id, stack_name
from ops.command import Command, add
from ops.result import Result, failed, show

if TYPE_CHECKING:
    from ops.secrets import Stack

_NAME: Final = r"[A-Za-z_][A-Za-z0-9_]{0,127}"
_MOST: Final = 1 << 20
"""Bytes that are read of a value; far more than one may have."""


def _name(text: str) -> str:
    return matching(
        _NAME, text, "a variable's name: letters, digits and underscores, for example PAYMENT_KEY"
    )


def _arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(title="secrets commands", metavar="VERB", required=True)
    for verb in VERBS:
        one = add(verbs, verb)
        one.add_argument("--stack", required=True, type=stack_name, help="the stack (Pulumi.<STACK>.yaml)")
        one.add_argument("--json", action="store_true", help="write the result to standard output as JSON")
        one.set_defaults(verb=verb.run)


def _run(options: argparse.Namespace) -> int:
    return int(options.verb(options))


def _shown(options: argparse.Namespace, work: Callable[[Stack], Result]) -> int:
    """Do the work on the stack and show its result; what stands in the way is one too."""
    from ops.secrets import SecretsError, read_stack
    from ops.vault.problem import VaultError

    try:
        result = work(read_stack(Path(), options.stack))
    except (SecretsError, VaultError) as error:
        result = failed(error)
    return show(result, as_json=options.json)


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "project",
        nargs="?",
        type=project_id,
        metavar="PROJECT",
        help="of this project only, its previews' too",
    )


def _list(options: argparse.Namespace) -> int:
    from ops.secrets import listed

    return _shown(options, lambda stack: listed(stack, options.project))


def _set_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "project", type=project_id, metavar="PROJECT", help="id of the project; <id>-pr for its previews"
    )
    parser.add_argument("name", type=_name, metavar="NAME", help="name of the variable")
    parser.add_argument(
        "--to", choices=("vault", "stack"), help="where (default: the vault of a stack that has one)"
    )
    parser.add_argument(
        "--raw", action="store_true", help="the value as it comes, with the line's end that it ends in"
    )
    parser.add_argument("--remove", action="store_true", help="take it away instead")


def _set(options: argparse.Namespace) -> int:
    from ops.secrets import Change, changed

    try:
        value = None if options.remove else _value(options.name, raw=options.raw)
    except UnicodeDecodeError:
        return show(failed("the value is not UTF-8 text; nothing was changed"), as_json=options.json)
    change = Change(options.project, options.name, value, options.to)
    return _shown(options, lambda stack: changed(stack, change))


def _rotate_arguments(parser: argparse.ArgumentParser) -> None:
    from ops.rotate_platform import ACCOUNTS

    parser.add_argument(
        "--platform",
        nargs="+",
        choices=ACCOUNTS,
        metavar="ACCOUNT",
        help=f"the platform's own key instead: {', '.join(ACCOUNTS)}; one or more",
    )
    parser.add_argument("project", nargs="?", type=project_id, metavar="PROJECT", help="id of the project")
    parser.add_argument(
        "services",
        nargs="*",
        type=_service,
        metavar="SERVICE",
        help="whose key: database, cache or storage; one or more",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be written, and write nothing")
    parser.set_defaults(refuse=parser.error)


def _service(text: str) -> str:
    from ops.rotate import SERVICES

    if text not in SERVICES:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(SERVICES)}")
    return text


def _rotate(options: argparse.Namespace) -> int:
    from ops import rotate_platform
    from ops.rotate import rotated, unnumbered

    if bool(options.platform) == bool(options.project and options.services):
        options.refuse("write a project and its services, or --platform and accounts")
    dry_run = options.dry_run
    if options.platform:
        if options.project:
            options.refuse("--platform is of the stack, not of a project")
        accounts = tuple(dict.fromkeys(options.platform))
        return _shown(
            options,
            lambda stack: rotate_platform.rotated(
                accounts, stack.folder / f"Pulumi.{stack.name}.yaml", stack.name, dry_run=dry_run
            ),
        )
    services = tuple(dict.fromkeys(options.services))
    return _shown(
        options,
        lambda stack: (
            unnumbered(options.project, services, stack.settings.managed.objects)
            or rotated(
                options.project,
                services,
                stack.folder / stack.settings.manifests,
                stack.name,
                dry_run=dry_run,
            )
        ),
    )


def _value(name: str, *, raw: bool) -> str:
    """What is typed and not shown, else standard input; one line's end is no part of it unless it is taken `raw`."""
    if sys.stdin.isatty():
        return getpass(f"Value of {name} (is not shown): ")
    text = sys.stdin.buffer.read(_MOST).decode()
    if raw or not text.endswith("\n"):
        return text
    return text[:-1].removesuffix("\r")


VERBS: Final = (
    Command(
        "list",
        "Show the names of projects' secrets: where each is, which are missing.",
        "No value is shown, and of a vault none is read. Exit status: 0 all are there, 1 some are missing, or it could not\n"
        "be asked, 2 wrong usage.",
        _list_arguments,
        _list,
    ),
    Command(
        "set",
        "Set one secret of a project, or take it away.",
        "The value comes from standard input, or is typed and not shown; never from the command line, where others see it.\n"
        "Exit status: 0 done, 1 not, 2 wrong usage.\n\n"
        "  codeb secrets set shop PAYMENT_KEY --stack prod              asks for it\n"
        "  pass show shop/payment | codeb secrets set shop PAYMENT_KEY --stack prod\n"
        "  codeb secrets set shop SIGNING_KEY --raw --stack prod < key.pem\n"
        "  codeb secrets set shop PAYMENT_KEY --remove --stack prod",
        _set_arguments,
        _set,
    ),
    Command(
        "rotate",
        "Give a project another key of its database, cache or storage, or the platform's own accounts theirs.",
        "Raises resources.<service>.rotation in the project's manifest by one and leaves the rest of the file as it is.\n"
        "The next `pulumi up` makes the new key and releases the app with it; the one before stays valid until the next\n"
        "rotation, for what still has it. With --platform: codeb:rotation in Pulumi.<STACK>.yaml, of administrators\n"
        "(postgres, redis, minio), the archive's role and the account of backups.\n"
        "Exit status: 0 done, 1 not, 2 wrong usage.\n\n"
        "  codeb secrets rotate shop database --stack prod\n"
        "  codeb secrets rotate shop database cache storage --stack prod\n"
        "  codeb secrets rotate --platform postgres minio --stack prod",
        _rotate_arguments,
        _rotate,
    ),
)

COMMANDS: Final = (
    Command(
        "secrets",
        "List, set and rotate the secrets of projects, in the stack's vault or its configuration.",
        "  codeb secrets list --stack prod                  names, places, what is missing\n"
        "  codeb secrets set shop PAYMENT_KEY --stack prod   one, from standard input\n"
        "  codeb secrets rotate shop database --stack prod   another key of what the platform made itself\n\n"
        "docs/vault.md tells the whole story.",
        _arguments,
        _run,
    ),
)
