"""`new`: an app from the template, its workflows and its manifest, valid beside all others; nothing is overwritten.

All of it is made and checked in memory first (`app`, `manifest`), and then written or not (`written`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from codeb.model import (
    DocumentErrors,
    ManifestSource,
    Problem,
    Settings,
    load_manifests,
    parse_settings,
    read_sources,
    read_stack_values,
)
from ops import words
from ops.new import workflows
from ops.new.app import app_files, platform
from ops.new.beside import usual
from ops.new.manifest import manifest
from ops.new.template import File
from ops.new.wanted import DATASETS, LAB, SERVICES, Ask, Usual, Wanted, asked, completed
from ops.new.written import write
from ops.result import Result, failed

__all__ = ["DATASETS", "SERVICES", "Ask", "Place", "Usual", "Wanted", "asked", "manifest", "new", "place"]

_SCHEMA: Final = "project-manifest.schema.yaml"
_NOT_FOR_APPS: Final = ("templates", ".lab", ".git")


@dataclass(frozen=True)
class Place:
    """Where a project is to be added: a project folder, and in it the manifests of a stack, or of none."""

    folder: Path
    stack: str | None
    settings: Settings | None
    manifests: Path
    sources: tuple[ManifestSource, ...]

    def usual(self, wanted: Wanted) -> Usual:
        """What a project would have beside the others."""
        return usual(wanted.id, self.sources, self.settings.domain if self.settings else "", wanted.app)


def place(folder: Path, stack: str | None) -> Place:
    """What there is in a folder.

    Raises:
        DocumentErrors: the stack's settings or the manifests can't be read.
    """
    settings = None
    if stack:
        settings = parse_settings(read_stack_values(folder / f"Pulumi.{stack}.yaml"), stack)
    manifests = folder / (settings.manifests if settings else "manifests")
    sources = read_sources(manifests) if manifests.is_dir() else ()
    return Place(folder, stack, settings, manifests, sources)


def new(wanted: Wanted, there: Place) -> Result:
    """Write `<manifests>/<id>.yaml`, and the app in `wanted.app`: ok when all is there and goes with the other manifests
    and the stack's settings; else nothing was written. What isn't said is what's usual there."""
    wanted = completed(wanted, there.usual(wanted))
    path = there.manifests / f"{wanted.id}.yaml"
    app = there.folder / wanted.app if wanted.app else None
    if (taken := _taken(path, app, there.folder)) is not None:
        return failed(taken)
    text = manifest(wanted, _schema_beside(path, there.folder))
    known = _problems(there.sources, there.settings)
    mine = [
        each
        for each in _problems((*there.sources, ManifestSource(str(path), text)), there.settings)
        if each not in known
    ]
    if mine:
        return _refused(path, mine)
    hints = [f"hint: {each}" for each in known]
    files: tuple[File, ...] = ()
    if app is not None:
        source = platform(there.folder)
        origin = workflows.origin(source)
        hints += [f"hint: {each}" for each in workflows.hints(origin, wanted.app)]
        try:
            files = app_files(wanted, source / "templates", origin)
        except DocumentErrors as error:
            return _refused(path, error.problems)
    try:
        write(path, text, app, files)
    except OSError as error:
        return failed(f"{error.filename2 or error.filename or path}: {error.strerror}; nothing was written")
    return _written(wanted, path, text, files, hints, there.stack)


def _taken(path: Path, app: Path | None, folder: Path) -> str | None:
    """What is there already where something is to be written."""
    if os.path.lexists(path):
        return f"{path}: is there already, and stays as it is. Edit it, or choose another id"
    if app is None:
        return None
    if not (folder / "Pulumi.yaml").is_file() and not path.parent.is_dir():
        return f"{words.clean(folder)}: is no project folder, with Pulumi.yaml or {path.parent.name}/. Run this in the clone"
    for other in (*(folder / name for name in _NOT_FOR_APPS), path.parent):
        if Path(os.path.abspath(app)).is_relative_to(os.path.abspath(other)):
            return (
                f"{words.clean(app)}: is in {other.name}/, where no app belongs. Say --app and another folder"
            )
    for each in (app, *app.parents):
        if each.is_symlink() and each.is_relative_to(folder) and each != folder:
            return f"{words.clean(each)}: is a link, which isn't followed. Say --app and the folder that it leads to"
    if os.path.lexists(app) and (not app.is_dir() or any(app.iterdir())):
        return (
            f"{words.clean(app)}: is there already, and stays as it is. Say --app and another folder, or --no-app for a "
            "manifest only"
        )
    return None


def _refused(path: Path, problems: Sequence[Problem]) -> Result:
    said = [words.clean(each) for each in problems]
    return Result({"ok": False, "file": str(path), "problems": said}, problems=(*said, "nothing was written"))


def _written(
    wanted: Wanted, path: Path, text: str, files: Sequence[File], hints: Sequence[str], stack: str | None
) -> Result:
    steps = tuple(_app_steps(wanted, stack) if files else _steps(wanted, path, stack))
    document = {
        "ok": True,
        "file": str(path),
        "text": text,
        **({"app": wanted.app, "files": [file.path for file in files]} if files else {}),
        "hints": list(hints),
        "next": list(steps),
    }
    made = [f"{words.clean(wanted.app)}: the app, {words.count(len(files), 'file')}"] if files else []
    return Result(document, (*made, f"{path}: written", *steps), tuple(words.clean(each) for each in hints))


def _schema_beside(path: Path, folder: Path) -> str:
    """How an editor finds the schema from there; "" where there is none."""
    schema = folder / _SCHEMA
    return Path(os.path.relpath(schema, path.parent)).as_posix() if schema.exists() else ""


def _problems(sources: Sequence[ManifestSource], settings: Settings | None) -> list[Problem]:
    try:
        load_manifests(sources, settings)
    except DocumentErrors as error:
        return list(error.problems)
    return []


def _app_steps(wanted: Wanted, stack: str | None) -> Iterator[str]:
    folder = Path(wanted.app)
    in_the_lab = wanted.image.startswith(f"{LAB}{folder.name}:") and folder.parent == Path("apps")
    named = stack or ("dev" if in_the_lab else "STACK")
    admin = f"  codeb exec {wanted.id} --stack {named} -- node invite.cjs --role admin YOU@example.com   # the first"
    yield "Next:"
    yield f"  {words.clean(wanted.app)}/README.md   # how to run it here, test it, change it"
    if in_the_lab:
        yield f"  make lab   # builds and deploys it: https://{words.clean(wanted.domain)}/"
        yield admin
        return
    yield f"  git init {words.clean(wanted.app)}   # a repository of its own, as templates/app-ci/README.md says"
    yield f"  pulumi up --stack {named}   # when its first image is pushed: {words.clean(wanted.image)}"
    yield f"  codeb status {wanted.id} --stack {named}"
    yield admin
    yield f"Its DNS name {words.clean(wanted.domain)} has to lead to the servers."


def _steps(wanted: Wanted, path: Path, stack: str | None) -> Iterator[str]:
    named = stack or "STACK"
    yield "Next:"
    yield f"  edit {words.clean(path)}: variables, secrets, health check"
    yield f"  codeb validate --stack {named}"
    yield f"  pulumi preview --stack {named}   # what it adds: ports, database, bucket"
    yield f"  pulumi up --stack {named}"
    yield f"  codeb status {wanted.id} --stack {named}"
    yield f"Its DNS name {words.clean(wanted.domain)} has to lead to the servers."
