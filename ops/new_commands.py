"""The command `new`: a table of one, like `ops.manifest_commands`."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from ops.arguments import matching, message, project_id, stack_name
from ops.command import Command
from ops.result import failed, show

_FOLDER = re.compile(r"[^\x00-\x1f\x7f]{1,500}")
_DATASETS = ("restaurants", "listings", "posts")
_SERVICES = ("database", "cache", "storage")
"""As `ops.new.wanted` has them, which is imported when the command runs."""


def _folder(text: str) -> str:
    return matching(_FOLDER, text, "a folder: write for example apps/shop")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", type=project_id, metavar="ID", help="id of the new project")
    app = parser.add_mutually_exclusive_group()
    app.add_argument("--app", type=_folder, metavar="FOLDER", help="where the app is made (default apps/ID)")
    app.add_argument("--no-app", action="store_true", help="the manifest only, for an app that there is")
    parser.add_argument("--name", type=message, help='for people, such as "My App" (default: made of the id)')
    parser.add_argument(
        "--dataset", choices=_DATASETS, help=f"what the app is about (default {_DATASETS[0]})"
    )
    parser.add_argument("--domain", type=message, help="where visitors reach it")
    parser.add_argument("--image", type=message, help="registry/repository:tag")
    parser.add_argument("--port", type=int, default=3000, help="where the app listens (default 3000)")
    parser.add_argument("--stage", default="production", choices=("production", "staging", "development"))
    for service in _SERVICES:
        parser.add_argument(
            f"--no-{service}",
            action="store_true",
            help=f"with --no-app: it does not use the platform's {service}",
        )
    parser.add_argument("--stack", type=stack_name, help="check it against Pulumi.<STACK>.yaml too")
    parser.add_argument("--json", action="store_true", help="write the result to standard output as JSON")


def _run(options: argparse.Namespace) -> int:
    from codeb.model import DocumentErrors
    from ops.new import Wanted, asked, new, place

    without = tuple(service for service in _SERVICES if getattr(options, f"no_{service}"))
    if wrong := _misuse(options, without):
        print(f"error: {wrong}", file=sys.stderr)
        return 2
    wanted = Wanted(
        options.project,
        options.domain or "",
        options.image or "",
        options.port,
        options.stage,
        without,
        options.name or "",
        "" if options.no_app else options.app or f"apps/{options.project}",
        options.dataset or _DATASETS[0],
    )
    try:
        there = place(Path(), options.stack)
    except DocumentErrors as error:
        return show(failed(error), as_json=options.json)
    if not (wanted.domain and wanted.image) and _somebody(options):
        wanted = asked(wanted, there.usual(wanted), _question)
    return show(new(wanted, there), as_json=options.json)


def _misuse(options: argparse.Namespace, without: tuple[str, ...]) -> str:
    """What doesn't go together, "" for nothing."""
    if options.no_app:
        if options.dataset:
            return "--dataset is for the app: leave it out, or --no-app"
        if not ((options.domain and options.image) or _somebody(options)):
            return "--domain and --image are needed where nobody can be asked"
    elif without:
        return f"--no-{without[0]}: the template's app uses it. Say --no-app, too, for an app of your own"
    return ""


def _somebody(options: argparse.Namespace) -> bool:
    """Whether there is somebody to ask."""
    return not options.json and sys.stdin.isatty()


def _question(what: str, default: str) -> str:
    try:
        return input(f"{what} [{default}]: ").strip() or default
    except EOFError:
        raise KeyboardInterrupt from None


COMMANDS = (
    Command(
        "new",
        "Make a new project: its app, its CI workflows and its manifest.",
        "The app is made from templates/core-cms in apps/ID, with its workflows; manifests/ID.yaml is small and\n"
        "explained, and goes with the other manifests (with --stack, with the stack's settings, too). All of it is\n"
        "written or nothing, and what is there is never overwritten. On a terminal what is missing is asked for;\n"
        "elsewhere domain and image are like the other projects'. Exit status: 0 written, 1 not, 2 wrong usage.\n\n"
        "  codeb new shop                                    asks\n"
        '  codeb new shop --name "Tea and cups" --dataset listings --domain shop.example.com\n'
        "  codeb new shop --no-app --domain shop.example.com --image ghcr.io/example/shop:1.0.0 --no-storage",
        _arguments,
        _run,
    ),
)
