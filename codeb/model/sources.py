"""Reading manifest files: the only file access of the model."""

from __future__ import annotations

from pathlib import Path

from codeb.model.document import LARGEST_BYTES
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
    except OSError as error:
        raise _unreadable(path, error) from None
    return tuple(map(read_source, files))


def read_source(file: Path) -> ManifestSource:
    """One file. Raises ManifestErrors."""
    try:
        return ManifestSource(str(file), _head(file))
    except (OSError, ValueError) as error:  # the latter: a name with a null byte
        raise _unreadable(file, error) from None


def _unreadable(path: Path, error: Exception) -> ManifestErrors:
    where, why = getattr(error, "filename", None) or path, getattr(error, "strerror", None) or error
    return ManifestErrors(
        [Problem(str(where), 0, 0, "", f"can't be read: {why}", "Check the path and its permissions.")]
    )


def _is_manifest(file: Path) -> bool:
    return file.suffix in _SUFFIXES and not file.name.startswith(".") and file.is_file()


def _head(file: Path) -> bytes:
    """Content of a file, or as much of it as shows that it is too large."""
    with file.open("rb") as stream:
        return stream.read(LARGEST_BYTES + 1)
