"""The commands about one app: a table, like `ops.host_commands`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from ops.arguments import caller, project_arguments, run, why_argument
from ops.command import Command
from ops.result import Result, failed, show, written

if TYPE_CHECKING:
    from ops.access import Server
    from ops.logs import Query

KINDS = ("app", "worker", "job", "audit", "access")
MOST_LINES = 10_000
_LONGEST_TEXT = 200


def _logs_arguments(parser: argparse.ArgumentParser) -> None:
    project_arguments(parser)
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what comes, until Ctrl-C")
    parser.add_argument("--since", type=_moment, metavar="TIME", help="10m, 2h, 3d or 2026-11-27T12:00 (UTC)")
    parser.add_argument("--until", type=_moment, metavar="TIME", help="as --since")
    parser.add_argument(
        "--lines", default=100, type=_lines, metavar="N", help="how many of the newest (default 100)"
    )
    parser.add_argument(
        "--grep", default="", type=_text, metavar="TEXT", help="only lines with this text, in any case"
    )
    parser.add_argument(
        "--kind",
        action="append",
        default=[],
        choices=KINDS,
        help="what wrote it (again for more; default: all but access)",
    )
    parser.add_argument(
        "--store",
        action="store_true",
        help="ask the log store of monitoring instead of the servers' journals",
    )
    parser.add_argument("--server", default="", metavar="NAME", help="of this server only")


def _moment(text: str) -> str:
    from ops.logs import moment

    try:
        return moment(text)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text[:60]!r} is no time: write 10m or 2026-11-27T12:00") from None


def _lines(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6 and int(text) <= MOST_LINES):
        raise argparse.ArgumentTypeError(f"{text[:60]!r} is no number from 0 to {MOST_LINES}")
    return int(text)


def _text(text: str) -> str:
    if len(text) > _LONGEST_TEXT or not text.isprintable():
        raise argparse.ArgumentTypeError(f"a text of at most {_LONGEST_TEXT} printable characters")
    return text


def _logs(options: argparse.Namespace) -> int:
    from ops.access import AccessError, app_servers
    from ops.logs import Query, logs
    from ops.ssh import tell

    wrong = _wrong(options)
    if wrong:
        print(f"error: {wrong}", file=sys.stderr)
        return 2
    try:
        servers = app_servers(Path(), options.stack, options.identity, every=True)
    except AccessError as error:
        return show(failed(error), as_json=options.json)
    wanted = [server for server in servers if options.server in ("", server.name)]
    if not wanted:
        names = ", ".join(server.name for server in servers)
        return show(
            failed(f"stack {options.stack} has no server {options.server!r}: it has {names}"),
            as_json=options.json,
        )
    kinds = tuple(dict.fromkeys(options.kind))
    query = Query(
        options.project, kinds, options.since or "", options.until or "", options.lines, options.grep
    )
    if options.store:
        return _stored(query, options, servers)
    if options.follow:
        return _follow(query, wanted, as_json=options.json)
    return show(logs(query, wanted, tell), as_json=options.json)


def _wrong(options: argparse.Namespace) -> str:
    """What does not go together, "" for nothing."""
    if options.follow and options.until:
        return "what is followed has no end: leave out --until or --follow"
    if options.store and options.follow:
        return "what comes is told by the servers themselves: leave out --store or --follow"
    if options.store and options.server:
        return "the log store has the lines of all servers: leave out --store or --server"
    return ""


def _stored(query: Query, options: argparse.Namespace, servers: Sequence[Server]) -> int:
    from datetime import UTC, datetime

    from ops.log_store import stored
    from ops.ssh import ask

    return show(stored(query, options.stack, servers, ask, datetime.now(UTC)), as_json=options.json)


def _follow(query: Query, servers: list[Server], *, as_json: bool) -> int:
    """Print lines as they come. It ends by a signal, or with status 1 when all servers have ended."""
    from ops import logs, words
    from ops.ssh import tell

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _ended)
    with closing(logs.follow(query, servers, tell)) as lines:
        for each in lines:
            said = logs.problem(each)
            if said:
                print(f"{words.clean(each.server)}: {words.clean(said)}", file=sys.stderr)
            elif each.at and as_json:
                print(written(logs.entry(each)), flush=True)
            elif each.at:
                print(logs.shown(each, several=len(servers) > 1), flush=True)
    return 1


def _ended(number: int, _: object) -> None:
    """Log out of the servers, then end as the signal asks."""
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(128 + number)


def _releases(options: argparse.Namespace) -> int:
    from ops.releases import releases
    from ops.ssh import ask

    return run(options, lambda servers: releases(options.project, options.stack, servers, ask))


def _env(options: argparse.Namespace) -> int:
    from ops.ssh import ask
    from ops.variables import variables

    return run(options, lambda servers: variables(options.project, options.stack, servers, ask))


def _restart_arguments(parser: argparse.ArgumentParser) -> None:
    project_arguments(parser)
    why_argument(parser)


def _restart(options: argparse.Namespace) -> int:
    from ops.restart import restart
    from ops.ssh import ask

    return run(options, lambda servers: restart(options.project, caller(), options.why or "", servers, ask))


def _open_arguments(parser: argparse.ArgumentParser) -> None:
    project_arguments(parser)
    parser.add_argument("--print", action="store_true", help="say the address only")


def _open(options: argparse.Namespace) -> int:
    from ops.open import address
    from ops.ssh import ask

    def work(servers: tuple[Server, ...]) -> Result:
        result = address(options.project, options.stack, servers, ask)
        if result.ok and not options.print and not options.json and _has_screen():
            import webbrowser

            webbrowser.open(str(result.document["url"]))
        return result

    return run(options, work)


def _has_screen() -> bool:
    """Whether a browser could show itself: elsewhere one for terminals would take this one over."""
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


COMMANDS = (
    Command(
        "logs",
        "Show what an app, its jobs, its requests and its operators wrote, of all servers, by time.",
        "The last 100 lines, or as many as --lines says. Secrets of the project are masked on the server. Kinds: app\n"
        "(both colours), worker, job (release command and cron), audit (who did what), access (requests, by Caddy;\n"
        "of the last day unless --since says otherwise). Times are UTC. A server that does not answer is said.\n"
        "Exit status: 0 shown, 1 not (of all servers), 2 wrong usage, 130 after Ctrl-C.\n\n"
        "  codeb logs shop --stack live                            the last 100 lines\n"
        "  codeb logs shop -f --stack live                         and what comes\n"
        "  codeb logs shop --since 1h --grep timeout --stack live  of the last hour, with this text\n"
        "  codeb logs shop --kind access --kind app --stack live   requests and what the app says of them\n"
        "  codeb logs shop --store --since 7d --grep refund --stack live   what servers that are gone wrote, too\n"
        "  codeb logs shop -f --json --stack live | jq .text       a line of JSON each",
        _logs_arguments,
        _logs,
    ),
    Command(
        "releases",
        "Show a project's releases and rollbacks on all its servers: one row each.",
        "Each server remembers the last ten. Where servers differ, the row says `half` and on which server what\n"
        "happened. Exit status: 0 the newest is the same everywhere, 1 it is not or a server is silent, 2 wrong usage.\n\n"
        "  codeb releases shop --stack live",
        project_arguments,
        _releases,
    ),
    Command(
        "env",
        "Show which variables an app is told, and where each comes from; never a value.",
        "Sources: manifest (environment.variables), projectSecrets (the stack's secret), platform, database, cache,\n"
        "storage. It is what the serving release has. Exit status: 0 shown, 1 not (on some servers), 2 wrong usage.\n\n"
        "  codeb env shop --stack live",
        project_arguments,
        _env,
    ),
    Command(
        "restart",
        "Start what serves of a project anew, without a request that fails.",
        "The serving release starts on the other colour, has to be healthy, and is switched to, as in a release; workers\n"
        "follow. One server after the other; the first that fails is the last. Exit status: 0 done, 1 not (on some\n"
        "servers), 2 wrong usage.\n\n"
        "  codeb restart shop --why 'the payment service has moved' --stack live",
        _restart_arguments,
        _restart,
    ),
    Command(
        "open",
        "Open a project in the browser, or say its address.",
        "Without a screen it only says it. Exit status: 0 it serves, 1 it does not, 2 wrong usage.\n\n"
        "  codeb open shop --stack live\n"
        '  curl -sS "$(codeb open shop --print --stack live)"',
        _open_arguments,
        _open,
    ),
)
