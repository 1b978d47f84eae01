"""The commands that give somebody a terminal at a project: a table. What runs them is imported when it is needed."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ops.arguments import caller, project_arguments, servers_of, why_argument
from ops.command import Command
from ops.result import Result, failed, show

if TYPE_CHECKING:
    from ops.access import Server
    from ops.session import Begun

_LONGEST_IDLE = 24 * 60


def _arguments(parser: argparse.ArgumentParser) -> None:
    project_arguments(parser)
    parser.add_argument(
        "--server", default="", metavar="NAME", help="the replica (default: the first healthy one)"
    )
    why_argument(parser)
    parser.add_argument(
        "--no-tty",
        action="store_true",
        help="no terminal there, though there is one here (--json implies it)",
    )
    parser.add_argument(
        "--idle", default=60, type=_minutes, metavar="MINUTES",
        help="end a session with a terminal in which nothing has happened for so long (default: 60)",
    )  # fmt: skip


def _command_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    parser.usage = f"codeb {verb} PROJECT --stack STACK [options] -- COMMAND [WORD ...]"
    _arguments(parser)


def _exec_arguments(parser: argparse.ArgumentParser) -> None:
    _command_arguments("exec", parser)


def _run_arguments(parser: argparse.ArgumentParser) -> None:
    _command_arguments("run", parser)


def _console_arguments(parser: argparse.ArgumentParser) -> None:
    _arguments(parser)
    parser.add_argument("service", choices=("db", "cache", "storage"), help="which of the project's services")


def _minutes(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= _LONGEST_IDLE:
        raise argparse.ArgumentTypeError(f"{text[:60]!r} is not a number of minutes, 1 to {_LONGEST_IDLE}")
    return int(text)


def _exec(options: argparse.Namespace) -> int:
    return _command(options, "exec")


def _run(options: argparse.Namespace) -> int:
    return _command(options, "run")


def _command(options: argparse.Namespace, verb: str) -> int:
    if not options.words or not options.words[0]:
        print(
            f"codeb {verb}: no command: write it behind two hyphens, as in `codeb {verb} {options.project} --stack "
            f"{options.stack} -- ls -l`",
            file=sys.stderr,
        )
        return 2
    return _session(options, verb, options.words)


def _console(options: argparse.Namespace) -> int:
    return _session(options, options.service, ())


def _session(options: argparse.Namespace, kind: str, command: Sequence[str]) -> int:
    from ops.access import AccessError
    from ops.session import SessionError, Wanted, begin
    from ops.ssh import SshError, ask
    from ops.terminal import attached

    terminal = not options.json and not options.no_tty and os.isatty(0) and os.isatty(1)
    wanted = Wanted(
        kind,
        options.project,
        options.stack,
        caller(),
        tuple(command),
        options.why or "",
        options.server,
        terminal,
        options.idle,
    )
    try:
        begun = begin(wanted, servers_of(options, options.project), lambda: _data_servers(options), ask)
        if options.json:
            return show(_captured(begun), as_json=True)
        if terminal:
            print(f"{begun.what}", file=sys.stderr)
        return attached(begun.server.target, begun.token, terminal=terminal)
    except (AccessError, SessionError, SshError) as error:
        return show(failed(error), as_json=options.json)


def _data_servers(options: argparse.Namespace) -> Sequence[Server]:
    from ops.access import app_servers

    every = app_servers(Path(), options.stack, options.identity, every=True)
    return [server for server in every if server.holds_data]


def _captured(begun: Begun) -> Result:
    from ops.terminal import captured

    done = captured(begun.server.target, begun.token)
    document = {
        "ok": done.exit == 0, "exit": done.exit, "out": done.out, "err": done.err, "truncated": done.truncated,
        "server": begun.server.name, **begun.facts,
    }  # fmt: skip
    return Result({**document, "ok": done.exit == 0})


_ENDS = (
    "\n\nCtrl-C goes to what runs there. A closed terminal or a lost connection leaves nothing behind. The audit log of\n"
    "the server says who did it, and --why. Exit status: that of the command; 1 no session, 2 wrong usage, 124 idle for\n"
    "too long, 255 the connection was lost.\n\n"
)

COMMANDS = (
    Command(
        "exec",
        "Run a command in the container that serves a project.",
        "It has the app's user, environment, folders and limits, and a terminal when you sit at one; otherwise standard\n"
        "input is passed on. It ends with the container, when another release has taken over. Give secrets on standard\n"
        f"input: a command's words are in the audit log.{_ENDS}"
        "  codeb exec shop --stack live -- sh                       look around in there\n"
        "  codeb exec shop --stack live -- env | grep '^PORT'\n"
        "  codeb exec shop --stack live --json -- node -v           {ok, exit, out, err}",
        _exec_arguments,
        _exec,
        takes_words=True,
    ),
    Command(
        "run",
        "Run a command once, in a fresh container of the release that serves.",
        "The container is as the app's: same image, environment, network and limits, but no port, and it is gone\n"
        "afterwards. A release meanwhile leaves it alone. The image's entry point is not used, as with `codeb exec`."
        f"{_ENDS}"
        "  codeb run shop --stack live -- node scripts/reindex.js\n"
        "  codeb run shop --stack live --why 'ticket 4711' -- sh",
        _run_arguments,
        _run,
        takes_words=True,
    ),
    Command(
        "console",
        "Open psql, redis-cli or an S3 shell as a project's own user.",
        "It runs beside the service, from the service's own image, so there is nothing to install and versions match. It\n"
        "may do what the app may and no more. No password is shown, or is in an argument. What is typed is not logged."
        f"{_ENDS}"
        "  codeb console shop db --stack live                       psql\n"
        "  codeb console shop cache --stack live                    redis-cli, in the project's index\n"
        "  codeb console shop storage --stack live                  a shell: mc ls store/$BUCKET, mc cp, mc cat …\n"
        "  echo 'select 1' | codeb console shop db --stack live     for scripts; psql stops at the first error",
        _console_arguments,
        _console,
    ),
)
