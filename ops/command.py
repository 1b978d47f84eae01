"""What a subcommand of `codeb` is."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


@dataclass(frozen=True)
class Command:
    """One subcommand: what `--help` says, its arguments, and what runs it and returns the exit status.

    With `takes_words` what follows the first `--` is somebody else's command line, and is in `options.words` as it is.
    """

    name: str
    summary: str
    details: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    takes_words: bool = False


def add(verbs: Subparsers, command: Command) -> argparse.ArgumentParser:
    """Give a parser its subcommand: the parser of that."""
    parser = verbs.add_parser(
        command.name,
        help=command.summary,
        description=f"{command.summary}\n\n{command.details}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_arguments(parser)
    return parser
