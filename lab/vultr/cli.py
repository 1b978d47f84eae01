"""A simulated Vultr: the endpoints of API v2 that this project uses, over TLS, kept in a folder.

serve     answer until it is told to stop
show      what the accounts have, as a table
calls     what was called, the last ones first
account   make an account, or change how many instances it may have; prints the file with its key
fault     add, list and clear faults, while it runs too
set       change durations and capacities, while it runs too
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from lab import paths
from lab.vultr import settings, show
from lab.vultr.faults import KINDS, Faults, Rule
from lab.vultr.simulator import READY, Folder, InUseError, Simulator

FOLDER = paths.VULTR


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    options = _parser().parse_args(argv)
    try:
        status: int = options.run(options)
    except (InUseError, ValueError) as problem:
        print(problem, file=sys.stderr)
        return 1
    return status


def _serve(options: argparse.Namespace) -> int:
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with Simulator(options.folder, port=options.port, host=options.host) as vultr:
        print(f"{READY}{vultr.url}, authority {vultr.ca}", flush=True)
        ended.wait()
    return 0


def _show(options: argparse.Namespace) -> int:
    for table in show.tables(Folder(options.folder)):
        Console().print(table)
    return 0


def _calls(options: argparse.Namespace) -> int:
    Console().print(show.calls(Folder(options.folder), options.number))
    return 0


def _account(options: argparse.Namespace) -> int:
    print(Folder(options.folder).accounts.ensure(options.name, options.limit))
    return 0


def _fault_add(options: argparse.Namespace) -> int:
    names = Rule.__dataclass_fields__
    Faults(Folder(options.folder).folder).add(Rule(**{name: getattr(options, name) for name in names}))
    return 0


def _fault_list(options: argparse.Namespace) -> int:
    Console().print(show.faults(Folder(options.folder)))
    return 0


def _fault_clear(options: argparse.Namespace) -> int:
    Folder(options.folder).faults.clear()
    return 0


def _set(options: argparse.Namespace) -> int:
    values = dict(settings.parse_change(one) for one in options.values)
    print(Folder(options.folder).set(**values))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "lab.vultr", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    everywhere = argparse.ArgumentParser(add_help=False)
    everywhere.add_argument(
        "--folder", type=Path, default=FOLDER, help="where everything is kept (%(default)s)"
    )
    serve = commands.add_parser("serve", parents=[everywhere])
    serve.add_argument("--port", type=int, default=0, help="0: a free one")
    serve.add_argument("--host", default="127.0.0.1")
    serve.set_defaults(run=_serve)
    commands.add_parser("show", parents=[everywhere]).set_defaults(run=_show)
    calls = commands.add_parser("calls", parents=[everywhere])
    calls.add_argument("--number", type=int, default=40)
    calls.set_defaults(run=_calls)
    account = commands.add_parser("account", parents=[everywhere])
    account.add_argument("name")
    account.add_argument("--limit", type=int, help="instances that it may have")
    account.set_defaults(run=_account)
    change = commands.add_parser("set", parents=[everywhere])
    change.add_argument("values", nargs="+", metavar="name=value")
    change.set_defaults(run=_set)
    _fault_parser(commands.add_parser("fault"), everywhere)
    return parser


def _fault_parser(parser: argparse.ArgumentParser, everywhere: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar="command")
    kinds = "\n".join(f"{kind:12}{text}" for kind, text in KINDS.items())
    add = commands.add_parser(
        "add", parents=[everywhere], epilog=kinds, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add.add_argument("kind", choices=KINDS)
    add.add_argument("--method", default="*", help="POST, or several: POST,DELETE")
    add.add_argument("--path", default="*", help="below /v2, with * for anything: '/blocks/*/attach'")
    add.add_argument("--account", default="*")
    add.add_argument("--probability", type=float, default=1.0)
    add.add_argument("--seed", type=int, default=0)
    add.add_argument("--count", type=int, help="so many hits, then never again")
    add.add_argument("--seconds", type=float, default=0)
    add.add_argument("--per-second", type=int, default=0)
    add.add_argument("--status", type=int, default=0, help="another one than the fault's own")
    add.add_argument("--text", default="", help="another one than the fault's own")
    add.set_defaults(run=_fault_add)
    commands.add_parser("list", parents=[everywhere]).set_defaults(run=_fault_list)
    commands.add_parser("clear", parents=[everywhere]).set_defaults(run=_fault_clear)
