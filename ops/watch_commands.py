"""The commands that ask monitoring: a table, like `ops.host_commands`."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ops.arguments import caller, matching, project_id, reason, stack_arguments
from ops.command import Command
from ops.result import Result, failed, show

if TYPE_CHECKING:
    from ops.access import Server

SORTS: Final = ("cpu", "memory", "requests", "p95", "errors", "project")
_ACTS: Final = ("silence", "unsilence")
_ALERT: Final = re.compile(r"[A-Z][A-Za-z0-9]{2,59}")
_SILENCE: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TRACE: Final = re.compile(r"[0-9a-f]{32}")
_LENGTH: Final = re.compile(r"([1-9][0-9]{0,4})([mhd])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}
_LONGEST: Final = timedelta(days=30)
_LONGEST_NOTE: Final = 200


def length(text: str) -> timedelta:
    """`30m`, `2h`, `3d`: at most 30 days."""
    found = _LENGTH.fullmatch(text)
    value = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else timedelta()
    if not timedelta() < value <= _LONGEST:
        raise argparse.ArgumentTypeError(f"{text[:60]!r} is no time from 1m to 30d: write for example 2h")
    return value


def _top_arguments(parser: argparse.ArgumentParser) -> None:
    stack_arguments(parser)
    parser.add_argument("--sort", choices=SORTS, default="cpu", help="what comes first (default: most CPU)")


def _top(options: argparse.Namespace) -> int:
    from ops.ssh import ask
    from ops.top import top

    return _run(options, lambda servers: top(options.stack, servers, ask, options.sort))


def _alerts_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what",
        nargs="*",
        metavar="WHAT",
        help="a project: its alerts only; `silence` and an alert's name, a project or both; `unsilence` and an id",
    )
    stack_arguments(parser)
    parser.add_argument(
        "--for", dest="length", type=length, metavar="TIME", help="how long to be silent: 30m, 2h, 3d"
    )
    parser.add_argument("--why", type=reason, metavar="TEXT", help="what a silence is for; others read it")


def _alerts(options: argparse.Namespace) -> int:
    from ops.alerts import alerts
    from ops.ssh import ask

    try:
        if options.what[:1] == ["silence"]:
            return _silence(options, _names(options.what[1:]))
        if options.length is not None or options.why is not None:
            raise argparse.ArgumentTypeError("--for and --why go with `silence`")
        if options.what[:1] == ["unsilence"]:
            return _unsilence(options)
        if len(options.what) > 1:
            raise argparse.ArgumentTypeError("at most one project, or `silence …`, or `unsilence ID`")
        project = project_id(options.what[0]) if options.what else ""
    except argparse.ArgumentTypeError as error:
        print(f"codeb alerts: error: {error}", file=sys.stderr)
        return 2
    return _run(options, lambda servers: alerts(options.stack, servers, ask, project))


def _names(words: Sequence[str]) -> dict[str, str]:
    """Labels of an alert and a project, each at most once. Raises argparse.ArgumentTypeError."""
    found: dict[str, str] = {}
    for word in words:
        key = "alertname" if _ALERT.fullmatch(word) else "project"
        if key in found:
            raise argparse.ArgumentTypeError("at most one alert and one project")
        found[key] = _alert(word) if key == "alertname" else project_id(word)
    if not found:
        raise argparse.ArgumentTypeError("say what: an alert's name (ProjectSlow), a project, or both")
    return dict(sorted(found.items()))


def _alert(name: str) -> str:
    """The name of an alert that there is. Raises argparse.ArgumentTypeError."""
    from codeb.render.rules import alert_names

    known = alert_names()
    if name in known:
        return name
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(sorted(known))}"
    raise argparse.ArgumentTypeError(f"there is no alert {name}: {hint}")


def _silence(options: argparse.Namespace, names: dict[str, str]) -> int:
    from ops.alerts import silence
    from ops.ssh import ask
    from ops.watching import watcher

    if options.length is None or options.why is None:
        raise argparse.ArgumentTypeError("a silence takes --for TIME and --why TEXT")

    def work(servers: Sequence[Server]) -> Result:
        server = watcher(servers, options.stack)
        result = silence(names, options.length, options.why, caller(), datetime.now(UTC), server, ask)
        return _noted(result, "silence", f"{' of '.join(names.values())}: {options.why}", server)

    return _run(options, work)


def _unsilence(options: argparse.Namespace) -> int:
    from ops.alerts import unsilence
    from ops.ssh import ask
    from ops.watching import watcher

    if len(options.what) != 2:
        raise argparse.ArgumentTypeError("say which: an id, as `codeb alerts` shows it")
    number = matching(_SILENCE, options.what[1], "a silence's id, as `codeb alerts` shows it")

    def work(servers: Sequence[Server]) -> Result:
        server = watcher(servers, options.stack)
        return _noted(unsilence(number, server, ask), "unsilence", number, server)

    return _run(options, work)


def _noted(result: Result, act: str, what: str, server: Server) -> Result:
    """The result, once it is in the audit log of the server that watches."""
    from ops.audit import Act, note
    from ops.ssh import ask

    if not result.ok:
        return result
    warnings = note(Act(act, what[:_LONGEST_NOTE], caller()), lambda: [server], ask)
    return Result(result.document, result.lines, (*result.problems, *warnings))


def _trace_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "id", type=_trace_id, metavar="ID", help="the trace's id, 32 digits and letters a to f"
    )
    parser.add_argument(
        "project",
        nargs="?",
        default="",
        type=_project_or_none,
        metavar="PROJECT",
        help="whose journals are asked if need be",
    )
    stack_arguments(parser)
    parser.add_argument(
        "--since", default=timedelta(days=1), type=length, metavar="TIME", help="how far back (default 1d)"
    )


def _trace_id(text: str) -> str:
    return matching(_TRACE, text.lower(), "a trace's id: 32 digits and letters a to f")


def _project_or_none(text: str) -> str:
    return text and project_id(text)


def _trace(options: argparse.Namespace) -> int:
    from ops.ssh import ask, tell
    from ops.trace import Wanted, trace

    wanted, now = Wanted(options.id, options.project, options.since), datetime.now(UTC)
    return _run(options, lambda servers: trace(wanted, options.stack, servers, ask, tell, now))


def _run(options: argparse.Namespace, work: Callable[[Sequence[Server]], Result]) -> int:
    """Find all servers of the stack, do the work and show its result; the exit status."""
    from ops.access import AccessError, app_servers
    from ops.watching import Unwatched

    try:
        result = work(app_servers(Path(), options.stack, options.identity, every=True))
    except (AccessError, Unwatched) as error:
        result = failed(error)
    return show(result, as_json=options.json)


COMMANDS = (
    Command(
        "top",
        "Show what each project takes and how it does: CPU, memory, requests, latency, errors.",
        "From Prometheus on the stack's server with the role monitoring, asked over SSH. CPU in cores and memory of all\n"
        "replicas, requests of the last minute, 95th percentile and share of 5xx answers of the last five minutes.\n"
        "Exit status: 0 shown, 1 not (no monitoring, or it does not answer), 2 wrong usage.\n\n"
        "  codeb top --stack live\n"
        "  codeb top --sort requests --stack live\n"
        "  codeb top --json --stack live | jq '.projects[] | select(.state != \"HEALTHY\")'",
        _top_arguments,
        _top,
    ),
    Command(
        "alerts",
        "Show which alerts fire or are about to, and silence them for a while.",
        "A silence keeps its alerts from the webhooks; here and on the console they show all the same. Maintenance mode\n"
        "silences its project by itself. Exit status: 0 nothing fires (or done), 1 something does, or monitoring does not\n"
        "answer, 2 wrong usage.\n\n"
        "  codeb alerts --stack live\n"
        "  codeb alerts shop --stack live                       of one project\n"
        "  codeb alerts silence shop --for 2h --why 'load test' --stack live\n"
        "  codeb alerts silence ProjectSlow shop --for 3d --why 'known, is being fixed' --stack live\n"
        "  codeb alerts silence DiskFillsSoon --for 1d --why 'a larger disk is ordered' --stack live\n"
        "  codeb alerts unsilence 3f1c2b9e-6c1d-4c9b-9a63-6a5c7e0d7d11 --stack live",
        _alerts_arguments,
        _alerts,
    ),
    Command(
        "trace",
        "Follow one request by its trace id: access line, app lines, spans.",
        "The id is in each line of requests (`codeb logs PROJECT --kind access`) and in what apps write of a request. Of\n"
        "most requests no trace is kept; their lines are found all the same. Where the log store does not answer, the\n"
        "servers' journals are asked; say whose. Exit status: 0 something bears the id, 1 nothing does, 2 wrong usage.\n\n"
        "  codeb trace 4bf92f3577b34da6a3ce929d0e0e4736 --stack live\n"
        "  codeb trace 4bf92f3577b34da6a3ce929d0e0e4736 shop --since 3d --stack live",
        _trace_arguments,
        _trace,
    ),
)
