"""The file of a project's manifest edited: found, read, checked to say what it should, and written in one step."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from codeb import names
from codeb.model import ManifestErrors, ManifestSource, load_manifests, read_sources
from codeb.model.document import read_document
from ops.yaml_edit import EditError


def source_of(project: str, folder: Path) -> ManifestSource:
    """The manifest of the project, valid by itself. Raises ManifestErrors, EditError."""
    for source in read_sources(folder):
        try:
            found = read_document(source.path, source.text).value.get("project")
        except ManifestErrors:
            continue
        if isinstance(found, dict) and found.get("id") == project:
            load_manifests([source])
            return source
    base = names.previewed(project)
    made = f": a preview environment is what the manifest of {base} says" if base else ""
    raise EditError(f"no manifest in {folder} has the id {project}{made}")


def decoded(source: ManifestSource) -> tuple[str, str]:
    """Its text, and the mark before it (BOM), if it has one."""
    text = source.text if isinstance(source.text, str) else source.text.decode()
    bom = "\ufeff" if text.startswith("\ufeff") else ""
    return text.removeprefix(bom), bom


def check(path: str, edited: str, after: dict[str, Any]) -> None:
    """Raises EditError when the text doesn't say what it should, ManifestErrors when that is no manifest."""
    try:
        value = read_document(path, edited).value
    except ManifestErrors:
        value = {}
    if value != after:
        raise EditError(f"{path} is written in a way that can't be edited safely")
    load_manifests([ManifestSource(path, edited)])


def write(path: Path, content: bytes) -> None:
    """In one step, with the mode that the file has; through a link."""
    path = path.resolve()
    mode = path.stat().st_mode & 0o7777
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
