"""What the tables of commands have in common: their arguments' forms, who calls, which servers are asked."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ops.result import Result, failed, show

if TYPE_CHECKING:
    from ops.access import Server

_PROJECT = re.compile(r"[a-z0-9](?:[a-z0-9-]{1,38})[a-z0-9]")
_STACK = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_PLAN = re.compile(r"[0-9a-f]{24}")
_TEXT = re.compile(r"[^\0]{1,2000}")
_REASON = re.compile(r"[^\x00-\x1f\x7f]{1,500}")
_URL = re.compile(r"https?://[^\s\x00-\x1f\x7f<>|\"'\\]{1,1000}")
_LONGEST_BY = 80


def project_id(text: str) -> str:
    """A project's id, as manifests have it."""
    return matching(_PROJECT, text, "a project id: write for example food-delivery-app")


def stack_name(text: str) -> str:
    """A stack's short name."""
    return matching(_STACK, text, "a stack's name: write for example dev")


def plan_id(text: str) -> str:
    """What a preview called its plan."""
    return matching(_PLAN, text, "a plan id: 24 digits and letters a to f, as `codeb diff` gives it")


def message(text: str) -> str:
    """The text of a notification."""
    return matching(_TEXT, text, "a text of 1 to 2000 characters")


def reason(text: str) -> str:
    """What is said of an act, for its history and the audit log."""
    return matching(_REASON, text, "a reason: one line of 1 to 500 characters")


def url(text: str) -> str:
    """A web address."""
    return matching(_URL, text, "a web address: write for example https://ci.example.com/run/7")


def matching(pattern: re.Pattern[str] | str, text: str, what: str) -> str:
    """A text that has a form; `what` says which. Raises argparse.ArgumentTypeError."""
    if not re.fullmatch(pattern, text):
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


def servers_of(options: argparse.Namespace, project: str) -> tuple[Server, ...]:
    """The app servers of the project's pool; all of the stack when no manifest tells the pool."""
    from ops import access, pools

    folder = Path()
    servers = access.app_servers(folder, options.stack, options.identity)
    if not project or len({server.pool for server in servers}) < 2:
        return servers
    pool = pools.pool_of(folder, options.stack, project)
    return tuple(server for server in servers if pool in (None, server.pool)) or servers


def stack_arguments(parser: argparse.ArgumentParser) -> None:
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


def project_arguments(parser: argparse.ArgumentParser) -> None:
    """The project that a command is about, and its stack."""
    parser.add_argument("project", type=project_id, metavar="PROJECT", help="id of the project")
    stack_arguments(parser)


def wait_argument(parser: argparse.ArgumentParser) -> None:
    """`--wait`, of what no backup may run beside."""
    parser.add_argument(
        "--wait",
        type=int,
        default=0,
        metavar="SECONDS",
        help="how long to wait for a backup to end (default: 0)",
    )


def why_argument(parser: argparse.ArgumentParser) -> None:
    """Why something is done, which the histories keep."""
    parser.add_argument("--why", type=reason, metavar="TEXT", help="for the history and the audit log")


def run(options: argparse.Namespace, work: Callable[[tuple[Server, ...]], Result]) -> int:
    """Find the servers of `options.project`, do the work and show its result; the exit status.

    What stands in the way of finding them is a result too.
    """
    from ops.access import AccessError

    try:
        result = work(servers_of(options, options.project))
    except AccessError as error:
        result = failed(error)
    return show(result, as_json=options.json)
