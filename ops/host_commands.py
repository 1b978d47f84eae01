"""The commands that talk to servers: a table. What runs them is imported when it is needed."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ops.command import Command

if TYPE_CHECKING:
    from ops.access import Server

_PROJECT = re.compile(r"[a-z0-9](?:[a-z0-9-]{1,38})[a-z0-9]")
_STACK = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_TEXT = re.compile(r"[^\0]{1,2000}")
_URL = re.compile(r"https?://[^\s\x00-\x1f\x7f<>|\"'\\]{1,1000}")
_LONGEST_BY = 80


def project_id(text: str) -> str:
    """A project's id, as manifests have it."""
    return _matching(_PROJECT, text, "a project id: write for example food-delivery-app")


def stack_name(text: str) -> str:
    """A stack's short name."""
    return _matching(_STACK, text, "a stack's name: write for example dev")


def message(text: str) -> str:
    """The text of a notification."""
    return _matching(_TEXT, text, "a text of 1 to 2000 characters")


def url(text: str) -> str:
    """A web address."""
    return _matching(_URL, text, "a web address: write for example https://ci.example.com/run/7")


def _matching(pattern: re.Pattern[str], text: str, what: str) -> str:
    if not pattern.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text[:60]!r} is not {what}")
    return text


def caller() -> str:
    """Who runs this, `user@hostname`, for the history and the audit log: letters, digits and ._- only, short."""
    import getpass

    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    text = f"{user}@{os.uname().nodename}"
    return re.sub(r"[^A-Za-z0-9._@-]", "_", text)[:_LONGEST_BY]


def _servers(options: argparse.Namespace, project: str) -> tuple[Server, ...]:
    """The app servers of the project's pool; all of the stack when no manifest tells the pool."""
    from ops import access

    folder = Path()
    servers = access.app_servers(folder, options.stack, options.identity)
    if not project or len({server.pool for server in servers}) < 2:
        return servers
    pool = access.pool_of(folder, options.stack, project)
    return tuple(server for server in servers if pool in (None, server.pool)) or servers


def _stack_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--stack",
        required=True,
        type=stack_name,
        help="the stack whose servers are asked (Pulumi.<STACK>.yaml)",
    )
    parser.add_argument(
        "--identity",
        metavar="FILE",
        help="private SSH key (default: the stack's own, from its settings or secret)",
    )
    parser.add_argument("--json", action="store_true", help="write the result to standard output as JSON")


def _rollback_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", type=project_id, metavar="PROJECT", help="id of the project")
    parser.add_argument(
        "--forward", action="store_true", help="lift a rollback: go to the release that it withdrew"
    )
    _stack_arguments(parser)


def _rollback(options: argparse.Namespace) -> int:
    from ops.rollback import Wanted, rollback
    from ops.ssh import ask

    wanted = Wanted(options.project, options.stack, caller(), options.forward)
    return _run(options, lambda servers: rollback(wanted, servers, ask, as_json=options.json))


def _status_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "project", nargs="?", default="", type=_project_or_all, metavar="PROJECT", help="id (default: all)"
    )
    _stack_arguments(parser)


def _project_or_all(text: str) -> str:
    return text and project_id(text)


def _status(options: argparse.Namespace) -> int:
    from ops.ssh import ask
    from ops.status import status

    project, stack = options.project, options.stack
    return _run(options, lambda servers: status(project, stack, servers, ask, as_json=options.json))


def _notify_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", type=project_id, metavar="PROJECT", help="id of the project")
    parser.add_argument("--event", required=True, choices=("approval-wanted",), help="what happened")
    parser.add_argument("--text", required=True, type=message, help="what people read")
    parser.add_argument("--url", type=url, help="where they go from there")
    _stack_arguments(parser)


def _notify(options: argparse.Namespace) -> int:
    from ops.notify import notify
    from ops.ssh import ask

    document: dict[str, object] = {
        "version": 1, "event": options.event, "project": options.project, "text": options.text, "by": caller(),
    }  # fmt: skip
    if options.url:
        document["url"] = options.url
    return _run(options, lambda servers: notify(document, servers, ask, as_json=options.json))


def _run(options: argparse.Namespace, work: Callable[[tuple[Server, ...]], int]) -> int:
    """Find the servers, then do it; what stands in the way is said and gives the exit status 1."""
    from ops.access import AccessError

    try:
        servers = _servers(options, options.project)
    except AccessError as error:
        if options.json:
            print(json.dumps({"ok": False, "problem": str(error)}, indent=2, ensure_ascii=False))
        print(f"error: {error}", file=sys.stderr)
        return 1
    return work(servers)


COMMANDS = (
    Command(
        "rollback",
        "Go back to a project's previous release, at once while it stands by.",
        "The previous image, environment and port serve again, without a reload and without naming a version.\n"
        "After its standby has ended the previous release is started first. A `pulumi up` does not undo a\n"
        "rollback; it says what it leaves as it is. Exit status: 0 done, 1 not (on some servers), 2 wrong usage.\n\n"
        "  codeb rollback shop --stack live             back to the previous release\n"
        "  codeb rollback shop --forward --stack live   to the release that this withdrew\n"
        "  codeb rollback shop --stack live --json      for programs\n\n"
        "docs/operations.md tells the whole story.",
        _rollback_arguments,
        _rollback,
    ),
    Command(
        "status",
        "Show which release serves, since when and why, asked from the servers.",
        "Without a project: one line for each. With one: what a rollback would go to and how long that stands\n"
        "by, and the last 10 releases. Exit status: 0 all well, 1 not (a server that does not answer, a project\n"
        "that is not healthy or not there), 2 wrong usage.\n\n"
        "  codeb status --stack live         all projects\n"
        "  codeb status shop --stack live    one, with its history",
        _status_arguments,
        _status,
    ),
    Command(
        "notify",
        "Tell the stack's webhooks that somebody's approval is wanted.",
        "A server's agent delivers the message, and tries again when the receiver does not answer.\n\n"
        "  codeb notify shop --event approval-wanted --stack live \\\n"
        "      --text 'shop 1.4.2 is ready for production' --url https://ci.example.com/run/7",
        _notify_arguments,
        _notify,
    ),
)
