"""The command line `python -m codeb`: a table of subcommands, and those that need no host.

Nothing heavy is imported before a command runs: `rollback` has to act within a second.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

SCHEMA_FILE = "project-manifest.schema.yaml"


@dataclass(frozen=True)
class Command:
    """One subcommand: what `--help` says, its arguments, and what runs it and returns the exit status."""

    name: str
    summary: str
    details: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None, commands: Sequence[Command] | None = None) -> int:
    """Runs one subcommand; returns 0 when all is well, 1 when it found problems, 2 for wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m codeb",
        description="CodeB turns a folder of YAML project manifests into running apps.",
        epilog="A manifest starts with an id, a domain and an image; docs/manifest.md explains all fields.",
    )
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS if commands is None else commands:
        verb = verbs.add_parser(
            command.name,
            help=command.summary,
            description=f"{command.summary}\n\n{command.details}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(verb)
        verb.set_defaults(run=command.run)
    options = parser.parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130


def _validate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths", nargs="*", default=["manifests"], metavar="PATH", help="manifest or folder of manifests"
    )
    parser.add_argument("--stack", help="check host names and pools against Pulumi.<STACK>.yaml too")
    parser.add_argument("--json", action="store_true", help="write the result to standard output as JSON")


def _validate(options: argparse.Namespace) -> int:
    from codeb.checks import validate

    return validate(options)


def _schema_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 when the file is out of date"
    )
    parser.add_argument(
        "--output",
        default=SCHEMA_FILE,
        metavar="FILE",
        help=f"file, - for standard output (default {SCHEMA_FILE})",
    )


def _schema(options: argparse.Namespace) -> int:
    from codeb.checks import schema

    return schema(options)


COMMANDS = (
    Command(
        "validate",
        "Check manifests without any host.",
        "Each problem names file, line, column and path, what is wrong and what to write instead; all\n"
        "problems of all files come at once. Exit status: 0 no problems, 1 problems, 2 wrong usage.\n\n"
        "  python -m codeb validate                        all of manifests/\n"
        "  python -m codeb validate manifests/blog.yaml    one file\n"
        "  python -m codeb validate --stack dev            with the host names and pools of a stack",
        _validate_arguments,
        _validate,
    ),
    Command(
        "schema",
        f"Write {SCHEMA_FILE}, the manifest's JSON Schema.",
        "Editors with yaml-language-server complete and check a manifest that starts with\n"
        f"  # yaml-language-server: $schema=../{SCHEMA_FILE}",
        _schema_arguments,
        _schema,
    ),
)
