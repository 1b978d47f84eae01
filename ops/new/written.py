"""Writing an app's folder and a manifest: both or nothing, whatever happens half-way, Ctrl-C included.

Each step says how it is taken back before it is done. The app is made in a hidden folder beside its place and appears by a
rename; the manifest, by which it would be deployed, comes last.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from ops.new.template import File

_NO_LINKS: Final = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)
"""Of file systems that have no second names for a file."""


def write(manifest: Path, text: str, app: Path | None = None, files: Sequence[File] = ()) -> None:
    """Write the manifest, and beside it the app's files when there is a folder for them; nothing is overwritten.

    Raises:
        OSError: that of what stood in the way, FileExistsError for what is there already; nothing was written.
    """
    with ExitStack() as undo:
        if app is not None:
            _folders(app.parent, undo)
            _app(app, files, undo)
        _folders(manifest.parent, undo)
        _manifest(manifest, text.encode(), undo)
        undo.pop_all()


def _folders(folder: Path, undo: ExitStack) -> None:
    """A folder and those above it, where they are missing."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        undo.callback(_remove_empty, each)
        each.mkdir(exist_ok=True)


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def _app(app: Path, files: Sequence[File], undo: ExitStack) -> None:
    part = _beside(app)
    undo.callback(shutil.rmtree, part, ignore_errors=True)
    part.mkdir()
    for file in files:
        path = part / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        if file.runs:
            path.chmod(0o755)
    undo.callback(_take_away, app, part, app.is_dir())
    os.rename(part, app)  # over an empty folder, and nothing else


def _take_away(app: Path, part: Path, was_there: bool) -> None:
    """The app back into the folder that is removed, if it has appeared."""
    if not part.exists():
        os.rename(app, part)
        if was_there:
            app.mkdir()


def _manifest(path: Path, content: bytes, undo: ExitStack) -> None:
    part = _beside(path)
    undo.callback(part.unlink, missing_ok=True)
    part.write_bytes(content)
    undo.callback(_withdraw, path, part)
    try:
        os.link(part, path)  # a link that leads nowhere counts as a file
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
        undo.callback(path.unlink, missing_ok=True)
        os.replace(part, path)
        return
    part.unlink()


def _withdraw(path: Path, part: Path) -> None:
    """The manifest away, if it is ours: the same file still has its first name, or has lost it to this one."""
    with suppress(FileNotFoundError):
        if not part.exists() or path.samefile(part):
            path.unlink()


def _beside(path: Path) -> Path:
    """A hidden name that nobody has."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
