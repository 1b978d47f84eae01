"""The commands `codeb ci …`, which workflows call: a table, like `ops.host_commands`. Each verb's module is in `ops/ci`."""

from __future__ import annotations

import argparse
from typing import Final

from ops.command import Command, add
from ops.result import failed, show

_NOT_INSTALLED: Final = (
    "`codeb ci` needs the extra ci: pip install 'PATH-OF-THE-CLONE[ci]' (in a clone: -r locks/ci.txt)"
)


def _arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(title="ci commands", metavar="VERB", required=True)
    for verb in VERBS:
        one = add(verbs, verb)
        one.add_argument("--json", action="store_true", help="write the result to standard output as JSON")
        one.set_defaults(verb=verb.run)


def _run(options: argparse.Namespace) -> int:
    """Run a verb; what stands in the way is said and gives the exit status 1."""
    try:
        from ops.ci.context import CiError
    except ImportError:
        return show(failed(_NOT_INSTALLED), as_json=options.json)
    try:
        return int(options.verb(options))
    except CiError as error:
        return show(failed(error), as_json=options.json)


VERBS: Final[tuple[Command, ...]] = ()

COMMANDS: Final = (
    Command(
        "ci",
        "What workflows call: plan, deploy, preview environments, analysis of failures, drift.",
        "For GitHub Actions: reads the run from GitHub's own variables and files (docs/delivery.md).",
        _arguments,
        _run,
    ),
)
