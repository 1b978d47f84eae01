"""The entry of the command `codeb`: one parser over two tables of subcommands.

Nothing heavy is imported before a command runs: `rollback` has to act within a second.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

from ops import host_commands, manifest_commands

_SIGNALLED: Final = 128
"""What shells add to a signal's number."""

COMMANDS = (*manifest_commands.COMMANDS, *host_commands.COMMANDS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one subcommand; returns 0 when all is well, 1 when it found problems, 2 for wrong usage.

    A reader that has read enough (`codeb status | head`) ends it without a word, as it ends other programs.
    """
    try:
        try:
            return _run(arguments)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
    except BrokenPipeError:
        _drop_the_rest()
        return _SIGNALLED + signal.SIGPIPE
    except OSError as error:
        _drop_the_rest()
        where = error.filename or "the output can't be written"
        print(f"error: {where}: {error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return _SIGNALLED + signal.SIGINT


def _drop_the_rest() -> None:
    """What a stream could not write, it would try to write again at the program's end, and complain."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _run(arguments: Sequence[str] | None) -> int:
    parser = argparse.ArgumentParser(
        prog="codeb",
        description="CodeB turns a folder of YAML project manifests into running apps.",
        epilog="A manifest starts with an id, a domain and an image; docs/manifest.md explains all fields.",
    )
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        verb = verbs.add_parser(
            command.name,
            help=command.summary,
            description=f"{command.summary}\n\n{command.details}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(verb)
        verb.set_defaults(run=command.run)
    options = parser.parse_args(arguments)
    return int(options.run(options))
