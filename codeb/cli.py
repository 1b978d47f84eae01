"""The command line `python -m codeb`: a table of subcommands that need no host, no cloud and no Pulumi."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from codeb.model import (
    DocumentErrors,
    Manifest,
    ManifestErrors,
    Manifests,
    ManifestSource,
    Problem,
    Settings,
    load_manifests,
    parse_settings,
    read_sources,
    read_stack_values,
)
from codeb.model.schema import schema_text

SCHEMA_FILE = "project-manifest.schema.yaml"


@dataclass(frozen=True)
class Command:
    """One subcommand: what `--help` says, its arguments, and what runs it and returns the exit status."""

    name: str
    summary: str
    details: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one subcommand; returns 0 when all is well, 1 when it found problems, 2 for wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m codeb",
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
    run: Callable[[argparse.Namespace], int] = options.run
    return run(options)


def _validate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths", nargs="*", default=["manifests"], metavar="PATH", help="manifest or folder of manifests"
    )
    parser.add_argument("--stack", help="check host names and pools against Pulumi.<STACK>.yaml too")
    parser.add_argument("--json", action="store_true", help="write the result to standard output as JSON")


def _validate(options: argparse.Namespace) -> int:
    problems: list[Problem] = []
    sources: dict[str, ManifestSource] = {}
    for path in options.paths:
        try:
            sources |= {source.path: source for source in read_sources(Path(path))}
        except ManifestErrors as error:
            problems += error.problems
    if not sources and not problems:
        where = " ".join(options.paths)
        problems.append(Problem(where, 0, 0, "", "has no manifests", "Add a file that ends in .yaml."))
    settings, manifests = None, Manifests((), {})
    try:
        settings = _stack_settings(options.stack)
    except DocumentErrors as error:
        problems += error.problems
    try:
        manifests = load_manifests(tuple(sources.values()), settings)
    except ManifestErrors as error:
        problems += error.problems
    if options.json:
        print(json.dumps(_result(manifests, problems), ensure_ascii=False, indent=2))
    else:
        _print_result(manifests, sorted(problems))
    return 1 if problems else 0


def _stack_settings(stack: str | None) -> Settings | None:
    if stack is None:
        return None
    return parse_settings(read_stack_values(Path(f"Pulumi.{stack}.yaml")), stack)


def _result(manifests: Manifests, problems: list[Problem]) -> dict[str, object]:
    files = [
        {
            "file": manifests.files[m.id],
            "id": m.id,
            "domain": m.environment.domain,
            "image": m.environment.image,
        }
        for m in manifests
    ]
    return {
        "ok": not problems,
        "manifests": files,
        "problems": [asdict(problem) for problem in sorted(problems)],
    }


def _print_result(manifests: Manifests, problems: list[Problem]) -> None:
    if problems:
        for problem in problems:
            print(problem, file=sys.stderr)
        files = len({problem.file for problem in problems})
        print(f"{_count(len(problems), 'problem')} in {_count(files, 'file')}", file=sys.stderr)
        return
    for manifest in manifests:
        print(f"{manifests.files[manifest.id]}: {_summary(manifest)}")
    print(f"{_count(len(manifests), 'manifest')}, no problems")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _summary(manifest: Manifest) -> str:
    resources = manifest.resources
    services = [name for name in ("database", "cache", "storage") if getattr(resources, name).enabled]
    app = f"{manifest.id} at https://{manifest.environment.domain}, {manifest.environment.image}"
    return f"{app}, {', '.join(services) or 'no data services'}"


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
    text = schema_text()
    if options.output == "-":
        print(text, end="")
        return 0
    file = Path(options.output)
    try:
        current = file.read_text(encoding="utf-8") if file.exists() else None
        if options.check and current != text:
            print(f"{file}: is out of date. Run python -m codeb schema.", file=sys.stderr)
            return 1
        if not options.check:
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        print(f"{file}: {error.strerror}. Name another file with --output.", file=sys.stderr)
        return 1
    print(f"{file}: {'up to date' if current == text else 'written'}")
    return 0


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
