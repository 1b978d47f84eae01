"""The commands `validate` and `schema`: they need no host, no cloud and no Pulumi."""

from __future__ import annotations

from collections.abc import Sequence
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
from codeb.outputs.schema import outputs_schema_text
from ops import words
from ops.result import Result


@dataclass(frozen=True)
class Checked:
    """What there is to say of manifests: problems in the order of files, and hints; those that are right, if all are."""

    manifests: Manifests
    problems: tuple[Problem, ...]
    hints: tuple[Problem, ...]


def validate(paths: Sequence[str], stack_name: str | None = None) -> Result:
    """Check the manifests at these paths, against a stack's settings too when it is named: every problem."""
    problems: list[Problem] = []
    sources: dict[str, ManifestSource] = {}
    for path in paths:
        try:
            sources |= {source.path: source for source in read_sources(Path(path))}
        except ManifestErrors as error:
            problems += error.problems
    if not sources and not problems:
        where = " ".join(paths)
        problems.append(Problem(where, 0, 0, "", "has no manifests", "Add a file that ends in .yaml."))
    complete = not problems and all(Path(path).is_dir() for path in paths)
    found = check(tuple(sources.values()), stack_name, complete=complete)
    return _result(found.manifests, sorted([*problems, *found.problems]), list(found.hints))


def check(
    sources: Sequence[ManifestSource], stack_name: str | None, folder: Path = Path(), *, complete: bool
) -> Checked:
    """Manifests against each other and against the settings in `folder`; `complete` when they are all that the stack has."""
    problems: list[Problem] = []
    settings, stack, manifests = None, None, Manifests((), {})
    try:
        stack = _stack_file(folder, stack_name)
        settings = _settings(stack)
    except DocumentErrors as error:
        problems += error.problems
    readable = True
    try:
        manifests = load_manifests(sources, settings)
    except ManifestErrors as error:
        problems += error.problems
        readable = False
    hints = list(say_of_manifests(manifests, without_stack=stack is None))
    if stack is not None:
        said = say_of_secrets(stack, manifests, complete=readable and complete)
        problems += said.problems
        hints += said.hints
    return Checked(manifests, tuple(sorted(problems)), tuple(hints))


def manifests_of(stack_name: str | None) -> str:
    """The folder that the stack's settings name for its manifests, else manifests/."""
    try:
        stack = _stack_file(Path(), stack_name)
    except DocumentErrors:  # `validate` says so
        stack = None
    folder = stack.settings.get("manifests") if stack else None
    return folder if isinstance(folder, str) and folder else "manifests"


def _stack_file(folder: Path, stack: str | None) -> StackFile | None:
    return None if stack is None else read_stack_file(folder / f"Pulumi.{stack}.yaml", stack)


def _settings(stack: StackFile | None) -> Settings | None:
    if stack is None:
        return None
    settings = parse_settings(stack.settings, stack.stack)
    refuse_vulnerable(settings, stack.stack)
    return settings


def _result(manifests: Manifests, problems: list[Problem], hints: list[Problem]) -> Result:
    said = [f"hint: {hint}" for hint in hints]
    if problems:
        files = len({problem.file for problem in problems})
        said += map(str, problems)
        said.append(f"{words.count(len(problems), 'problem')} in {words.count(files, 'file')}")
        return Result(_document(manifests, problems, hints), problems=tuple(said))
    lines = [f"{manifests.files[manifest.id]}: {_summary(manifest)}" for manifest in manifests]
    lines.append(f"{words.count(len(manifests), 'manifest')}, no problems")
    return Result(_document(manifests, problems, hints), tuple(lines), tuple(said))


def _document(manifests: Manifests, problems: list[Problem], hints: list[Problem]) -> dict[str, object]:
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
        "problems": [asdict(problem) for problem in problems],
        "hints": [asdict(hint) for hint in hints],
    }


def _summary(manifest: Manifest) -> str:
    resources = manifest.resources
    services = [name for name in ("database", "cache", "storage") if getattr(resources, name).enabled]
    app = f"{manifest.id} at https://{manifest.environment.domain}, {manifest.environment.image}"
    return f"{app}, {', '.join(services) or 'no data services'}"


def schema(output: str, *, check: bool, outputs: bool = False) -> Result:
    """Write the JSON Schema file of the manifest or of the stack's `outputs`, `-` for standard output, or only check that it
    is up to date."""
    text = outputs_schema_text() if outputs else schema_text()
    if output == "-":
        return Result({"ok": True, "schema": text}, (text.rstrip("\n"),))
    file = Path(output)
    try:
        current = file.read_text(encoding="utf-8") if file.exists() else None
        if check and current != text:
            command = "codeb schema --outputs" if outputs else "codeb schema"
            return _schema_result(file, f"is out of date. Run {command}.", ok=False)
        if not check:
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        return _schema_result(file, f"{error.strerror}. Name another file with --output.", ok=False)
    return _schema_result(file, "up to date" if current == text else "written", ok=True)


def _schema_result(file: Path, said: str, *, ok: bool) -> Result:
    line = f"{file}: {said}"
    return Result({"ok": ok, "file": str(file), "said": said}, (line,) if ok else (), () if ok else (line,))
