"""`python -m lab.engine`: Pulumi's preview, up, destroy, refresh and outputs without the CLI."""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
from pathlib import Path

from lab.engine.api import Appearance, Engine, passphrase_from
from lab.engine.errors import EngineError
from lab.engine.operation import Result
from lab.engine.run import Options
from lab.engine.targets import Targets
from lab.providers import factory

_EPILOG = """\
State is kept as the Pulumi CLI keeps it, so it goes on from there:
  pulumi login file://BACKEND && pulumi preview --stack STACK
The passphrase comes from PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE.
Exit status: 0 done, 1 failed (what was done is in the state), 2 wrong arguments.

Examples:
  python -m lab.engine preview --stack dev --diff
  python -m lab.engine up --stack dev --target '**::food-delivery-*'
  python -m lab.engine destroy --stack dev --run-program
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab.engine",
        description="Run a Pulumi Python program on an in-process engine.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in (
        ("preview", "show what `up` would do, and change nothing"),
        ("up", "make the stack what the program says"),
        ("destroy", "delete everything in the stack (or the targets)"),
        ("refresh", "make the state what really exists"),
        ("outputs", "print the stack's outputs as JSON"),
    ):
        command = commands.add_parser(
            name,
            help=text,
            description=text,
            epilog=_EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        _add_common(command)
        if name == "outputs":
            command.add_argument("--show-secrets", action="store_true", help="print secrets in plain text")
        else:
            _add_operation(command, name)
    return parser


def _add_common(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--cwd", type=Path, default=Path(), metavar="DIR", help="project folder (default: here)"
    )
    command.add_argument("--stack", "-s", required=True, help="the stack's name")
    command.add_argument(
        "--backend",
        type=Path,
        metavar="DIR",
        help="folder that holds .pulumi (default: the path of PULUMI_BACKEND_URL=file://…)",
    )


def _add_operation(command: argparse.ArgumentParser, name: str) -> None:
    add = command.add_argument
    add("--program", type=Path, metavar="FILE", help="run this instead of the program that Pulumi.yaml names")
    add(
        "--target",
        "-t",
        action="append",
        default=[],
        metavar="URN",
        help="only this resource (* and ** match)",
    )
    add("--target-dependents", action="store_true", help="and what depends on the targets")
    add("--parallel", "-p", type=_positive, default=16, metavar="N", help="operations at a time (default 16)")
    add(
        "--continue-on-error",
        action="store_true",
        help="after a failure go on with what does not depend on it",
    )
    add("--expect-no-changes", action="store_true", help="exit with status 7 if anything changes")
    add("--json", "-j", action="store_true", help="print a JSON digest")
    add("--diff", action="store_true", help="show every property that changes")
    if name != "refresh":
        add("--refresh", "-r", action="store_true", help="read what really exists first")
    if name in ("destroy", "refresh"):
        add("--run-program", action="store_true", help="run the program, for its providers' configuration")
        add("--preview-only", action="store_true", help="show what would be done, and change nothing")
    else:
        add(
            "--replace",
            action="append",
            default=[],
            metavar="URN",
            help="replace this resource, changed or not",
        )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _backend(arguments: argparse.Namespace) -> Path:
    if arguments.backend is not None:
        return Path(arguments.backend)
    url = os.environ.get("PULUMI_BACKEND_URL", "")
    if not url.startswith("file://"):
        raise EngineError(
            "no backend: name a folder with --backend, or set PULUMI_BACKEND_URL=file://<folder>"
        )
    return Path(url.removeprefix("file://")).expanduser()


def _operate(engine: Engine, arguments: argparse.Namespace) -> Result:
    options = Options(
        targets=Targets(arguments.target),
        target_dependents=arguments.target_dependents,
        replace=Targets(getattr(arguments, "replace", ())),
        parallel=arguments.parallel,
        continue_on_error=arguments.continue_on_error,
        refresh=getattr(arguments, "refresh", False),
        run_program=getattr(arguments, "run_program", False),
    )
    if arguments.command == "preview":
        return engine.preview(options)
    if arguments.command == "up":
        return engine.up(options)
    act = engine.destroy if arguments.command == "destroy" else engine.refresh
    return act(options, preview=arguments.preview_only)


def _collect_rarely() -> None:
    """A program's resources live until the end: looking for garbage among them doubles the time of a large preview."""
    gc.set_threshold(100_000, 50, 100)


def main(argv: list[str] | None = None) -> int:
    """Returns the exit status."""
    arguments = _parser().parse_args(argv)
    _collect_rarely()
    try:
        engine = Engine(
            arguments.cwd,
            arguments.stack,
            _backend(arguments),
            passphrase_from(),
            factory,
            program=getattr(arguments, "program", None),
            appearance=Appearance(getattr(arguments, "json", False), getattr(arguments, "diff", False)),
        )
        if arguments.command == "outputs":
            print(
                json.dumps(engine.outputs(show_secrets=arguments.show_secrets), indent=2, ensure_ascii=False)
            )
            return 0
        result = _operate(engine, arguments)
        if arguments.expect_no_changes and result.exit_code == 0 and result.changed:
            print(
                f"error: no changes were expected for {arguments.command} but changes were proposed",
                file=sys.stderr,
            )
            return 7
        return result.exit_code
    except EngineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
