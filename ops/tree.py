"""What a run of a stack is made from: manifests, settings, program and request, as one hash that tells whether any changed.

The program is all that Python would import from the project's folder, as a new module there may take another's place.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from ops.access import stack_values
from ops.request import VARIABLE

_LOADER: Final[Any] = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_PROGRAM: Final = ("__main__.py", "codeb", "components", "agent", "ops")
_MODULE: Final = (".py", ".pyc", ".so")
_LEFT_OUT: Final = ("__pycache__",)


def manifests_folder(folder: Path, stack: str) -> Path:
    """Where the stack's manifests are, by its settings."""
    name = stack_values(folder, stack).get("manifests", "manifests")
    return folder / name if isinstance(name, str) and name else folder / "manifests"


def strays(folder: Path, stack: str) -> list[str]:
    """Manifests that are links to files elsewhere: their names."""
    manifests = manifests_folder(folder, stack).resolve()
    found = sorted(manifests.iterdir()) if manifests.is_dir() else []
    return [file.name for file in found if file.is_symlink() and not _real(file).is_relative_to(manifests)]


def _real(file: Path) -> Path:
    """Where links lead; one that leads round in a circle leads nowhere, and stays."""
    return Path(os.path.realpath(file))


def tree(folder: Path, stack: str) -> str:
    """The hash of all that a run of the stack reads in the project's folder, and of what it is asked for beside that."""
    whole = hashlib.sha256()
    if asked := os.environ.get(VARIABLE):
        whole.update(b"request")
        whole.update(hashlib.sha256(os.fsencode(asked)).digest())
    for file in _settings(folder, stack):
        whole.update(hashlib.sha256(_configuration(file)).digest())
    for path in _inputs(folder, stack):
        for file in _files(path):
            whole.update(f"{os.path.relpath(file, folder)}\0".encode(errors="surrogateescape"))
            whole.update(_digest(file))
    return whole.hexdigest()


def _settings(folder: Path, stack: str) -> Iterator[Path]:
    yield folder / f"Pulumi.{stack}.yaml"
    if elsewhere := os.environ.get("PULUMI_OPTION_CONFIG_FILE"):
        yield folder / elsewhere


def _configuration(file: Path) -> bytes:
    """What a stack's settings say; the CLI adds how it encrypts to the same file, and puts it into its own form."""
    try:
        document = yaml.load(file.read_bytes(), Loader=_LOADER)  # noqa: S506 - texts only
        said = {key: document[key] for key in ("config", "environment") if key in document}
        return json.dumps(said, sort_keys=True).encode()
    except (OSError, ValueError, TypeError, yaml.YAMLError):
        return _digest(file)


def _inputs(folder: Path, stack: str) -> Iterator[Path]:
    yield folder / "Pulumi.yaml"
    yield manifests_folder(folder, stack)
    yield from _named(folder, stack)
    modules = {path.name for path in folder.iterdir() if path.suffix in _MODULE or _is_package(path)}
    for name in sorted(modules.union(_PROGRAM)):
        yield folder / name


def _named(folder: Path, stack: str) -> Iterator[Path]:
    """Files that the settings name: known hosts, keys."""
    values = stack_values(folder, stack)
    listed = values.get("servers")
    servers = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    for place in (values, *servers):
        for key in sorted(place):
            name = place[key]
            if key.endswith("File") and isinstance(name, str) and name and "\0" not in name:
                yield folder / name


def _is_package(path: Path) -> bool:
    return any((path / f"__init__{suffix}").is_file() for suffix in _MODULE)


def _files(path: Path) -> Iterator[Path]:
    """All files at or below a path, in order; links to folders are followed at the path itself only."""
    if not path.is_dir():
        yield path
        return
    for root, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT)
        for name in sorted(names):
            yield Path(root, name)


def _digest(file: Path) -> bytes:
    try:
        if not file.is_file():
            return b"-"
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError:
        return b"-"
