"""All files of a new app, made in memory: the template's under their new names, and the workflows beside them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from codeb.model.problems import Problem, shown
from ops.new.spelled import Called, Misplaced, respelled
from ops.new.template import File, Template, TemplateErrors, read_template
from ops.new.wanted import Wanted
from ops.new.workflows import Origin, workflows

TEMPLATE: Final = "core-cms"
_WORKFLOWS: Final = "app-ci"
_PACKAGE: Final = "package.json"
_EXAMPLE: Final = ".env.example"
_DATASET: Final = re.compile(rb"^APP_DATASET=.*$", re.MULTILINE)
_DEPENDENCIES: Final = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")


def platform(folder: Path) -> Path:
    """Where templates are: the project folder, or else the clone that this command was installed from."""
    here = Path(__file__).resolve().parents[2]
    return folder if (folder / "templates").is_dir() or not (here / "templates").is_dir() else here


def app_files(wanted: Wanted, templates: Path, origin: Origin) -> tuple[File, ...]:
    """The files of the app, in order of path.

    Raises:
        TemplateErrors: the templates are wrong, or nothing right can be made of them; every reason.
    """
    template = read_template(templates / TEMPLATE)
    package = _package(template)
    if problems := list(_id_problems(wanted.id, template, package)):
        raise TemplateErrors(problems)
    old, new = Called(template.id, template.name), Called(wanted.id, wanted.name)
    files, problems = {}, []
    for file in template.files:
        try:
            files[file.path] = _renamed(file, old, new) if file.path in template.replace else file
        except (Misplaced, UnicodeDecodeError) as error:
            cause = str(error) if isinstance(error, Misplaced) else "is no text"
            remedy = "Keep names of people in one file, for example src/lib/name.ts."
            problems.append(template.problem(file.path, cause, remedy))
    for file in workflows(templates / _WORKFLOWS, origin, package.get("scripts") or ()):
        if files.setdefault(file.path, file) is not file:
            problems.append(
                template.problem(file.path, f"is a workflow of {_WORKFLOWS}, too", "Keep one of them.")
            )
    if problems:
        raise TemplateErrors(problems)
    if example := files.get(_EXAMPLE):
        content = _DATASET.sub(f"APP_DATASET={wanted.dataset}".encode(), example.content)
        files[_EXAMPLE] = File(_EXAMPLE, content, example.runs)
    return tuple(files[path] for path in sorted(files))


def _renamed(file: File, old: Called, new: Called) -> File:
    text = file.content.decode("utf-8")
    return File(file.path, respelled(file.path, text, old, new).encode(), file.runs)


def _package(template: Template) -> dict[str, Any]:
    """The template's package.json. Raises TemplateErrors."""
    [content] = [file.content for file in template.files if file.path == _PACKAGE] or [b""]
    try:
        found = json.loads(content)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise TemplateErrors(
            [template.problem(_PACKAGE, "is no JSON mapping", "Write one, as npm wants it.")]
        )
    return found


def _id_problems(project: str, template: Template, package: dict[str, Any]) -> Iterator[Problem]:
    used = {name for kind in _DEPENDENCIES for name in package.get(kind) or ()}
    if project in used:
        cause = f"names {shown(project)} among the packages that it uses, and npm refuses a package that uses its own name"
        yield template.problem(_PACKAGE, cause, "Choose another id.")
