"""The entry of the command `codeb`: one parser over two tables of subcommands.

Nothing heavy is imported before a command runs: `rollback` has to act within a second.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ops import host_commands, manifest_commands

COMMANDS = (*manifest_commands.COMMANDS, *host_commands.COMMANDS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one subcommand; returns 0 when all is well, 1 when it found problems, 2 for wrong usage."""
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
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
