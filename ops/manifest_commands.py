"""The commands that need no host: a table, like `ops.host_commands`."""

from __future__ import annotations

import argparse

from ops.command import Command

SCHEMA_FILE = "project-manifest.schema.yaml"


def _validate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths", nargs="*", default=["manifests"], metavar="PATH", help="manifest or folder of manifests"
    )
    parser.add_argument("--stack", help="check host names and pools against Pulumi.<STACK>.yaml too")
    parser.add_argument("--json", action="store_true", help="write the result to standard output as JSON")


def _validate(options: argparse.Namespace) -> int:
    from ops.checks import validate

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
    from ops.checks import schema

    return schema(options)


COMMANDS = (
    Command(
        "validate",
        "Check manifests without any host.",
        "Each problem names file, line, column and path, what is wrong and what to write instead; all\n"
        "problems of all files come at once. Exit status: 0 no problems, 1 problems, 2 wrong usage.\n\n"
        "  codeb validate                        all of manifests/\n"
        "  codeb validate manifests/blog.yaml    one file\n"
        "  codeb validate --stack dev            with the host names and pools of a stack",
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
