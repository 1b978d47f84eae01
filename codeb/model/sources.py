"""Reading manifest files: the only file access of the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from codeb.model.document import LARGEST_BYTES, read_document
from codeb.model.loader import ManifestSource
from codeb.model.problems import ManifestErrors, Problem

_SUFFIXES = {".yaml", ".yml"}


def read_sources(path: Path) -> tuple[ManifestSource, ...]:
    """The manifests of a folder (`.yaml` and `.yml` files in order of name, no hidden ones), or one file.

    Raises:
        ManifestErrors: a path does not exist or can't be read.
    """
    try:
        files = sorted(filter(_is_manifest, path.iterdir())) if path.is_dir() else [path]
        return tuple(ManifestSource(str(file), _head(file)) for file in files)
    except OSError as error:
        where = str(error.filename or path)
        cause = f"can't be read: {error.strerror}"
        raise ManifestErrors(
            [Problem(where, 0, 0, "", cause, "Check the path and its permissions.")]
        ) from None


def read_stack_values(file: Path) -> dict[str, Any]:
    """The plain keys of a `Pulumi.<stack>.yaml` without their prefix `codeb:`; encrypted values are left out.

    Raises:
        ManifestErrors: the file can't be read, or its `config` is not a mapping.
    """
    (source,) = read_sources(file)
    document = read_document(source.path, source.text)
    config = document.value.get("config", {})
    if not isinstance(config, dict):
        problem = document.problem(("config",), "is not a mapping", "Write keys below it, indented.")
        raise ManifestErrors([problem])
    return {
        key.removeprefix("codeb:"): value
        for key, value in config.items()
        if key.startswith("codeb:") and not (isinstance(value, dict) and "secure" in value)
    }


def _is_manifest(file: Path) -> bool:
    return file.suffix in _SUFFIXES and not file.name.startswith(".") and file.is_file()


def _head(file: Path) -> bytes:
    """Content of a file, or as much of it as shows that it is too large."""
    with file.open("rb") as stream:
        return stream.read(LARGEST_BYTES + 1)
