"""The commands `validate` and `schema`: they need no host, no cloud and no Pulumi."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from codeb.model import (
    DocumentErrors,
    Manifest,
    ManifestErrors,
    Manifests,
    ManifestSource,
    Problem,
    Settings,
    StackFile,
    load_manifests,
    parse_settings,
    read_sources,
    read_stack_file,
    refuse_vulnerable,
    say_of_manifests,
    say_of_secrets,
)
from codeb.model.schema import schema_text


def validate(options: argparse.Namespace) -> int:
    """Check the manifests at `options.paths` and say every problem; returns the exit status."""
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
    settings, stack, manifests = None, None, Manifests((), {})
    try:
        stack = _stack_file(options.stack)
        settings = _settings(stack)
    except DocumentErrors as error:
        problems += error.problems
    readable = True
    try:
        manifests = load_manifests(tuple(sources.values()), settings)
    except ManifestErrors as error:
        problems += error.problems
        readable = False
    hints = list(say_of_manifests(manifests))
    if stack is not None:
        complete = readable and all(Path(path).is_dir() for path in options.paths)
        said = say_of_secrets(stack, manifests, complete=complete)
        problems += said.problems
        hints += said.hints
    if options.json:
        print(json.dumps(_result(manifests, problems, hints), ensure_ascii=False, indent=2))
    else:
        _print_result(manifests, sorted(problems), hints)
    return 1 if problems else 0


def _stack_file(stack: str | None) -> StackFile | None:
    return None if stack is None else read_stack_file(Path(f"Pulumi.{stack}.yaml"), stack)


def _settings(stack: StackFile | None) -> Settings | None:
    if stack is None:
        return None
    settings = parse_settings(stack.settings, stack.stack)
    refuse_vulnerable(settings, stack.stack)
    return settings


def _result(manifests: Manifests, problems: list[Problem], hints: list[Problem]) -> dict[str, object]:
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
        "hints": [asdict(hint) for hint in hints],
    }


def _print_result(manifests: Manifests, problems: list[Problem], hints: list[Problem]) -> None:
    for said in hints:
        print(f"hint: {said}", file=sys.stderr)
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


def schema(options: argparse.Namespace) -> int:
    """Write or check the JSON Schema file; returns the exit status."""
    text = schema_text()
    if options.output == "-":
        print(text, end="")
        return 0
    file = Path(options.output)
    try:
        current = file.read_text(encoding="utf-8") if file.exists() else None
        if options.check and current != text:
            print(f"{file}: is out of date. Run codeb schema.", file=sys.stderr)
            return 1
        if not options.check:
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        print(f"{file}: {error.strerror}. Name another file with --output.", file=sys.stderr)
        return 1
    print(f"{file}: {'up to date' if current == text else 'written'}")
    return 0
