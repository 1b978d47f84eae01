"""The commands that talk to servers: a table. What runs them is imported when it is needed."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from ops.arguments import (
    caller,
    message,
    project_arguments,
    project_id,
    run,
    stack_arguments,
    url,
    why_argument,
)
from ops.command import Command
from ops.result import failed, show


def _rollback_arguments(parser: argparse.ArgumentParser) -> None:
    project_arguments(parser)
    parser.add_argument(
        "--forward", action="store_true", help="lift a rollback: go to the release that it withdrew"
    )
    why_argument(parser)


def _rollback(options: argparse.Namespace) -> int:
    from ops.rollback import Wanted, rollback
    from ops.ssh import ask

    wanted = Wanted(options.project, options.stack, caller(), options.forward, options.why or "")
    return run(options, lambda servers: rollback(wanted, servers, ask))


def _status_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "project", nargs="?", default="", type=_project_or_all, metavar="PROJECT", help="id (default: all)"
    )
    stack_arguments(parser)


def _project_or_all(text: str) -> str:
    return text and project_id(text)


def _status(options: argparse.Namespace) -> int:
    from ops.ssh import ask
    from ops.status import status

    project, stack = options.project, options.stack
    return run(options, lambda servers: status(project, stack, servers, ask))


def _notify_arguments(parser: argparse.ArgumentParser) -> None:
    project_arguments(parser)
    parser.add_argument("--event", required=True, choices=("approval-wanted",), help="what happened")
    parser.add_argument("--text", required=True, type=message, help="what people read")
    parser.add_argument("--url", type=url, help="where they go from there")


def _notify(options: argparse.Namespace) -> int:
    from ops.notify import notify
    from ops.ssh import ask

    document: dict[str, object] = {
        "version": 1, "event": options.event, "project": options.project, "text": options.text, "by": caller(),
    }  # fmt: skip
    if options.url:
        document["url"] = options.url
    return run(options, lambda servers: notify(document, servers, ask))


def _doctor_arguments(parser: argparse.ArgumentParser) -> None:
    stack_arguments(parser)


def _doctor(options: argparse.Namespace) -> int:
    from ops.access import AccessError, app_servers, stack_values
    from ops.doctor import doctor
    from ops.machines import makes_servers
    from ops.ssh import ask

    try:
        servers = app_servers(Path(), options.stack, options.identity, every=True)
    except AccessError as error:
        return show(failed(error), as_json=options.json)
    account = None
    if makes_servers(stack_values(Path(), options.stack)):
        from ops.fleet_commands import compared

        account = partial(compared, options.stack)
    return show(doctor(servers, ask, account), as_json=options.json)


COMMANDS = (
    Command(
        "rollback",
        "Go back to a project's previous release, at once while it stands by.",
        "The previous image, environment and port serve again, without a reload and without naming a version.\n"
        "After its standby has ended the previous release is started first. A `pulumi up` does not undo a\n"
        "rollback; it says what it leaves as it is. Exit status: 0 done, 1 not (on some servers), 2 wrong usage.\n\n"
        "  codeb rollback shop --stack live             back to the previous release\n"
        "  codeb rollback shop --forward --stack live   to the release that this withdrew\n"
        "  codeb rollback shop --stack live --json      for programs\n"
        "  codeb rollback shop --why 'checkout answers 500' --stack live   for the history and the audit log\n\n"
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
        "doctor",
        "Say what is wrong with the stack's servers, and with what it has at Vultr.",
        "Each server's agent looks at its host; for a stack that makes its servers at Vultr the account is compared\n"
        "with the state, as `codeb fleet check` does. Exit status: 0 nothing is wrong, 1 something is, 2 wrong usage.\n\n"
        "  codeb doctor --stack live",
        _doctor_arguments,
        _doctor,
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
