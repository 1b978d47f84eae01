"""The command `protect`: a table of one, like `ops.manifest_commands`."""

from __future__ import annotations

import argparse
import re
import sys
from getpass import getpass
from pathlib import Path

from ops.arguments import project_id, stack_name
from ops.command import Command
from ops.result import failed, show

_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_LONGEST_LINE = 4096


def _user(text: str) -> str:
    if not _USER.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text[:60]!r} is not a login's name: write for example ann")
    return text


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", type=project_id, metavar="PROJECT", help="id of the project")
    parser.add_argument("--user", required=True, type=_user, metavar="NAME", help="the login")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--generate", action="store_true", help="make a password and show it once")
    how.add_argument("--remove", action="store_true", help="take the login away")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--manifests",
        default="manifests",
        metavar="PATH",
        help="manifest or folder of manifests (default manifests)",
    )
    where.add_argument("--stack", type=stack_name, help="the folder that Pulumi.<STACK>.yaml names")
    parser.add_argument("--json", action="store_true", help="write the result to standard output as JSON")


def _protect(options: argparse.Namespace) -> int:
    from codeb.model import DocumentErrors, read_stack_file
    from ops.protect import Wanted, made_password, protect

    folder = options.manifests
    if options.stack:
        try:
            stack = read_stack_file(Path(f"Pulumi.{options.stack}.yaml"), options.stack)
        except DocumentErrors as error:
            return show(failed(error), as_json=options.json)
        folder = str(stack.settings.get("manifests", folder))
    password = None
    if options.generate:
        password = made_password()
    elif not options.remove:
        password = _asked(options.user)
        if password is None:
            return show(failed("the two passwords differ; nothing was changed"), as_json=options.json)
    wanted = Wanted(options.project, options.user, password, options.generate)
    return show(protect(wanted, Path(folder)), as_json=options.json)


def _asked(user: str) -> str | None:
    """The password from the terminal, where it is typed twice, else the first line of standard input; None when the two
    differ."""
    if not sys.stdin.isatty():
        return sys.stdin.readline(_LONGEST_LINE).rstrip("\r\n")
    password = getpass(f"Password of {user}: ")
    return password if getpass("Again: ") == password else None


COMMANDS = (
    Command(
        "protect",
        "Give somebody a login to a protected app, or take it away.",
        "Asks for the password twice, or reads it from standard input, or makes one; writes its bcrypt hash into the\n"
        "project's manifest (features.protect.users) and leaves the rest of the file as it is. The next `pulumi up`\n"
        "makes it so: Caddy then asks visitors for a login. Exit status: 0 done, 1 not, 2 wrong usage.\n\n"
        "  codeb protect staging --user ann                 asks for the password\n"
        "  codeb protect staging --user ann --generate      makes one and shows it once\n"
        "  pass show staging/ann | codeb protect staging --user ann\n"
        "  codeb protect staging --user ann --remove\n\n"
        "docs/manifest.md (features.protect) tells who gets in.",
        _arguments,
        _protect,
    ),
)
