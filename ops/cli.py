"""The entry of the command `codeb`: one parser over the tables of subcommands.

Nothing heavy is imported before a command runs: `rollback` has to act within a second.
"""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

from ops import (
    app_commands,
    autoscale_commands,
    backup_commands,
    ci_commands,
    copy_commands,
    fleet_commands,
    host_commands,
    manifest_commands,
    mcp_commands,
    move_commands,
    new_commands,
    protect_commands,
    rebuild_commands,
    restore_commands,
    secrets_commands,
    session_commands,
    upgrade_commands,
    watch_commands,
)
from ops.command import add
from ops.result import failed, show

_LAST_STREAM: Final = 2
_SIGNALLED: Final = 128
"""What shells add to a signal's number."""

COMMANDS = (
    *new_commands.COMMANDS,
    *manifest_commands.COMMANDS,
    *protect_commands.COMMANDS,
    *secrets_commands.COMMANDS,
    *host_commands.COMMANDS,
    *backup_commands.COMMANDS,
    *restore_commands.COMMANDS,
    *upgrade_commands.COMMANDS,
    *move_commands.COMMANDS,
    *copy_commands.COMMANDS,
    *rebuild_commands.COMMANDS,
    *app_commands.COMMANDS,
    *watch_commands.COMMANDS,
    *session_commands.COMMANDS,
    *fleet_commands.COMMANDS,
    *autoscale_commands.COMMANDS,
    *mcp_commands.COMMANDS,
    *ci_commands.COMMANDS,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one subcommand; returns 0 when all is well, 1 when it found problems, 2 for wrong usage.

    A reader that has read enough (`codeb status | head`) ends it without a word, as it ends other programs.
    """
    _ready_streams()
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
        print(f"error: {_words(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return _SIGNALLED + signal.SIGINT


def _ready_streams() -> None:
    """Streams that the caller has closed lead nowhere, and no file gets their numbers; a terminal or file that lacks a
    character is given its escape."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= _LAST_STREAM:
        pass
    os.close(number)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - open to the end
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _words(error: OSError) -> str:
    where = error.filename or "the output can't be written"
    return f"{where}: {error.strerror or error}"


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
        add(verbs, command).set_defaults(run=command.run)
    if "_ARGCOMPLETE" in os.environ:  # a shell asks, by what `codeb completion` printed
        from ops.complete import answer

        answer(parser)
    given, words = _split(list(sys.argv[1:] if arguments is None else arguments))
    options = parser.parse_args(given)
    options.words = words
    try:
        return int(options.run(options))
    except OSError as error:
        if error.filename is None or not getattr(options, "json", False):
            raise
        return show(failed(_words(error)), as_json=True)


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Our own arguments, and those of a command line that they are followed by: a `--` in there is not ours."""
    takers = {command.name for command in COMMANDS if command.takes_words}
    if not arguments or arguments[0] not in takers or "--" not in arguments:
        return arguments, []
    place = arguments.index("--")
    return arguments[:place], arguments[place + 1 :]
