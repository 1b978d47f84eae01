"""The folder that an app is made from, and what its `template.json` says of it.

`id` and `name` are the two words by which the template calls itself. They may stand in the files of `replace` alone, so
that no app keeps its origin's name by an oversight; `leave` has files and folders that no app gets.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Final

from pydantic import AfterValidator, ValidationError

from codeb.model import types as t
from codeb.model.findings import findings
from codeb.model.problems import DocumentErrors, Problem, path_text, refusal, shown
from codeb.model.section import Section
from codeb.model.shapes import Shape
from codeb.sources import is_made

FILE: Final = "template.json"
_EXAMPLE: Final = (
    'Write for example {"id": "core-cms", "name": "Core CMS", "replace": ["package.json"], "leave": []}.'
)
_LARGEST: Final = 4 << 20
"""Bytes of one file: pictures to look at are in a template, archives are not."""


class TemplateErrors(DocumentErrors):
    """Problems of a template."""


@dataclass(frozen=True)
class File:
    """One file of an app: its path from the app's folder on, with slashes; `runs` when it may be executed."""

    path: str
    content: bytes
    runs: bool = False


def _inside(path: str) -> str:
    parts = path.split("/")
    if path != PurePosixPath(path).as_posix() or path.startswith("/") or {".", ".."} & set(parts):
        raise refusal(
            f"{shown(path)} is not a path in the template", "Write it from its folder on: src/lib/name.ts."
        )
    return path


_Path = Annotated[
    str,
    Shape("a path", "Write for example src/lib/name.ts.", r"[A-Za-z0-9_.()\[\]@/+-]+", longest=200),
    AfterValidator(_inside),
]


class _Said(Section):
    """`template.json`."""

    id: t.ProjectId
    name: t.DisplayText
    replace: t.Items[_Path]
    leave: t.Items[_Path] = ()


@dataclass(frozen=True)
class Template:
    """A template: its two words, where they may stand, and all files that an app is made of, in order."""

    folder: Path
    id: str
    name: str
    replace: frozenset[str]
    files: tuple[File, ...]

    def problem(self, path: str, cause: str, remedy: str) -> Problem:
        """Something to put right in one of its files."""
        return Problem(str(self.folder / path), 0, 0, "", cause, remedy)


def read_template(folder: Path) -> Template:
    """The template in a folder. Links aren't followed, and what builds leave isn't read.

    Raises:
        TemplateErrors: it can't be read, or an app made of it would be wrong; every reason.
    """
    said = _said(folder / FILE)
    try:
        files = tuple(_files(folder, folder, (*said.leave, FILE)))
    except OSError as error:
        cause = f"can't be read: {error.strerror}"
        raise TemplateErrors([Problem(str(error.filename or folder), 0, 0, "", cause, "Check it.")]) from None
    found = Template(folder, said.id, said.name, frozenset(said.replace), files)
    if problems := list(_problems(found)):
        raise TemplateErrors(problems)
    return found


def _said(file: Path) -> _Said:
    try:
        return _Said.model_validate(json.loads(file.read_bytes()))
    except OSError as error:
        cause = f"can't be read: {error.strerror}"
        remedy = "Run this in a clone of the platform, or say --no-app: then there is a manifest only."
        raise TemplateErrors([Problem(str(file), 0, 0, "", cause, remedy)]) from None
    except ValidationError as error:
        found = findings(error, _Said)
        raise TemplateErrors(
            Problem(str(file), 0, 0, path_text(each.path), each.cause, each.remedy) for each in found
        ) from None
    except (ValueError, RecursionError):
        raise TemplateErrors([Problem(str(file), 0, 0, "", "is not JSON", _EXAMPLE)]) from None


def _files(root: Path, folder: Path, left: tuple[str, ...]) -> Iterator[File]:
    """All files below a folder, by name. Raises TemplateErrors for what is neither file nor folder, and OSError."""
    for entry in sorted(os.scandir(folder), key=lambda each: each.name):
        path = Path(entry.path).relative_to(root).as_posix()
        if path in left or is_made(path):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _files(root, Path(entry.path), left)
            continue
        mode = entry.stat(follow_symlinks=False)
        if not stat.S_ISREG(mode.st_mode) or mode.st_size > _LARGEST:
            cause = f"is no file of at most {_LARGEST >> 20} MiB"
            remedy = f"Templates have plain files only: take it away, or name it in `leave` of {FILE}."
            raise TemplateErrors([Problem(entry.path, 0, 0, "", cause, remedy)])
        yield File(path, Path(entry.path).read_bytes(), bool(mode.st_mode & stat.S_IXUSR))


def _problems(template: Template) -> Iterator[Problem]:
    """Words where nobody would replace them, and entries that are no file."""
    words = {word: word.encode() for word in (template.id, template.name)}
    there = {file.path: file for file in template.files}
    for path in sorted(template.replace - set(there)):
        yield template.problem(FILE, f"`replace` names {path}, which is no file of it", "Take it out.")
    for path, file in there.items():
        found = [word for word, text in words.items() if text in file.content]
        if found and path not in template.replace:
            cause = f"says {' and '.join(map(shown, found))}, which nobody replaces there"
            yield template.problem(
                path, cause, f"Write it otherwise, or name the file in `replace` of {FILE}."
            )
